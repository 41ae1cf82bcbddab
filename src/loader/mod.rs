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
//! | [`fixups`] | `vm/jitinterface.cpp` and `vm/prestub.cpp`: the two resolvers of import cells |
//! | [`stubs`] | instantiating, unboxing and shuffle stubs |
//! | [`types`] | MethodTables, their slots, and dispatch on a receiver |
//! | [`delegates`] | delegate objects |
//! | [`interpreter`] | the interpreter's calls, in and out |
//! | [`calls`] | the script's calls, from every kind of caller |
//! | [`runtime_calls`] | methods that the runtime runs by itself |
//! | [`script`] | the script's events, observed from both sides |
//! | [`decisions`] | what a fault can get wrong |

pub mod callee;
pub mod calls;
pub mod decisions;
pub mod delegates;
pub mod entry;
pub mod faults;
pub mod fixups;
pub mod images;
pub mod interpreter;
pub mod observation;
pub mod pep;
pub mod runtime_calls;
pub mod script;
pub mod stubs;
pub mod thunks;
pub mod trace;
pub mod types;

pub use crate::image::words;

use std::sync::Arc;

use crate::engine::{Process, Trap};
use crate::image::bodies::block;
use crate::image::facts::Emission;
use crate::image::helpers::Helper;
use crate::image::map::HEAP_ALIGNMENT;
use crate::scenario::{Code, MethodId, Scenario, Signature, VariableId, meaning};

use callee::{Callee, Stub};
pub use decisions::{Decision, Fixed, Loader};
use observation::{Body, Entry, Observation};
use rustc_hash::FxHashMap;
use trace::Step;
use words::{FunctionPointer, MethodDescAddress, PepAddress};

/// The modelled VM of one process.
#[derive(Debug)]
pub struct Vm {
    /// What is being run.
    pub scenario: Arc<Scenario>,
    /// The modules that were emitted for it.
    pub emission: Arc<Emission>,
    /// Who decides.
    pub loader: &'static dyn Loader,
    /// What was seen.
    pub observation: Observation,
    /// What the loader did, for the account of a finding.
    pub trace: Vec<Step>,
    images: Vec<Option<images::LoadedImage>>,
    next_virtual_ip: u32,
    heap: u32,
    methods: Vec<Option<MethodAddresses>>,
    helper_peps: [PepAddress; Helper::JIT.len()],
    thunks: thunks::Registry,
    prepared_callers: Vec<bool>,
    classes: Vec<Option<types::LoadedClass>>,
    stubs: Vec<(Stub, MethodAddresses)>,
    /// Call cookies that were found (`MethodDesc::GetCalliCookie`).
    cookies: FxHashMap<Callee, words::TableIndex>,
    /// The same for unmanaged signatures.
    native_cookies: FxHashMap<Signature, words::TableIndex>,
    /// Byte code that was compiled, kept when an entry point is reset.
    byte_code: FxHashMap<Callee, u32>,
    /// Dynamic methods that are no more, with what was theirs.
    recycled: Vec<(MethodId, MethodAddresses)>,
    delegates: Vec<(VariableId, u32)>,
    closed_statics: Vec<(PepAddress, PepAddress)>,
    virtual_dispatch_entries: Vec<(PepAddress, MethodId)>,
    /// First free byte of the interpreter's stack.
    interpreter_top: u32,
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
    /// Its MethodDesc.
    pub method_desc: MethodDescAddress,
}

/// What the runtime module's host import can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HostFunction {
    /// `(method token, block)`: a compiled body reports and is answered.
    Probe = 0,
    /// `(transitionBlock, importThunkPEP, imageBase, rvaOfModuleCell) -> PEP`.
    ExternalMethodFixupWorker = 1,
    /// `(pep, transitionBlock, argsSize, retBuf)`.
    ExecuteInterpretedMethodWithArgs = 2,
    /// `(method token, args, argsSize, ret)`.
    ExecuteInterpretedMethodFromUnmanaged = 3,
    /// `(object, slot token) -> PEP`.
    VirtualFunctionPointer = 4,
    /// `(variable, object, function pointer, closed)`.
    DelegateConstruct = 5,
    /// `(context source, record) -> context`.
    GenericLookup = 6,
}

