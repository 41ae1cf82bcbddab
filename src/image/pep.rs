//! Portable entry points and MethodDescs: where their words lie, and how code calls through one.
//!
//! This is the only place that knows the layout. The emitter, the loader and the verdict ask for
//! offsets and sizes here, so that another layout is a change of this file.
//!
//! `vm/precode_portable.hpp`: a `PortableEntryPoint` is 16 bytes in a release build.
//! `vm/method.hpp`: a `MethodDesc` is 16 bytes with `CodeData` at +8, whose first word is the
//! temporary entry point: the method's portable entry point (both measured on a published build).

use super::code::{Op, TypeId};
use super::function::Assembler;
use super::words::{MethodDescAddress, PepAddress, Rva, TableIndex};
use crate::abi::ValType;

/// Bytes of a `PortableEntryPoint` in a release build.
pub const PEP_SIZE: u32 = 16;
/// Bytes of guard that Calliper keeps behind each one that belongs to a method or a stub.
pub const PEP_GUARD: u32 = 16;

/// Offset of `_pActualCode`: the table index that a call goes to. Structures that are passed for
/// entry points (an import thunk's record, a V-thunk's and a closed static delegate's entry point)
/// have theirs in the same place.
pub const CODE: u32 = 0;
/// Offset of `_pMD`: the address of the owner's MethodDesc.
pub const METHOD_DESC: u32 = 4;
/// Offset of `_pInterpreterData`.
pub const DATA: u32 = 8;
/// Offset of `_flags`.
pub const FLAGS: u32 = 12;

/// `kUnmanagedCallersOnly_Has`.
pub const UCO_HAS: u32 = 0x1;
/// `kUnmanagedCallersOnly_Checked`.
pub const UCO_CHECKED: u32 = 0x2;
/// `kPrefersInterpreterEntryPoint`.
pub const PREFERS_INTERPRETER: u32 = 0x4;

/// Bytes of a `MethodDescChunk` in front of its MethodDescs.
pub const CHUNK_SIZE: u32 = 12;
/// Bytes of a `MethodDesc`.
pub const METHOD_DESC_SIZE: u32 = 16;
/// Bytes of a `MethodDescCodeData`.
pub const CODE_DATA_SIZE: u32 = 16;
/// Bytes of the modelled `InterpByteCodeStart`, which `_pInterpreterData` leads to.
pub(crate) const BYTE_CODE_SIZE: u32 = 16;
/// Offset of `CodeData` in a `MethodDesc`.
pub(crate) const CODE_DATA: u32 = 8;
/// Offset of `TemporaryEntryPoint` in a `MethodDescCodeData`.
pub(crate) const TEMPORARY_ENTRY_POINT: u32 = 0;
/// Offset in a `MethodDescCodeData` of the word that Calliper keeps a UCO method's own entry in.
pub(crate) const UNMANAGED_ENTRY_POINT: u32 = 4;

/// A `VirtualDispatchPortableEntryPoint`: the V-thunk at [`CODE`], then these.
pub mod virtual_dispatch_entry {
    /// +4: offset in the MethodTable, a u16.
    pub const TABLE_OFFSET: u32 = 4;
    /// +6: offset in the vtable chunk, a u16.
    pub const CHUNK_OFFSET: u32 = 6;
    /// +8: the table index that is called while the slot's entry point has none.
    pub const INITIAL_ENTRY: u32 = 8;
    /// Bytes of it.
    pub const SIZE: u32 = 12;
}

/// A `ClosedStaticRetBufPortableEntryPoint` (#134108): the thunk at [`CODE`], and at
/// this offset the static method's entry point.
pub const CLOSED_STATIC_TARGET: u32 = 4;
/// Bytes of it.
pub const CLOSED_STATIC_SIZE: u32 = 8;

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

impl PepWords {
    /// Reads the entry point that these bytes are.
    pub fn from_bytes(bytes: &[u8; PEP_SIZE as usize]) -> Self {
        let word = |offset: u32| {
            let at = offset as usize;
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            actual_code: TableIndex::new(word(CODE)),
            method_desc: MethodDescAddress::new(word(METHOD_DESC)),
            interpreter_data: word(DATA),
            flags: word(FLAGS),
        }
    }

