//! Portable entry points and MethodDescs in linear memory: what VM code reads and writes of them.
//!
//! Where their words lie is said in [`image::pep`](crate::image::pep).

use super::VmProcess;
use super::memory::{read_u32, write_u32};
use crate::engine::{Memory, Trap};
use crate::image::pep::{
    CHUNK_SIZE, CODE, CODE_DATA, DATA, FLAGS, PEP_SIZE, PepWords, TEMPORARY_ENTRY_POINT,
    UNMANAGED_ENTRY_POINT,
};
use crate::image::words::{Address, MethodDescAddress, PepAddress, TableIndex};

impl PepAddress {
    /// All four words.
    pub fn words(self, memory: &(impl Memory + ?Sized)) -> Result<PepWords, Trap> {
        let mut bytes = [0; PEP_SIZE as usize];
        memory.read_into(self.get(), &mut bytes)?;
        Ok(PepWords::from_bytes(&bytes))
    }

    /// `Init(pMD)`: cold, all zero but the owner.
    ///
    /// Newer sources set `kPrefersInterpreterEntryPoint` here, the published
    /// build that was measured did not. Nothing looks at that flag while
    /// `_pActualCode` is null, so Calliper sets it together with the first
    /// interpreter thunk and keeps to the measured words.
    pub fn init(self, process: &mut VmProcess<'_>, owner: MethodDescAddress) -> Result<(), Trap> {
        process.write(self.get(), &PepWords::cold(owner).to_bytes())
    }

    /// Overwrites `_pActualCode`.
    pub fn set_actual_code(
        self,
        process: &mut VmProcess<'_>,
        code: TableIndex,
    ) -> Result<(), Trap> {
        write_u32(process, self.at(CODE), code.get())
    }

    /// Writes `_pActualCode` only over null (`TrySetInterpreterThunk`'s
    /// compare-and-swap); true if it was.
    pub fn try_set_actual_code(
        self,
        process: &mut VmProcess<'_>,
        code: TableIndex,
    ) -> Result<bool, Trap> {
        let free = read_u32(process, self.at(CODE))? == 0;
        if free {
            self.set_actual_code(process, code)?;
        }
        Ok(free)
    }

    /// Writes `_pInterpreterData`.
    pub fn set_interpreter_data(self, process: &mut VmProcess<'_>, data: u32) -> Result<(), Trap> {
        write_u32(process, self.at(DATA), data)
    }

    /// `InterlockedOr` and `InterlockedAnd` on `_flags`.
    // mutants: the bits are apart, so "or" and "exclusive or" are one
    pub fn change_flags(
        self,
        process: &mut VmProcess<'_>,
        set: u32,
        clear: u32,
    ) -> Result<(), Trap> {
        let flags = read_u32(process, self.at(FLAGS))?;
        write_u32(process, self.at(FLAGS), (flags | set) & !clear)
    }
}

impl MethodDescAddress {
    /// Writes the chunk header, the MethodDesc and its code data.
    pub fn init(
        self,
        process: &mut VmProcess<'_>,
        code_data: Address,
        pep: PepAddress,
    ) -> Result<(), Trap> {
        write_u32(process, self.at(CODE_DATA), code_data.get())?;
        write_u32(process, code_data.at(TEMPORARY_ENTRY_POINT), pep.get())
    }

    /// The method's own unmanaged entry: where the fixed loader publishes a UCO
    /// method's table index, apart from `_pActualCode`, as #129857 proposes.
    /// The word behind `MethodDescCodeData::TemporaryEntryPoint` is Calliper's choice of place.
    pub fn unmanaged_entry(self, memory: &(impl Memory + ?Sized)) -> Result<TableIndex, Trap> {
        let code_data = Address::new(read_u32(memory, self.at(CODE_DATA))?);
        read_u32(memory, code_data.at(UNMANAGED_ENTRY_POINT)).map(TableIndex::new)
    }

    /// Publishes the method's own unmanaged entry.
    pub fn set_unmanaged_entry(
        self,
        process: &mut VmProcess<'_>,
        index: TableIndex,
    ) -> Result<(), Trap> {
        let code_data = Address::new(read_u32(process, self.at(CODE_DATA))?);
        write_u32(process, code_data.at(UNMANAGED_ENTRY_POINT), index.get())
    }

    /// What VM code does first with any MethodDesc: finds its chunk (12 bytes
    /// and an index of 8-byte units before it), its MethodTable and that one's
    /// module. With a word that is no MethodDesc this reads wherever it leads.
    // mutants: a chunk has one MethodDesc, number 0
    pub fn dereference(self, process: &mut VmProcess<'_>) -> Result<(), Trap> {
        let mut chunk_index = [0];
        process.read_into(self.at(2).get(), &mut chunk_index)?;
        let chunk_index = u32::from(chunk_index[0]);
        let chunk = self.get().wrapping_sub(CHUNK_SIZE).wrapping_sub(8 * chunk_index);
        let method_table = Address::new(read_u32(process, Address::new(chunk))?);
        read_u32(process, method_table.at(20))?;
        Ok(())
    }
}
