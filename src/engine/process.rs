//! The border: what an engine is, and what a running program is to whoever drives it.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Memory, MemoryView, Trap};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{ModuleId, Program};

/// What is behind the host import: its driver's answer to a function's number and four words.
///
/// # Errors
/// The trap that ends the process.
pub type HostCall<S> = fn(&mut dyn Process<S>, u32, [u32; 4]) -> Result<u32, Trap>;

/// Something that can execute programs.
pub trait Engine<S> {
    /// The name that `--engine` takes.
    fn name(&self) -> &'static str;

    /// Starts a fresh process for `program` (memory and table as
    /// [`Program`] describes them before any image is loaded), puts `state`
    /// into it and `host` behind its import, calls `drive` and returns the state.
    ///
    /// # Errors
    /// When the engine refuses a module: a defect of the emitter, never of a scenario.
    fn run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, EngineError>;

    /// Linear memory as the last run left it: where it lies if the engine has it at hand.
    fn memory(&self) -> Cow<'_, [u8]>;

    /// Programs that it compiled so far, again if their modules were not kept.
    fn compiled(&self) -> u64 {
        0
    }

    /// Programs and stores that are kept.
    #[cfg(test)]
    fn kept(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// The engine cannot execute this program at all.
#[derive(Debug, thiserror::Error)]
#[error("{engine} rejects a module that Calliper emitted: {message}")]
pub struct EngineError {
    /// Which engine.
    pub engine: &'static str,
    /// What it said.
    pub message: String,
}

/// A running process, as its driver sees it.
///
/// Addresses are linear-memory addresses.
pub trait Process<S>: Memory {
    /// The driver's state.
    fn state(&mut self) -> &mut S;

    /// Memory to read and the state, both at once.
    fn split(&mut self) -> (MemoryView<'_>, &mut S);

    /// Writes `bytes` at `address`.
    ///
    /// # Errors
    /// [`Trap::MemoryOutOfBounds`] when not all of them are in memory; then none is written.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap>;

    /// Slots in the function table.
    fn table_len(&mut self) -> u32;

    /// Appends `n` null slots, and says which the first of them is.
    fn table_grow(&mut self, n: u32) -> TableIndex;

    /// Instantiates an R2R module: copies its payload to `memory_base`
    /// and fills its table slice at `table_base`, as its active segments say.
    ///
    /// # Errors
    /// The trap of the segment that does not fit; then nothing has changed.
    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Trap>;

    /// Calls `table[index]`, which must have type `(i32 i32 i32)->()`.
    ///
    /// # Errors
    /// The trap that ended the call.
    fn call(&mut self, index: TableIndex, arguments: [u32; 3]) -> Result<(), Trap>;

    /// The `__stack_pointer` global.
    fn stack_pointer(&mut self) -> u32;

    /// Sets the `__stack_pointer` global.
    fn set_stack_pointer(&mut self, value: u32);
}