    /// Reads an entry point in memory; `None` if it does not lie in it.
    pub fn at(memory: &[u8], pep: PepAddress) -> Option<Self> {
        memory.get(pep.get() as usize..)?.first_chunk().map(Self::from_bytes)
    }

    /// As `Init(pMD)` makes it: all zero but the owner.
    pub fn cold(owner: MethodDescAddress) -> Self {
        Self { actual_code: TableIndex::NONE, method_desc: owner, interpreter_data: 0, flags: 0 }
    }

    /// The bytes of this entry point. What lies behind its words, if anything does, is zero.
    pub fn to_bytes(self) -> [u8; PEP_SIZE as usize] {
        let mut bytes = [0; PEP_SIZE as usize];
        let words = [
            (CODE, self.actual_code.get()),
            (METHOD_DESC, self.method_desc.get()),
            (DATA, self.interpreter_data),
            (FLAGS, self.flags),
        ];
        for (offset, word) in words {
            bytes[offset as usize..][..4].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// `HasNativeCode`.
    pub fn has_native_code(&self) -> bool {
        self.actual_code != TableIndex::NONE
    }

    /// `HasNativeEntryPoint`: there is code, and it is preferred over the interpreter (#126901).
    pub fn has_native_entry_point(&self) -> bool {
        self.has_native_code() && self.flags & PREFERS_INTERPRETER == 0
    }
}

/// Where emitted code finds the address of an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pep {
    /// In this local.
    Local(u32),
    /// In the word that this local points to.
    Word(u32),
    /// In the import cell at this RVA.
    Cell(Rva),
}

impl Assembler {
    /// `LowerPEPCall` (`jit/lower.cpp`): the entry point is the last argument of the call, and the
    /// table index is the code that it holds. The other arguments have been pushed.
    pub(super) fn call_pep(&mut self, pep: Pep, ty: TypeId) -> &mut Self {
        self.push_pep(pep).push_code(pep).op(Op::CallIndirect(ty))
    }

    /// Pushes the address of an entry point.
    pub(super) fn push_pep(&mut self, pep: Pep) -> &mut Self {
        match pep {
            Pep::Local(local) => self.get(local),
            Pep::Word(local) => self.load(ValType::I32, local, 0),
            Pep::Cell(rva) => self.load_image_word(rva),
        }
    }

    /// Pushes the table index that an entry point holds.
    pub(super) fn push_code(&mut self, pep: Pep) -> &mut Self {
        self.push_pep(pep).op(Op::Load(ValType::I32, CODE))
    }
}

const _: () = {
    let words = [CODE, METHOD_DESC, DATA, FLAGS];
    let mut i = 0;
    while i < words.len() {
        assert!(words[i] + 4 <= PEP_SIZE, "every word lies in its entry point");
        i += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_point_that_is_written_is_read_back() {
        let words = PepWords {
            actual_code: TableIndex::new(0x1687),
            method_desc: MethodDescAddress::new(0x2_0000),
            interpreter_data: 0x3_0000,
            flags: UCO_CHECKED | PREFERS_INTERPRETER,
        };
        assert_eq!(PepWords::from_bytes(&words.to_bytes()), words);
        let mut memory = vec![0xfd; 8];
        memory.extend(words.to_bytes());
        assert_eq!(PepWords::at(&memory, PepAddress::new(8)), Some(words));
        assert_eq!(PepWords::at(&memory, PepAddress::new(9)), None);
        assert_eq!(PepWords::at(&memory, PepAddress::new(u32::MAX)), None);
    }

    #[test]
    fn a_flag_decides_whether_native_code_is_preferred() {
        let cold = PepWords::cold(MethodDescAddress::new(0x2_0000));
        let published = PepWords { actual_code: TableIndex::new(0x1687), ..cold };
        let thunk = PepWords { flags: PREFERS_INTERPRETER, ..published };
        let told =
            [cold, published, thunk].map(|w| (w.has_native_code(), w.has_native_entry_point()));
        assert_eq!(told, [(false, false), (true, true), (true, false)]);
    }
}
