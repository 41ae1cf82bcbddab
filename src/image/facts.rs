//! What the emitter tells the loader model about an image.
//!
//! These are facts that upstream keeps in the image as well, in encodings that
//! Calliper does not model (the READYTORUN header, signature blobs, native
//! hash tables): see `docs/departures.md`. Whatever a
//! resolution *reads at run time* (cells, records, the method entry table,
//! thunk strings, relocations) lies in the payload's bytes instead.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Program;
use super::helpers::Helper;
use super::map::MemoryMap;
use super::words::{Rva, TableIndex};
use crate::abi::FuncType;
use crate::scenario::{Binding, Dispatch, Layout, MethodId, SiteId};

/// A program with what the loader must know of it.
#[derive(Debug)]
pub struct Emission {
    /// The modules.
    pub program: Arc<Program>,
    /// Where things lie in memory.
    pub map: MemoryMap,
    /// The runtime module's functions.
    pub runtime: RuntimeFacts,
    /// One an assembly.
    pub images: Vec<ImageFacts>,
    /// The table slot of each of the runtime's functions, by what it is.
    runtime_slots: FxHashMap<Role, TableIndex>,
    /// For each site that is compiled: its image, and the position among that one's callers.
    callers: Vec<Option<(usize, usize)>>,
}

/// Whose function a table slot holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The compiled body of a method: R2R code, or C++ code of the runtime.
    Body(MethodId),
    /// The compiled method that holds a call site.
    Caller(SiteId),
    /// C code, or managed code of the runtime's own, that holds a call site.
    NativeCaller(SiteId),
    /// `WasmDelayLoadHelper->...(Sig:key)`.
    ImportThunk(String),
    /// `WasmR2RToInterpreterThunk(key)`.
    R2RToInterpreter(String),
    /// `WasmInterpreterToR2RThunk(key)`.
    InterpreterToR2R(String),
    /// `WasmVirtualDispatchThunk(key)`, by the key that its `V` entry has.
    VirtualThunk(String),
    /// A thunk for delegates closed over a static method with a return buffer (#134108).
    ClosedStaticThunk(String),
    /// Where a suspended runtime-async method is resumed.
    ResumptionStub(MethodId),
    /// The interpreter's C stub for an unmanaged signature (`CallFunc_*`).
    InterpreterToNative(String),
    /// The generated C wrapper of a UCO method.
    ReverseThunk(MethodId),
    /// A helper of the runtime.
    Helper(Helper),
}

/// The functions of the runtime module, by table slot.
#[derive(Debug)]
pub struct RuntimeFacts {
    /// What each function is; function 0 lies at [`Program::host_base`].
    pub roles: Vec<Role>,
}

/// What is known of one R2R image.
#[derive(Debug, Default)]
pub struct ImageFacts {
    /// What each function is, by function index.
    pub roles: Vec<Role>,
    /// Import cells, ascending by RVA.
    pub cells: Vec<Cell>,
    /// The compiled methods that hold call sites.
    pub callers: Vec<CallerFacts>,
    /// Resumption stubs: the method, and the function index.
    pub resumption_stubs: Vec<(MethodId, u32)>,
    /// Compiled functions with a RUNTIME_FUNCTION entry, callers included.
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

/// A compiled method that holds one call site.
#[derive(Debug)]
pub struct CallerFacts {
    /// The site.
    pub site: SiteId,
    /// Its function index.
    pub function: u32,
    /// RVAs of the cells that must be resolved before it first runs.
    pub fixups: Vec<Rva>,
    /// Bytes of shadow stack it takes.
    pub frame_size: u32,
}

/// An import cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
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
            _ => None,
        }
    }

    /// A lazy call cell: it starts as the address of an import thunk's record,
    /// with the signature of this method.
    pub fn lazy(self) -> Option<MethodId> {
        match self {
            Import::LazyMethodEntry(method) | Import::VirtualEntry(method, _) => Some(method),
            _ => None,
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

impl Emission {
    /// Puts together what was emitted.
    pub(super) fn of(
        program: Program,
        map: MemoryMap,
        runtime: RuntimeFacts,
        images: Vec<ImageFacts>,
    ) -> Self {
        let roles = runtime.roles.iter().cloned();
        let runtime_slots = roles.zip(program.host_base().onwards()).collect();
        let mut callers = Vec::new();
        for (image, facts) in images.iter().enumerate() {
            for (position, caller) in facts.callers.iter().enumerate() {
                let site = caller.site.index();
                callers.resize(callers.len().max(site + 1), None);
                callers[site] = Some((image, position));
            }
        }
        Self { program: Arc::new(program), map, runtime, images, runtime_slots, callers }
    }

    /// The facts of a caller.
    pub fn caller(&self, site: SiteId) -> Option<(usize, &CallerFacts)> {
        let (image, position) = (*self.callers.get(site.index())?)?;
        Some((image, &self.images[image].callers[position]))
    }

    /// The table slot of a runtime function.
    pub fn runtime_slot(&self, role: &Role) -> Option<TableIndex> {
        self.runtime_slots.get(role).copied()
    }
}

impl ImageFacts {
    /// The cell at this RVA (`ReadyToRunInfo` finds cells by RVA alone on wasm: `sectionIndex == -1`).
    pub fn cell_at(&self, rva: Rva) -> Option<&Cell> {
        self.cells.binary_search_by_key(&rva, |c| c.rva).ok().map(|i| &self.cells[i])
    }

    /// RVA of the cell for an import.
    pub fn rva_of(&self, import: Import) -> Option<Rva> {
        self.cells.iter().find(|c| c.import == import).map(|c| c.rva)
    }
}

/// The type of a function of a module.
pub fn function_type<'a>(program: &'a Program, module: &super::Module, index: u32) -> &'a FuncType {
    &program.types[module.functions[index as usize].ty.0 as usize]
}
