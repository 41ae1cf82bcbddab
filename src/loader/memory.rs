//! Words of linear memory, by typed addresses.

use super::VmProcess;
use crate::engine::{Memory, Trap};
use crate::image::words::Address;

/// The little-endian word at an address.
///
/// # Errors
/// [`Trap::MemoryOutOfBounds`].
pub fn read_u32(memory: &(impl Memory + ?Sized), address: Address) -> Result<u32, Trap> {
    memory.word(address.get())
}

/// Writes a little-endian word.
///
/// # Errors
/// [`Trap::MemoryOutOfBounds`].
pub fn write_u32(process: &mut VmProcess<'_>, address: Address, word: u32) -> Result<(), Trap> {
    process.write(address.get(), &word.to_le_bytes())
}
