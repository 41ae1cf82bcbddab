//! The model of the VM's loader, over a [`Process`].
//!
//! Everything that upstream keeps in linear memory is in linear memory here
//! as well: portable entry points, MethodDescs, import cells, image payloads. The
//! [`Vm`] holds what upstream keeps in its own data structures (loaded images,
//! the string-thunk registry, the pending list) and what Calliper observes.
//!
//! | file | models |
//! |---|---|
//! | [`pep`] | `vm/precode_portable.hpp`: the words of an entry point |
//! | [`entry`] | `vm/method.cpp`, `vm/prestub.cpp`: how entry points get their code |
//! | [`images`] | `hosts/corerun/wasm/libCorerun.js`, `vm/readytoruninfo.cpp`: loading, relocation, virtual IPs |
//! | [`thunks`] | `vm/pregeneratedstringthunks.cpp`: the string-thunk registry and its pending list |
//! | [`fixups`] | `vm/jitinterface.cpp` and `vm/prestub.cpp`: the two resolvers of import cells |
//! | [`interpreter`] | the interpreter's calls, in and out |
//! | [`script`] | the script's events, observed from both sides |
//! | [`decisions`] | what a fault can get wrong |

pub mod decisions;
pub mod entry;
pub mod faults;
pub mod fixups;
pub mod images;
pub mod interpreter;
pub mod observation;
pub mod pep;
pub mod script;
pub mod thunks;
pub mod trace;
pub mod words;

use std::sync::Arc;

use crate::engine::{Process, Trap};
use crate::image::facts::Emission;
use crate::image::methods::block;
use crate::image::runtime::Helper;
use crate::scenario::{MethodId, Scenario, meaning};

pub use decisions::{Fixed, Loader};
use observation::{Body, Entry, Observation};
use trace::Step;
use words::{MethodDescAddress, PepAddress};

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
    /// How often a fault decided, right or wrong.
    pub fault_calls: u32,
    images: Vec<Option<images::LoadedImage>>,
    next_virtual_ip: u32,
    heap: u32,
    methods: Vec<Option<MethodAddresses>>,
    helper_peps: [PepAddress; Helper::JIT.len()],
    thunks: thunks::Registry,
    prepared_callers: Vec<bool>,
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
            observation: Observation::with_capacity(scenario.script.len()),
            trace: Vec::with_capacity(4 * scenario.script.len()),
            fault_calls: 0,
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

    /// The method whose MethodDesc lies at this address.
    fn method_at(&self, address: MethodDescAddress) -> Option<MethodId> {
        let at = |m: &Option<MethodAddresses>| m.is_some_and(|m| m.method_desc == address);
        self.methods.iter().position(at).map(|i| MethodId(i as u16))
    }

    /// Counts that a fault decides. Every overridden decision starts with this, so that a scoreboard
    /// can tell a fault that was never asked from one that answered right.
    pub fn fault_decides(&mut self) {
        self.fault_calls += 1;
    }

    /// Takes `size` bytes of loader heap, aligned to 16.
    fn allocate(&mut self, size: u32) -> u32 {
        let at = self.heap.next_multiple_of(16);
        self.heap = at + size;
        at
    }
}

/// A method's entry point: its PCODE on this platform (`GetPortableEntryPoint`).
///
/// # Errors
/// [`Trap::Unreachable`] if its assembly is not loaded: upstream throws a type load exception.
pub fn method_pep(process: &mut dyn Process, method: MethodId) -> Result<PepAddress, Trap> {
    addresses(process, method).map(|a| a.pep)
}

fn addresses(process: &mut dyn Process, method: MethodId) -> Result<MethodAddresses, Trap> {
    let vm = process.vm();
    vm.method(method).ok_or_else(|| vm.abort("the method's assembly is not loaded"))
}

impl Vm {
    /// The process ends: an assertion or fail-fast of the VM, with its reason kept.
    fn abort(&mut self, reason: &'static str) -> Trap {
        self.trace.push(Step::Abort { reason });
        Trap::Unreachable
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
            fixups::external_method_fixup_worker(process, PepAddress(b), c, d).map(|pep| pep.0)
        }
        f if f == HostFunction::ExecuteInterpretedMethodWithArgs as u32 => {
            interpreter::execute_with_args(process, PepAddress(a), b, d).map(|()| 0)
        }
        f if f == HostFunction::ExecuteInterpretedMethodFromUnmanaged as u32 => {
            interpreter::execute_from_unmanaged(process, a, b, d).map(|()| 0)
        }
        _ => Err(process.vm().abort("unknown host function")),
    }
}

/// A compiled body reports: keeps what it saw, and writes its result behind its arguments.
fn probe(process: &mut dyn Process, token: u32, at: u32) -> Result<(), Trap> {
    let method = MethodId(token as u16);
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let size = meaning::arguments_size(layout, &layout.method(method).signature);
    let mut hidden = [0; 3];
    let offsets = [block::STACK_POINTER, block::ENTRY_POINT, block::RETURN_BUFFER];
    for (word, offset) in hidden.iter_mut().zip(offsets) {
        *word = crate::engine::read_u32(process, at + offset)?;
    }
    let [stack_pointer, entry_point, return_buffer] = hidden;
    let entry = Entry {
        method,
        body: Body::ReadyToRun { entry_point: PepAddress(entry_point) },
        stack_pointer,
        return_buffer,
        arguments: 0..0,
    };
    let result_at = at + block::ARGUMENTS + size;
    answer(process, entry, |process, seen| {
        seen.extend_from_slice(process.read(at + block::ARGUMENTS, size)?);
        Ok(())
    })
    .and_then(|result| process.write(result_at, &result))
}

/// Records that a body was entered with the arguments that `read` appends, and
/// gives the bytes of its result.
fn answer(
    process: &mut dyn Process,
    mut entry: Entry,
    read: impl FnOnce(&mut dyn Process, &mut Vec<u8>) -> Result<(), Trap>,
) -> Result<Vec<u8>, Trap> {
    // The buffer is taken out for the time of the read, which needs the process.
    let mut bytes = std::mem::take(&mut process.vm().observation.bytes);
    let start = bytes.len();
    let outcome = read(process, &mut bytes);
    let vm = process.vm();
    entry.arguments = start..bytes.len();
    let mut result = Vec::new();
    meaning::push_result(&vm.scenario.layout, entry.method, &bytes[start..], &mut result);
    vm.observation.bytes = bytes;
    outcome?;
    vm.observation.entries.push(entry);
    Ok(result)
}
