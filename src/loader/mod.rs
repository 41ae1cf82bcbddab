//! The model of the VM's loader, over a [`Process`].
//!
//! Everything that upstream keeps in linear memory is in linear memory here
//! as well: portable entry points, MethodDescs, import cells, image payloads. The
//! [`Vm`] holds what upstream keeps in its own data structures (loaded images,
//! the string-thunk registry, the pending list) and what Calliper observes.
//!
//! | file | models |
//! |---|---|
//! | [`pep`] | `vm/precode_portable.hpp`: reading and writing the words of an entry point |
//! | [`callee`] | what owns an entry point: a method, or a stub of the VM's |
//! | [`entry`] | `vm/method.cpp`, `vm/prestub.cpp`: how entry points get their code |
//! | [`images`] | `hosts/corerun/wasm/libCorerun.js`, `vm/readytoruninfo.cpp`: loading, relocation, virtual IPs |
//! | [`thunks`] | `vm/pregeneratedstringthunks.cpp`: the string-thunk registry and its pending list |
//! | `host` | the host import: compiled bodies report, helpers are asked |
//! | [`fixups`] | `vm/jitinterface.cpp` and `vm/prestub.cpp`: the two resolvers of import cells |
//! | [`stubs`] | instantiating, unboxing and shuffle stubs |
//! | [`types`] | MethodTables, their slots, and dispatch on a receiver |
//! | [`delegates`] | delegate objects |
//! | [`interpreter`] | the interpreter's calls, in and out |
//! | [`calls`] | the script's calls, from every kind of caller |
//! | [`runtime_calls`] | methods that the runtime runs by itself |
//! | [`script`] | the script's events, observed from both sides |
//! | `memory` | words of memory |
//! | [`observation`], [`trace`] | what was seen; what the loader did, for the account |
//! | [`decisions`] | what a fault can get wrong |

pub mod callee;
pub mod calls;
pub mod decisions;
pub mod delegates;
pub mod entry;
pub mod fixups;
mod host;
pub mod images;
pub mod interpreter;
mod memory;
pub mod observation;
pub mod pep;
pub mod runtime_calls;
pub mod script;
pub mod stubs;
pub mod thunks;
pub mod trace;
pub mod types;

use std::sync::Arc;

use crate::engine::{Process, Trap};
use crate::image::emission::Emission;
use crate::image::facts::Facts;
use crate::image::helpers::Helper;
use crate::image::map::HEAP_ALIGNMENT;
use crate::index::IndexVec;
use crate::scenario::{AssemblyId, ClassId, MethodId, Scenario, Signature, SiteId, VariableId};

use crate::image::words::{
    Address, ArgsAddress, MethodDescAddress, ObjectAddress, PepAddress, TableIndex,
};
use callee::{Callee, Stub};
pub use decisions::{ComposedLoader, Decision, Fixed, Loader};
pub use host::host_call;
use observation::Observation;
use rustc_hash::FxHashMap;
use trace::Step;

/// A process that a [`Vm`] drives.
pub type VmProcess<'p> = dyn Process<Vm> + 'p;

impl dyn Process<Vm> + '_ {
    /// The modelled VM that lives in this process.
    pub fn vm(&mut self) -> &mut Vm {
        self.state()
    }
}

