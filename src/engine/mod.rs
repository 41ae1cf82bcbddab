//! Engines execute a program; the loader model drives them.
//!
//! An [`Engine`] keeps what may be reused between runs (compiled modules,
//! stores, instances). During a run it is a [`Process`]: linear memory, a
//! function table, and calls, which is all that the loader model sees.

pub mod paper;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;

mod load;
#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod stored;
#[cfg(test)]
mod tests;
mod trap;

use std::sync::Arc;

use crate::image::{ModuleId, Program};
use crate::loader::Vm;

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

/// The VM's side of the host import: [`crate::loader::host_call`], but for tests.
pub(crate) type HostCall = fn(&mut dyn Process, u32, [u32; 4]) -> Result<u32, Trap>;

/// Something that can execute programs.
pub trait Engine {
    /// The name that `--engine` takes.
    fn name(&self) -> &'static str;

    /// Starts a fresh process for `program` (memory and table as
    /// [`Program`] describes them before any image is loaded), puts `vm`
    /// into it, calls `drive` and returns the `vm`.
    ///
    /// # Errors
    /// When the engine refuses a module: a defect of the emitter, never of a scenario.
    fn run(
        &mut self,
        program: &Arc<Program>,
        vm: Vm,
        drive: &mut dyn FnMut(&mut dyn Process),
    ) -> Result<Vm, EngineError>;

    /// Linear memory as the last run left it.
    fn memory(&self) -> &[u8];

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

/// A running process, as the loader model sees it.
///
/// Addresses are linear-memory addresses; every access is bounds-checked as a
/// wasm access is and gives [`Trap::MemoryOutOfBounds`] when it fails.
pub trait Process {
    /// The modelled VM that lives in this process.
    fn vm(&mut self) -> &mut Vm;

    /// `len` bytes at `address`.
    fn read(&mut self, address: u32, len: u32) -> Result<&[u8], Trap>;

    /// Writes `bytes` at `address`.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap>;

    /// Slots in the function table.
    fn table_len(&mut self) -> u32;

    /// Appends `n` null slots.
    fn table_grow(&mut self, n: u32);

    /// Instantiates an R2R module: copies its payload to `memory_base`
    /// and fills its table slice at `table_base`, as its active segments say.
    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap>;

    /// Calls `table[index]`, which must have type `(i32 i32 i32)->()`.
    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap>;

    /// The `__stack_pointer` global.
    fn stack_pointer(&mut self) -> u32;

    /// Sets the `__stack_pointer` global.
    fn set_stack_pointer(&mut self, value: u32);

    /// The type of the function in `table[index]` and whether it is null, for
    /// the final observation: `None` past the end, `Some(None)` for null.
    fn table_type(&mut self, index: u32) -> Option<Option<crate::abi::FuncType>>;
}

/// A little-endian word of memory.
pub fn read_u32(process: &mut dyn Process, address: u32) -> Result<u32, Trap> {
    let bytes = process.read(address, 4)?;
    Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were asked for")))
}

/// Writes a little-endian word.
pub fn write_u32(process: &mut dyn Process, address: u32, value: u32) -> Result<(), Trap> {
    process.write(address, &value.to_le_bytes())
}