impl Vm {
    /// A VM in which nothing has happened yet.
    pub fn new(
        scenario: Arc<Scenario>,
        emission: Arc<Emission>,
        loader: &'static dyn Loader,
    ) -> Self {
        let layout = &scenario.layout;
        Self {
            images: vec![None; layout.assemblies.len()],
            methods: vec![None; layout.methods.len()],
            prepared_callers: vec![false; layout.sites.len()],
            heap: emission.map.heap,
            next_virtual_ip: images::FIRST_VIRTUAL_IP,
            helper_peps: [PepAddress(0); Helper::JIT.len()],
            thunks: thunks::Registry::default(),
            classes: vec![None; layout.classes.len()],
            stubs: Vec::new(),
            cookies: FxHashMap::default(),
            native_cookies: FxHashMap::default(),
            byte_code: FxHashMap::default(),
            recycled: Vec::new(),
            delegates: Vec::new(),
            closed_statics: Vec::new(),
            virtual_dispatch_entries: Vec::new(),
            interpreter_top: emission.map.interpreter_stack,
            running: Vec::new(),
            guards: script::guards_of(&emission.map),
            decided: decisions::Decided::default(),
            stray_write: None,
            observation: Observation::with_capacity(scenario.script.len()),
            trace: Vec::with_capacity(4 * scenario.script.len()),
            scenario,
            emission,
            loader,
        }
    }

    /// A method's addresses, once its assembly is loaded.
    pub fn method(&self, method: MethodId) -> Option<MethodAddresses> {
        self.methods.get(method.index()).copied().flatten()
    }

    /// The loaded images, by assembly.
    pub fn images(&self) -> &[Option<images::LoadedImage>] {
        &self.images
    }

    /// The portable entry points of the JIT's helpers, in the order of [`Helper::JIT`].
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
    pub fn ready_to_run(&self) -> bool {
        !self.scenario.interpreter_only
    }

    /// How a callee is called.
    pub fn signature(&self, callee: Callee) -> &Signature {
        match callee {
            Callee::Method(method) => &self.scenario.layout.method(method).signature,
            Callee::Stub(stub) => &self.stubs[usize::from(stub.0)].0.signature,
        }
    }

    /// The method that a callee is, or leads to.
    pub fn method_of(&self, callee: Callee) -> MethodId {
        match callee {
            Callee::Method(method) => method,
            Callee::Stub(stub) => self.stubs[usize::from(stub.0)].0.kind.method(),
        }
    }

    /// Where a callee's structures lie.
    pub fn addresses(&self, callee: Callee) -> Option<MethodAddresses> {
        match callee {
            Callee::Method(method) => self.method(method),
            Callee::Stub(stub) => self.stubs.get(usize::from(stub.0)).map(|(_, at)| *at),
        }
    }

    /// The callee whose MethodDesc lies at this address.
    fn callee_at(&self, address: MethodDescAddress) -> Option<Callee> {
        self.callees().find(|(_, at)| at.method_desc == address).map(|(callee, _)| callee)
    }

    /// Everything that has an entry point, with where it lies.
    pub fn callees(&self) -> impl Iterator<Item = (Callee, MethodAddresses)> {
        let methods = (0..).map(MethodId).zip(&self.methods);
        let methods = methods.filter_map(|(id, at)| Some((Callee::Method(id), (*at)?)));
        let stubs = (0..).map(callee::StubId).zip(&self.stubs);
        methods.chain(stubs.map(|(id, (_, at))| (Callee::Stub(id), *at)))
    }

    /// Where the part of the loader heap that is in use ends.
    pub fn heap_end(&self) -> u32 {
        self.heap
    }

    /// Takes `size` bytes of loader heap, aligned to [`HEAP_ALIGNMENT`]. With no address space
    /// left it gives the last address, which is past the end of memory.
    fn allocate(&mut self, size: u32) -> u32 {
        const LAST: u32 = !(HEAP_ALIGNMENT - 1);
        let at = self.heap.checked_next_multiple_of(HEAP_ALIGNMENT).unwrap_or(LAST);
        self.heap = at.saturating_add(size);
        at
    }
}

/// A method's entry point: its PCODE on this platform (`GetPortableEntryPoint`).
///
/// # Errors
/// [`Trap::Unreachable`] if its assembly is not loaded: upstream throws a type load exception.
pub fn method_pep(process: &mut dyn Process, method: MethodId) -> Result<PepAddress, Trap> {
    addresses(process, method.into()).map(|a| a.pep)
}