/// The modelled VM of one process.
#[derive(Debug)]
pub struct Vm {
    /// What is being run.
    pub scenario: Arc<Scenario>,
    /// What the loader knows of the program.
    pub facts: Arc<Facts>,
    /// What was emitted for the scenario. The loader asks it for what the scenario means, which is
    /// where the code of a site lies, and what memory held at the start; nothing else.
    pub emission: Arc<Emission>,
    /// Who decides.
    pub loader: &'static dyn Loader,
    /// What was seen.
    pub observation: Observation,
    /// What the loader did, for the account of a finding.
    pub trace: Vec<Step>,
    images: IndexVec<AssemblyId, Option<images::LoadedImage>>,
    next_virtual_ip: u32,
    heap: Address,
    methods: IndexVec<MethodId, Option<MethodAddresses>>,
    helper_peps: [PepAddress; Helper::JIT.len()],
    thunks: thunks::Registry,
    prepared_callers: IndexVec<SiteId, bool>,
    classes: IndexVec<ClassId, Option<types::LoadedClass>>,
    stubs: IndexVec<callee::StubId, (Stub, MethodAddresses)>,
    /// Call cookies that were found (`MethodDesc::GetCalliCookie`).
    cookies: FxHashMap<Callee, TableIndex>,
    /// The same for unmanaged signatures.
    native_cookies: FxHashMap<Signature, TableIndex>,
    /// Byte code that was compiled, kept when an entry point is reset.
    byte_code: FxHashMap<Callee, Address>,
    /// Dynamic methods that are no more, with what was theirs.
    recycled: Vec<(MethodId, MethodAddresses)>,
    delegates: Vec<(VariableId, ObjectAddress)>,
    closed_statics: Vec<(PepAddress, PepAddress)>,
    virtual_dispatch_entries: Vec<(PepAddress, MethodId)>,
    /// First free byte of the interpreter's stack.
    interpreter_top: ArgsAddress,
    /// The calls that are going on, outermost first.
    running: Vec<calls::Running>,
    /// What nothing may write to, with what it is.
    guards: Vec<(std::ops::Range<u32>, observation::Place)>,
    decided: decisions::Decided,
    /// The first stray write that a call of the event saw.
    stray_write: Option<observation::StrayWrite>,
}

/// Where a method's structures lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodAddresses {
    /// Its portable entry point.
    pub pep: PepAddress,
    pub method_desc: MethodDescAddress,
}

impl Vm {
    /// A VM in which nothing has happened yet.
    pub fn new(
        scenario: Arc<Scenario>,
        emission: Arc<Emission>,
        loader: &'static dyn Loader,
    ) -> Self {
        let layout = &scenario.layout;
        let facts = emission.facts.clone();
        Self {
            images: layout.assemblies.map(|_| None),
            methods: layout.methods.map(|_| None),
            prepared_callers: layout.sites.map(|_| false),
            heap: Address::new(facts.map.heap),
            next_virtual_ip: images::FIRST_VIRTUAL_IP,
            helper_peps: [PepAddress::default(); Helper::JIT.len()],
            thunks: thunks::Registry::default(),
            classes: layout.classes.map(|_| None),
            stubs: IndexVec::default(),
            cookies: FxHashMap::default(),
            native_cookies: FxHashMap::default(),
            byte_code: FxHashMap::default(),
            recycled: Vec::new(),
            delegates: Vec::new(),
            closed_statics: Vec::new(),
            virtual_dispatch_entries: Vec::new(),
            interpreter_top: ArgsAddress::new(facts.map.interpreter_stack),
            running: Vec::new(),
            guards: script::guards_of(&facts.map),
            decided: decisions::Decided::default(),
            stray_write: None,
            observation: Observation::with_capacity(scenario.script.len()),
            trace: Vec::with_capacity(4 * scenario.script.len()),
            scenario,
            facts,
            emission,
            loader,
        }
    }

    /// A method's addresses, once its assembly is loaded.
    pub fn method(&self, method: MethodId) -> Option<MethodAddresses> {
        self.methods.get(method).copied().flatten()
    }

    /// The loaded images, by assembly.
    pub fn images(&self) -> &IndexVec<AssemblyId, Option<images::LoadedImage>> {
        &self.images
    }

    /// The portable entry points of the JIT's helpers, in the order of `Helper::JIT`.
    pub fn helper_peps(&self) -> &[PepAddress] {
        &self.helper_peps
    }

    /// Dynamic methods whose MethodDesc and entry point have become another one's.
    pub fn recycled(&self) -> &[(MethodId, MethodAddresses)] {
        &self.recycled
    }

    /// Entry points of V-thunks, and the slots that they are for.
    pub fn virtual_dispatch_entries(&self) -> &[(PepAddress, MethodId)] {
        &self.virtual_dispatch_entries
    }

