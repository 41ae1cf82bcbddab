//! Portable entry points and MethodDescs in linear memory.
//!
//! `vm/precode_portable.hpp`: a `PortableEntryPoint` is 16 bytes in a release
//! build. `MethodDesc` is 16 bytes with `CodeData` at +8, whose first word is
//! the temporary entry point: the method's portable entry point (both measured
//! on a published build).

use super::words::{MethodDescAddress, PepAddress, TableIndex};
use crate::engine::{Process, Trap, read_u32, write_u32};

/// Bytes of a `PortableEntryPoint` in a release build.
pub const PEP_SIZE: u32 = 16;
/// Bytes of guard that Calliper keeps behind each one.
pub const PEP_GUARD: u32 = 16;
/// Bytes of a `MethodDescChunk` in front of its MethodDescs.
pub const CHUNK_SIZE: u32 = 12;
/// Bytes of a `MethodDesc`.
pub const METHOD_DESC_SIZE: u32 = 16;
/// Bytes of a `MethodDescCodeData`.
pub const CODE_DATA_SIZE: u32 = 16;

const ACTUAL_CODE: u32 = 0;
const METHOD_DESC: u32 = 4;
const INTERPRETER_DATA: u32 = 8;
const FLAGS: u32 = 12;
const CODE_DATA: u32 = 8;
const UNMANAGED_ENTRY_POINT: u32 = 4;

/// `kUnmanagedCallersOnly_Has`.
pub const UCO_HAS: u32 = 0x1;
/// `kUnmanagedCallersOnly_Checked`.
pub const UCO_CHECKED: u32 = 0x2;
/// `kPrefersInterpreterEntryPoint`.
pub const PREFERS_INTERPRETER: u32 = 0x4;

/// The four words of a portable entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PepWords {
    /// `_pActualCode`.
    pub actual_code: TableIndex,
    /// `_pMD`.
    pub method_desc: MethodDescAddress,
    /// `_pInterpreterData`: an `InterpByteCodeStart*`.
    pub interpreter_data: u32,
    /// `_flags`.
    pub flags: u32,
}

impl PepAddress {
    /// All four words.
    pub fn words(self, process: &mut dyn Process) -> Result<PepWords, Trap> {
        let bytes = process.read(self.0, PEP_SIZE)?;
        let word = |at: u32| {
            let at = at as usize;
            u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
        };
        Ok(PepWords {
            actual_code: TableIndex(word(ACTUAL_CODE)),
            method_desc: MethodDescAddress(word(METHOD_DESC)),
            interpreter_data: word(INTERPRETER_DATA),
            flags: word(FLAGS),
        })
    }

    /// `Init(pMD)`: cold, all zero but the owner.
    ///
    /// Newer sources set `kPrefersInterpreterEntryPoint` here, the published
    /// build that was measured did not. Nothing looks at that flag while
    /// `_pActualCode` is null, so Calliper sets it together with the first
    /// interpreter thunk and keeps to the measured words.
    pub fn init(self, process: &mut dyn Process, owner: MethodDescAddress) -> Result<(), Trap> {
        let mut bytes = [0; PEP_SIZE as usize];
        bytes[METHOD_DESC as usize..][..4].copy_from_slice(&owner.0.to_le_bytes());
        process.write(self.0, &bytes)
    }

    /// Overwrites `_pActualCode`.
    pub fn set_actual_code(self, process: &mut dyn Process, code: TableIndex) -> Result<(), Trap> {
        write_u32(process, self.0 + ACTUAL_CODE, code.0)
    }

    /// Writes `_pActualCode` only over null (`TrySetInterpreterThunk`'s
    /// compare-and-swap); true if it was.
    pub fn try_set_actual_code(
        self,
        process: &mut dyn Process,
        code: TableIndex,
    ) -> Result<bool, Trap> {
        let free = read_u32(process, self.0 + ACTUAL_CODE)? == 0;
        if free {
            self.set_actual_code(process, code)?;
        }
        Ok(free)
    }

    /// Writes `_pInterpreterData`.
    pub fn set_interpreter_data(self, process: &mut dyn Process, data: u32) -> Result<(), Trap> {
        write_u32(process, self.0 + INTERPRETER_DATA, data)
    }

    /// `InterlockedOr` and `InterlockedAnd` on `_flags`.
    pub fn change_flags(self, process: &mut dyn Process, set: u32, clear: u32) -> Result<(), Trap> {
        let flags = read_u32(process, self.0 + FLAGS)?;
        write_u32(process, self.0 + FLAGS, (flags | set) & !clear)
    }
}

impl PepWords {
    /// `HasNativeCode`.
    pub fn has_native_code(&self) -> bool {
        self.actual_code != TableIndex::NONE
    }

    /// `HasNativeEntryPoint`: there is code, and it is preferred over the interpreter (#126901).
    pub fn has_native_entry_point(&self) -> bool {
        self.has_native_code() && self.flags & PREFERS_INTERPRETER == 0
    }
}

impl MethodDescAddress {
    /// Writes the chunk header, the MethodDesc and its code data.
    pub fn init(
        self,
        process: &mut dyn Process,
        code_data: u32,
        pep: PepAddress,
    ) -> Result<(), Trap> {
        write_u32(process, self.0 + CODE_DATA, code_data)?;
        write_u32(process, code_data, pep.0)
    }

    /// The method's own unmanaged entry: where the fixed loader publishes a UCO
    /// method's table index, apart from `_pActualCode`, as #129857 proposes.
    /// The word behind `MethodDescCodeData::TemporaryEntryPoint` is Calliper's choice of place.
    pub fn unmanaged_entry(self, process: &mut dyn Process) -> Result<TableIndex, Trap> {
        let code_data = read_u32(process, self.0 + CODE_DATA)?;
        read_u32(process, code_data + UNMANAGED_ENTRY_POINT).map(TableIndex)
    }

    /// Publishes the method's own unmanaged entry.
    pub fn set_unmanaged_entry(
        self,
        process: &mut dyn Process,
        index: TableIndex,
    ) -> Result<(), Trap> {
        let code_data = read_u32(process, self.0 + CODE_DATA)?;
        write_u32(process, code_data + UNMANAGED_ENTRY_POINT, index.0)
    }

    /// What VM code does first with any MethodDesc: finds its chunk (12 bytes
    /// and an index of 8-byte units before it), its MethodTable and that one's
    /// module. With a word that is no MethodDesc this reads wherever it leads.
    pub fn dereference(self, process: &mut dyn Process) -> Result<(), Trap> {
        let chunk_index = u32::from(process.read(self.0.wrapping_add(2), 1)?[0]);
        let chunk = self.0.wrapping_sub(CHUNK_SIZE).wrapping_sub(8 * chunk_index);
        let method_table = read_u32(process, chunk)?;
        read_u32(process, method_table.wrapping_add(20))?;
        Ok(())
    }
}