fn addresses(process: &mut dyn Process, callee: Callee) -> Result<MethodAddresses, Trap> {
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
    fn method_by_token(&mut self, token: u32) -> Result<MethodId, Trap> {
        let known = self.scenario.layout.methods.len();
        let method = u16::try_from(token).ok().filter(|&id| usize::from(id) < known);
        method.map(MethodId).ok_or_else(|| self.abort("no method has this token"))
    }
}

/// A call of the runtime module's one host import.
///
/// # Errors
/// The trap that ends the process.
pub fn host_call(
    process: &mut dyn Process,
    function: u32,
    arguments: [u32; 4],
) -> Result<u32, Trap> {
    let [a, b, c, d] = arguments;
    match function {
        f if f == HostFunction::Probe as u32 => probe(process, a, b).map(|()| 0),
        f if f == HostFunction::ExternalMethodFixupWorker as u32 => {
            fixups::external_method_fixup_worker(process, a, PepAddress(b), c, d).map(|pep| pep.0)
        }
        f if f == HostFunction::ExecuteInterpretedMethodWithArgs as u32 => {
            interpreter::execute_with_args(process, PepAddress(a), b, d).map(|()| 0)
        }
        f if f == HostFunction::ExecuteInterpretedMethodFromUnmanaged as u32 => {
            interpreter::execute_from_unmanaged(process, a, b, d).map(|()| 0)
        }
        f if f == HostFunction::VirtualFunctionPointer as u32 => {
            let method = process.vm().method_by_token(b)?;
            fixups::virtual_function_pointer(process, a, method).map(|p| p.0)
        }
        f if f == HostFunction::DelegateConstruct as u32 => {
            delegates::construct(process, a, b, FunctionPointer(c), d != 0).map(|()| 0)
        }
        f if f == HostFunction::GenericLookup as u32 => fixups::generic_lookup(process, b),
        _ => Err(process.vm().abort("unknown host function")),
    }
}

/// A compiled body reports: keeps what it saw, and writes its result behind its arguments.
fn probe(process: &mut dyn Process, token: u32, at: u32) -> Result<(), Trap> {
    let vm = process.vm();
    let method = vm.method_by_token(token)?;
    let layout = &vm.scenario.layout;
    let size = meaning::arguments_size(layout, &layout.method(method).signature);
    let native = layout.method(method).code == Code::Native;
    let hidden = process.read(at, block::ARGUMENTS)?;
    let word = |offset: u32| {
        let bytes = hidden[offset as usize..].first_chunk();
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let [stack_pointer, entry_point, return_buffer] =
        [block::STACK_POINTER, block::ENTRY_POINT, block::RETURN_BUFFER].map(word);
    let entry_point = PepAddress(entry_point);
    let body = if native { Body::Native { entry_point } } else { Body::ReadyToRun { entry_point } };
    let entry = Entry { method, body, stack_pointer, return_buffer, ..Entry::default() };
    let result_at = at + block::ARGUMENTS + size;
    let frame = at.wrapping_sub(block::AT);
    if !native && images::method_of_frame(process, frame)? != Some(method) {
        return Err(process.vm().abort("a stack walk does not know a compiled frame's method"));
    }
    let result = answer(process, entry, Some(frame), |process, seen| {
        seen.extend_from_slice(process.read(at + block::ARGUMENTS, size)?);
        Ok(())
    })?;
    process.write(result_at, &result)
}

/// Records that a body was entered with the arguments that `read` appends, makes
/// the calls that it makes, and gives the bytes of its result. What compiled
/// code calls finds its `frame` published.
fn answer(
    process: &mut dyn Process,
    mut entry: Entry,
    frame: Option<u32>,
    read: impl FnOnce(&mut dyn Process, &mut Vec<u8>) -> Result<(), Trap>,
) -> Result<Vec<u8>, Trap> {
    // The buffer is taken out for the time of the read, which needs the process.
    let mut bytes = std::mem::take(&mut process.vm().observation.bytes);
    let start = bytes.len();
    let outcome = read(process, &mut bytes);
    let vm = process.vm();
    entry.arguments = start..bytes.len();
    entry.call = vm.running.last().map(|running| running.call);
    let mut result = Vec::new();
    meaning::push_result(&vm.scenario.layout, entry.method, &bytes[start..], &mut result);
    vm.observation.bytes = bytes;
    outcome?;
    vm.observation.entries.push(entry);
    calls::inside(process, frame)?;
    Ok(result)
}
