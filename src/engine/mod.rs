//! Engines execute a program; whoever starts them drives them.
//!
//! An [`Engine`] keeps what may be reused between runs (compiled modules,
//! stores, instances). During a run it is a [`Process`]: linear memory, a
//! function table, and calls. A process carries a state of its driver's, of any type `S`, and its
//! one host import is the driver's [`HostCall`]: an engine knows neither.

pub mod paper;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;

mod load;
mod memory;
#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod stored;
#[cfg(test)]
mod tests;
mod trap;

use std::borrow::Cow;
use std::sync::Arc;

use crate::image::{ModuleId, Program};

pub use memory::{Memory, MemoryView};
pub use trap::Trap;

/// How much one run may execute before it is stopped, in instructions
/// (roughly: each engine counts its own way, so [`Trap::OutOfFuel`] is never
/// compared between engines).
pub const FUEL: u64 = 50_000_000;

/// The most wasm calls that may be nested; the engines agree on it only roughly.
pub const MAX_CALLS: usize = 200;

/// The most times that a process may be entered again from VM code, which
/// takes native stack.
pub const MAX_REENTRIES: u32 = 64;

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

    /// Appends `n` null slots.
    fn table_grow(&mut self, n: u32);

    /// Instantiates an R2R module: copies its payload to `memory_base`
    /// and fills its table slice at `table_base`, as its active segments say.
    ///
    /// # Errors
    /// The trap of the segment that does not fit; then nothing has changed.
    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap>;

    /// Calls `table[index]`, which must have type `(i32 i32 i32)->()`.
    ///
    /// # Errors
    /// The trap that ended the call.
    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap>;

    /// The `__stack_pointer` global.
    fn stack_pointer(&mut self) -> u32;

    /// Sets the `__stack_pointer` global.
    fn set_stack_pointer(&mut self, value: u32);
}

/// A little-endian word of memory.
///
/// # Errors
/// [`Trap::MemoryOutOfBounds`].
pub fn read_u32<M: Memory + ?Sized>(memory: &M, address: u32) -> Result<u32, Trap> {
    memory.word(address)
}

/// Writes a little-endian word.
///
/// # Errors
/// [`Trap::MemoryOutOfBounds`].
pub fn write_u32<S>(
    process: &mut (dyn Process<S> + '_),
    address: u32,
    value: u32,
) -> Result<(), Trap> {
    process.write(address, &value.to_le_bytes())
}