    /// The innermost call that is going on, or was when the process died: which
    /// of the observed calls.
    pub fn innermost_call(&self) -> Option<usize> {
        self.running.last().map(|running| running.call)
    }

    /// R2R code is used at all.
    // mutants: without ReadyToRun no image brings a thunk, so looking for one finds none
    pub fn ready_to_run(&self) -> bool {
        !self.scenario.interpreter_only
    }

    /// How a callee is called.
    pub fn signature(&self, callee: Callee) -> &Signature {
        match callee {
            Callee::Method(method) => &self.scenario.layout.method(method).signature,
            Callee::Stub(stub) => &self.stubs[stub].0.signature,
        }
    }

    /// The method that a callee is, or leads to.
    pub fn method_of(&self, callee: Callee) -> MethodId {
        match callee {
            Callee::Method(method) => method,
            Callee::Stub(stub) => self.stubs[stub].0.kind.method(),
        }
    }

    /// Where a callee's structures lie.
    pub fn addresses(&self, callee: Callee) -> Option<MethodAddresses> {
        match callee {
            Callee::Method(method) => self.method(method),
            Callee::Stub(stub) => self.stubs.get(stub).map(|(_, at)| *at),
        }
    }

    /// The callee whose MethodDesc lies at this address.
    fn callee_at(&self, address: MethodDescAddress) -> Option<Callee> {
        self.callees().find(|(_, at)| at.method_desc == address).map(|(callee, _)| callee)
    }

    /// Everything that has an entry point, with where it lies.
    pub fn callees(&self) -> impl Iterator<Item = (Callee, MethodAddresses)> {
        let methods = self.methods.enumerated();
        let methods = methods.filter_map(|(id, at)| Some((Callee::Method(id), (*at)?)));
        let stubs = self.stubs.enumerated();
        methods.chain(stubs.map(|(id, (_, at))| (Callee::Stub(id), *at)))
    }

    /// Where the part of the loader heap that is in use ends.
    pub fn heap_end(&self) -> Address {
        self.heap
    }

    /// Takes `size` bytes of loader heap, aligned to [`HEAP_ALIGNMENT`]. With no address space
    /// left it gives the last address, which is past the end of memory.
    // mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to
    // the same size
    fn allocate(&mut self, size: u32) -> Address {
        const LAST: u32 = !(HEAP_ALIGNMENT - 1);
        let at = self.heap.get().checked_next_multiple_of(HEAP_ALIGNMENT).unwrap_or(LAST);
        self.heap = Address::new(at.saturating_add(size));
        Address::new(at)
    }
}

/// A method's entry point: its PCODE on this platform (`GetPortableEntryPoint`).
///
/// # Errors
/// [`Trap::Unreachable`] if its assembly is not loaded: upstream throws a type load exception.
pub fn method_pep(process: &mut VmProcess<'_>, method: MethodId) -> Result<PepAddress, Trap> {
    addresses(process, method.into()).map(|a| a.pep)
}

fn addresses(process: &mut VmProcess<'_>, callee: Callee) -> Result<MethodAddresses, Trap> {
    let vm = process.vm();
    vm.addresses(callee).ok_or_else(|| vm.abort("the method's assembly is not loaded"))
}

impl Vm {
    /// The process ends: an assertion or fail-fast of the VM, with its reason kept.
    fn abort(&mut self, reason: &'static str) -> Trap {
        self.trace.push(Step::Abort { reason });
        Trap::Unreachable
    }

    /// The method of a token that compiled code, or a record in memory, names.
    // mutants: only a hostile image gets there: `fuzz/src/image.rs`
    fn method_by_token(&mut self, token: u32) -> Result<MethodId, Trap> {
        let known = self.scenario.layout.methods.len();
        let method = u16::try_from(token).ok().filter(|&id| usize::from(id) < known);
        method.map(MethodId).ok_or_else(|| self.abort("no method has this token"))
    }
}
