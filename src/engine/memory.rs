//! Linear memory as whoever drives a process reads it.

use std::borrow::Cow;

use super::Trap;
use super::load::memory_range;

/// Linear memory, wherever an engine keeps it: nothing here promises a slice.
///
/// Every access is bounds-checked as a wasm access is, and gives
/// [`Trap::MemoryOutOfBounds`] when it fails. Writing is the [`Process`](super::Process)'s, so
/// that whoever wraps a process sees every write.
pub trait Memory {
    /// Fills `into` with the bytes from `address` on.
    ///
    /// # Errors
    /// When they are not all in memory; `into` is as it was, or partly filled.
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap>;

    /// All of memory, if it lies in one piece in this address space: what the other reads are
    /// made of where an engine can say so.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// The little-endian word at `address`.
    ///
    /// # Errors
    /// When it is not all in memory.
    #[inline]
    fn word(&self, address: u32) -> Result<u32, Trap> {
        let mut bytes = [0; 4];
        match self.as_slice() {
            Some(memory) => bytes.copy_from_slice(within(memory, address, 4)?),
            None => self.read_into(address, &mut bytes)?,
        }
        Ok(u32::from_le_bytes(bytes))
    }

    /// `len` bytes from `address` on: where they lie if the engine has them at hand, else a copy.
    ///
    /// # Errors
    /// When they are not all in memory.
    #[inline]
    fn read(&self, address: u32, len: u32) -> Result<Cow<'_, [u8]>, Trap> {
        if let Some(memory) = self.as_slice() {
            return within(memory, address, len).map(Cow::Borrowed);
        }
        let mut bytes = vec![0; len as usize];
        self.read_into(address, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }
}

#[inline]
fn within(memory: &[u8], address: u32, len: u32) -> Result<&[u8], Trap> {
    Ok(&memory[memory_range(address, 0, len, memory.len())?])
}

impl Memory for [u8] {
    #[inline]
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        into.copy_from_slice(within(self, address, into.len() as u32)?);
        Ok(())
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

/// Memory to be read while the process's state is borrowed as well.
#[derive(Clone, Copy)]
pub enum MemoryView<'a> {
    /// It lies here.
    Bytes(&'a [u8]),
    /// It lies somewhere else, and is asked for.
    Elsewhere(&'a dyn Memory),
}

impl Memory for MemoryView<'_> {
    #[inline]
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        match self {
            Self::Bytes(bytes) => bytes.read_into(address, into),
            Self::Elsewhere(memory) => memory.read_into(address, into),
        }
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Elsewhere(memory) => memory.as_slice(),
        }
    }
}
