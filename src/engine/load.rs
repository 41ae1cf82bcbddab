//! What loading an image asks of memory and table.

use std::ops::Range;

use super::Trap;
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{ModuleId, Program};

/// One instantiation of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Which image.
    pub module: ModuleId,
    /// Its `__memory_base`.
    pub memory_base: ImageBase,
    /// Its `__table_base`.
    pub table_base: TableIndex,
}

impl Load {
    /// Where the payload lies, if the image fits into memory and table.
    ///
    /// Every engine asks this before it loads, so that an image that does not fit
    /// changes nothing. A wasm engine alone would already have written the element segment
    /// when it finds that the data segment does not fit.
    pub fn check(self, program: &Program, table_len: u32) -> Result<Range<usize>, Trap> {
        let image = &program.images[self.module];
        let slots = u64::from(self.table_base.get()) + image.functions.len() as u64;
        if slots > u64::from(table_len) {
            return Err(Trap::TableOutOfBounds);
        }
        memory_range(self.memory_base.get(), 0, image.payload.len() as u32, program.memory.len())
    }
}

/// The bytes that an access touches, checked as wasm checks it.
pub(super) fn memory_range(
    address: u32,
    offset: u32,
    len: u32,
    memory_len: usize,
) -> Result<Range<usize>, Trap> {
    let start = u64::from(address) + u64::from(offset);
    let end = start + u64::from(len);
    if end > memory_len as u64 {
        return Err(Trap::MemoryOutOfBounds);
    }
    Ok(start as usize..end as usize)
}
