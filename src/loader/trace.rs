//! The loader's steps, kept for the account of a finding.

use super::callee::Callee;
use crate::image::words::{FunctionPointer, ImageBase, ObjectAddress, PepAddress, Rva, TableIndex};
use crate::scenario::{AssemblyId, MethodId, VariableId};

/// One thing that the loader did. Plain data: told in words only when there is a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The script went on to this event.
    Event(usize),
    /// An image was instantiated and registered.
    Loaded {
        assembly: AssemblyId,
        /// Where its payload lies.
        image_base: ImageBase,
        /// Its first table slot.
        table_base: TableIndex,
    },
    /// The prestub ran.
    Prestub {
        callee: Callee,
        /// What it did.
        outcome: Prestub,
    },
    /// `_pActualCode` was written.
    ActualCode {
        callee: Callee,
        /// What it holds now.
        code: TableIndex,
        /// Who wrote it.
        by: Writer,
    },
    /// A UCO method's own unmanaged entry was published.
    UnmanagedEntry { method: MethodId, index: TableIndex },
    /// No thunk is registered under the key; the method waits for a later image.
    Pending {
        callee: Callee,
        /// The key that was looked up.
        key: String,
    },
    /// A compiled body was rejected, as one of its fixups fails.
    Rejected { method: MethodId },
    /// An entry point was reset.
    Reset { method: MethodId },
    /// A delegate was made.
    Delegate {
        delegate: ObjectAddress,
        /// `_target`.
        target: ObjectAddress,
        /// `_methodPtr`.
        method_ptr: PepAddress,
        /// `_methodPtrAux`.
        aux: FunctionPointer,
    },
    /// An import cell was written.
    CellPatched {
        assembly: AssemblyId,
        /// RVA of the cell.
        rva: Rva,
        /// The method it imports.
        method: MethodId,
        /// What it holds now.
        value: FunctionPointer,
        by: Resolver,
    },
    /// A variable got a pointer.
    Stored { variable: VariableId, value: FunctionPointer },
    /// The interpreter found no call stub for a key.
    NoStub { key: String },
    /// The VM gave up.
    Abort { reason: &'static str },
}

/// What the prestub did for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prestub {
    /// Published its R2R body.
    ReadyToRun,
    /// Compiled byte code.
    ByteCode,
    Both,
    /// Published the C++ function of an FCall.
    FCall,
    /// Nothing: a P/Invoke has a marshalling stub.
    MarshallingStub,
}

/// Who writes `_pActualCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// `TrySetInterpreterThunk`, by compare-and-swap over null.
    InterpreterThunk,
    /// `ReadyToRunInfo::GetEntryPoint` through `SetActualCode`.
    ReadyToRunBody,
    /// The UCO path: the method's own unmanaged index, over null.
    UnmanagedEntry,
    /// The prestub of an FCall.
    FCall,
}

/// Who resolves an import cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// `LoadDynamicInfoEntry`: when the method that uses the cell is prepared.
    LoadDynamicInfoEntry,
    /// `ExternalMethodFixupWorker`: at the first call through the cell.
    ExternalMethodFixupWorker,
}
