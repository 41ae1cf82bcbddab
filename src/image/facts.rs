//! What the loader is told of a program: facts that say nothing of who made it.
//!
//! Of an image they are what upstream reads in the image as well, in encodings
//! that Calliper does not model (the READYTORUN header, signature blobs, native
//! hash tables): see `docs/departures.md`. Of the runtime they are the tables
//! that its native build generates. Whatever a resolution *reads at run time*
//! (cells, records, the method entry table, thunk strings, relocations) lies in
//! the payload's bytes instead.

use rustc_hash::FxHashMap;

use super::FunctionId;
use super::helpers::Helper;
use super::map::MemoryMap;
use super::words::{Rva, TableIndex};
use crate::index::IndexVec;
use crate::scenario::{AssemblyId, Binding, Dispatch, Layout, MethodId};

/// What the loader must know of a program before it runs.
#[derive(Debug)]
pub struct Facts {
    /// Where things lie in memory.
    pub map: MemoryMap,
    /// What the runtime brings.
    pub runtime: RuntimeFacts,
    /// One an assembly.
    pub images: IndexVec<AssemblyId, ImageFacts>,
}

/// Functions of the runtime module that the VM looks up, by what it looks them up by.
#[derive(Debug, Default)]
pub struct RuntimeFacts {
    /// C++ code: FCalls (`ecalllist.h`), and the targets of P/Invokes.
    pub native_code: FxHashMap<MethodId, TableIndex>,
    /// The generated C wrappers of UCO methods (`g_ReverseThunks`).
    pub reverse_thunks: FxHashMap<MethodId, TableIndex>,
    /// The interpreter's C stubs for unmanaged signatures (`g_wasmThunks`, `CallFunc_*`), by key.
    pub interpreter_to_native: FxHashMap<String, TableIndex>,
    /// The transition thunks of the runtime's own library, by key with its prefix, in the order in
    /// which they are registered.
    pub transition_thunks: Vec<(String, TableIndex)>,
}

/// What is known of one R2R image.
#[derive(Debug, Default)]
pub struct ImageFacts {
    /// Bytes of its payload.
    pub payload_size: u32,
    /// Table slots that it takes.
    pub table_size: u32,
    /// Import cells, ascending by RVA.
    pub cells: Vec<ImportCell>,
    /// Compiled functions: those that have a RUNTIME_FUNCTION entry. Thunks come after them.
    pub bodies: IndexVec<FunctionId, CompiledBody>,
    /// Resumption stubs: the method, and the function.
    pub resumption_stubs: Vec<(MethodId, FunctionId)>,
    /// How many RUNTIME_FUNCTION entries the image says that it has.
    pub runtime_functions: u32,
    /// RVA of the table index of compiled function 0, behind the RUNTIME_FUNCTION sentinel.
    pub min_function_index: Rva,
    /// RVA of the method entry words, one a method of the assembly.
    pub method_entries: Rva,
    /// The methods that the entry words stand for, in order.
    pub methods: Vec<MethodId>,
    /// RVA of the injected string thunks.
    pub string_thunks: Rva,
    /// Bytes of them.
    pub string_thunks_size: u32,
}

/// A compiled function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompiledBody {
    /// The method whose body it is, if it is one that is called by its entry point.
    pub method: Option<MethodId>,
    /// RVAs of the cells that must be resolved before it first runs, in order.
    pub fixups: Vec<Rva>,
}

/// An import cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportCell {
    /// Where, relative to the image base.
    pub rva: Rva,
    /// What it imports.
    pub import: Import,
}

/// What an import cell stands for (`READYTORUN_FIXUP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Import {
    /// `Helper` with `READYTORUN_HELPER_Module`: the module pointer. Resolved at load.
    Module,
    /// `Helper`: a helper that thunks call, as a raw table index. Resolved at load.
    ThunkHelper(Helper),
    /// `Helper`: a JIT helper, as a portable entry point. Resolved at load.
    JitHelper(Helper),
    /// `MethodEntry`, resolved when the method that uses it is prepared.
    MethodEntry(MethodId),
    /// `MethodEntry` of a shared generic method's instantiating stub: what
    /// `ldftn` wants, who knows no context.
    InstantiatingStub(MethodId),
    /// `MethodEntry` in a lazy call cell: starts as the import thunk's record.
    LazyMethodEntry(MethodId),
    /// `VirtualEntry` of this slot, in a lazy call cell.
    VirtualEntry(MethodId, Dispatch),
    /// `PInvokeTarget` (0x2f), resolved when the method that uses it is prepared.
    PInvokeTarget(MethodId),
    /// A generic lookup of this method's instantiation: the address of a record
    /// whose word 0 is the lookup helper's table index (#129825).
    GenericLookup(MethodId),
    /// `ResumptionStubEntryPoint` (0x38): a raw table index. Resolved at load.
    ResumptionStub(MethodId),
    /// Something that cannot be resolved, in the fixup list of a body that is rejected.
    Missing,
}

impl Import {
    /// The method whose pointer the cell holds.
    pub fn method_entry(self) -> Option<MethodId> {
        match self {
            Import::MethodEntry(method)
            | Import::InstantiatingStub(method)
            | Import::LazyMethodEntry(method) => Some(method),
            Import::VirtualEntry(..)
            | Import::Module
            | Import::ThunkHelper(_)
            | Import::JitHelper(_)
            | Import::PInvokeTarget(_)
            | Import::GenericLookup(_)
            | Import::ResumptionStub(_)
            | Import::Missing => None,
        }
    }

    /// A lazy call cell: it starts as the address of an import thunk's record,
    /// with the signature of this method.
    pub fn lazy(self) -> Option<MethodId> {
        match self {
            Import::LazyMethodEntry(method) | Import::VirtualEntry(method, _) => Some(method),
            Import::MethodEntry(_)
            | Import::InstantiatingStub(_)
            | Import::Module
            | Import::ThunkHelper(_)
            | Import::JitHelper(_)
            | Import::PInvokeTarget(_)
            | Import::GenericLookup(_)
            | Import::ResumptionStub(_)
            | Import::Missing => None,
        }
    }
}

/// The import that a direct call goes through.
pub fn call_import(callee: MethodId, binding: Binding) -> Import {
    match binding {
        Binding::Lazy => Import::LazyMethodEntry(callee),
        Binding::Eager => Import::MethodEntry(callee),
    }
}

/// The import that code which takes a method's address goes through.
pub fn pointer_import(layout: &Layout, method: MethodId) -> Import {
    if layout.method(method).signature.context {
        Import::InstantiatingStub(method)
    } else {
        Import::MethodEntry(method)
    }
}

impl ImageFacts {
    /// The cell at this RVA (`ReadyToRunInfo` finds cells by RVA alone on wasm: `sectionIndex ==
    /// -1`).
    pub fn cell_at(&self, rva: Rva) -> Option<&ImportCell> {
        self.cells.binary_search_by_key(&rva, |c| c.rva).ok().map(|i| &self.cells[i])
    }

    /// RVA of the cell for an import.
    pub fn rva_of(&self, import: Import) -> Option<Rva> {
        self.cells.iter().find(|c| c.import == import).map(|c| c.rva)
    }
}
