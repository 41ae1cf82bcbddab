//! What was read off a running CoreCLR VM (11.0.0-preview.4, interpreter only):
//! the model, told of the same events, must arrive at the same words and traps.
//!
//! Rows that the model has nothing for: a method that throws, multicast delegates, and generic
//! virtual methods.

mod methods;
mod objects;

use crate::abi::vm::MetadataConvention;
use crate::engine::Trap;
use crate::image::FunctionId;
use crate::image::pep::PepWords;
use crate::image::words::FunctionPointer;
use crate::loader::decisions::KeyRequest;
use crate::loader::{Fixed, Loader, Vm};
use crate::scenario::{
    Action, Assembly, AssemblyId, Binding, Call, Caller, Code, Convention, Event, Layout, Method,
    MethodId, Scenario, Signature, Site, SiteId, Struct, StructId, StructShape, Type, VariableId,
};

use crate::tests::util::{self, HandsOut};

const MANAGED: MethodId = MethodId(0);
const UCO: MethodId = MethodId(1);
const TAKE_MANAGED: SiteId = SiteId(0);
const CALLI: SiteId = SiteId(1);
const DIRECT: SiteId = SiteId(2);
const TAKE_UCO: SiteId = SiteId(3);
const UNMANAGED_CALLI: SiteId = SiteId(4);
const RARE_UNMANAGED_CALLI: SiteId = SiteId(5);
const POINTER: VariableId = VariableId(0);

/// `int(int, int)`.
fn add() -> Signature {
    Signature { ret: Some(Type::I32), params: vec![Type::I32; 2], ..Signature::default() }
}

/// An assembly whose methods and callers are all interpreted, as in the measured build.
fn interpreted(uco: Signature, reverse_thunk: bool) -> Layout {
    let assembly = AssemblyId(0);
    let method = |name: &str, convention, signature, reverse_thunk| Method {
        name: name.into(),
        assembly,
        convention,
        code: Code::Interpreted,
        reverse_thunk,
        signature,
        ..Method::default()
    };
    let site = |name: &str, action| Site {
        name: name.into(),
        caller: Caller::Interpreter(assembly),
        action,
    };
    Layout {
        assemblies: vec![Assembly { name: "Probe".into() }].into(),
        structs: vec![Struct {
            name: "S12".into(),
            shape: StructShape::Opaque { size: 12, align: 4 },
        }]
        .into(),
        methods: vec![
            method("M", Convention::Managed, add(), false),
            method("U", Convention::UnmanagedCallersOnly, uco, reverse_thunk),
        ]
        .into(),
        sites: vec![
            site("TakeManaged", Action::Ldftn(MANAGED)),
            site("Calli", Action::ManagedCalli(add())),
            site("Direct", Action::Direct { callee: MANAGED, binding: Binding::Lazy }),
            site("TakeUco", Action::Ldftn(UCO)),
            site("UnmanagedCalli", Action::UnmanagedCalli(add())),
        ]
        .into(),
        ..Layout::default()
    }
}

fn load() -> Event {
    Event::Load(AssemblyId(0))
}

fn take(site: SiteId) -> Event {
    Event::Take { site, into: POINTER, on: None }
}

fn call(site: SiteId, pointer: Option<VariableId>) -> Event {
    Event::Call(Call {
        site,
        pointer,
        this: None,
        args: vec![0x1122_3344, 0x5566_7788],
        inside: vec![],
    })
}

/// The measured build had no R2R code.
fn scenario(layout: Layout, script: Vec<Event>) -> Scenario {
    let variables = vec!["pointer".into()].into();
    Scenario { layout, variables, script, interpreter_only: true, ..Scenario::default() }
}

fn run(layout: Layout, script: Vec<Event>, loader: &'static dyn Loader) -> Vm {
    util::run(scenario(layout, script), loader).vm
}

/// The words of a method's entry point at the end of a run.
fn words(vm: &Vm, method: MethodId) -> PepWords {
    let mut methods = vm.observation.finals.methods.iter();
    let (_, words, _) = methods.find(|(m, ..)| *m == method).expect("the assembly is loaded");
    assert_eq!(Some(words.method_desc), vm.method(method).map(|m| m.method_desc));
    *words
}

/// `[actual code, interpreter data present, flags]`.
fn state(vm: &Vm, method: MethodId) -> (u32, bool, u32) {
    let words = words(vm, method);
    (words.actual_code.get(), words.interpreter_data != 0, words.flags)
}

#[test]
fn a_managed_static_after_ldftn_and_never_called() {
    let vm = run(interpreted(add(), true), vec![load(), take(TAKE_MANAGED)], &Fixed);
    assert_eq!(state(&vm, MANAGED), (0, false, 2));
    // ldftn of a managed method gives its entry point's address.
    let pointer = vm.observation.events[1].pointer;
    assert_eq!(pointer, vm.method(MANAGED).map(|m| m.pep.into()));
}

#[test]
fn a_managed_static_after_a_calli_and_then_a_direct_call() {
    let mut script = vec![load(), take(TAKE_MANAGED), call(CALLI, Some(POINTER))];
    let vm = run(interpreted(add(), true), script.clone(), &Fixed);
    assert_eq!(vm.observation.trap, None);
    assert_eq!(state(&vm, MANAGED), (0, true, 2));
    let before = words(&vm, MANAGED);

    script.push(call(DIRECT, None));
    let vm = run(interpreted(add(), true), script, &Fixed);
    assert_eq!(words(&vm, MANAGED), before, "a direct call changes nothing");
}

#[test]
fn a_method_that_nothing_touched() {
    let vm = run(interpreted(add(), true), vec![load()], &Fixed);
    assert_eq!(state(&vm, MANAGED), (0, false, 0));
    let vm = run(interpreted(add(), true), vec![load(), call(DIRECT, None)], &Fixed);
    assert_eq!(state(&vm, MANAGED), (0, true, 0));
}

#[test]
fn a_uco_method_with_a_compiled_reverse_thunk() {
    let sink = Signature { params: vec![Type::I32], ..Signature::default() };
    let vm = run(interpreted(sink, true), vec![load(), take(TAKE_UCO)], &Fixed);
    let (code, byte_code, flags) = state(&vm, UCO);
    assert_eq!((byte_code, flags), (false, 3));
    assert_ne!(code, 0);
    // The value that ldftn gives is that table slot itself, of the unmanaged type.
    assert_eq!(vm.observation.events[1].pointer, Some(FunctionPointer::new(code)));
    let program = &vm.emission.program;
    let function = FunctionId(code - program.host_base().get());
    let function = &program.runtime.functions[function];
    assert_eq!(program.types[function.ty].to_string(), "(i32)->()");
}

#[test]
fn a_uco_method_without_reverse_thunk_and_body_kills_the_process() {
    let vm = run(interpreted(add(), false), vec![load(), take(TAKE_UCO)], &Fixed);
    assert_eq!(vm.observation.trap, Some(Trap::Unreachable));
}

fn reverse_thunk_slot(vm: &Vm) -> u32 {
    let role = crate::image::emission::Role::ReverseThunk(UCO);
    vm.emission.runtime_slot(&role).expect("the method has a reverse thunk").get()
}

/// What a word does when it is called through a site.
fn trap(word: fn(&Vm) -> u32, site: SiteId) -> Option<Trap> {
    let sink = Signature { params: vec![Type::I32], ..Signature::default() };
    let script = vec![load(), take(TAKE_UCO), call(site, Some(POINTER))];
    let loader: &'static HandsOut = Box::leak(Box::new(HandsOut(word)));
    run(interpreted(sink, true), script, loader).observation.trap
}

#[test]
fn what_a_wrong_pointer_does() {
    // Called as `delegate* unmanaged<int,int,int>`. V8 words a wrong type and a
    // null element alike; here they are told apart.
    assert_eq!(trap(reverse_thunk_slot, UNMANAGED_CALLI), Some(Trap::SignatureMismatch));
    let pep = |vm: &Vm| vm.method(UCO).map_or(0, |m| m.pep.get());
    assert_eq!(trap(pep, UNMANAGED_CALLI), Some(Trap::TableOutOfBounds));
    assert_eq!(trap(|_| 0x8001_0001, UNMANAGED_CALLI), Some(Trap::TableOutOfBounds));
    assert_eq!(trap(|_| 0, UNMANAGED_CALLI), Some(Trap::NullElement));
    // Called as `delegate*<int,int,int>` from interpreted code: taken for an entry point.
    assert_eq!(trap(reverse_thunk_slot, CALLI), Some(Trap::MemoryOutOfBounds));
    assert_eq!(trap(|_| 0, CALLI), Some(Trap::MemoryOutOfBounds));
}

/// A loader whose table of call stubs for unmanaged signatures has another's in place of each.
#[derive(Debug)]
struct NeverSawIt;

impl Loader for NeverSawIt {
    fn id(&self) -> &'static str {
        "never-saw-it"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        let key = request.key();
        if request.convention == MetadataConvention::Unmanaged { key + "?" } else { key }
    }
}

#[test]
fn a_right_index_without_a_compiled_call_stub_traps_in_the_interpreter() {
    // `dflliild`-like: a signature that the stub generator never saw.
    let rare = Signature {
        ret: Some(Type::F64),
        params: vec![Type::F32, Type::I64, Type::Struct(StructId(0)), Type::F64],
        ..Signature::default()
    };
    let layout = || {
        let mut layout = interpreted(rare.clone(), true);
        layout.sites.push(Site {
            name: "Rare".into(),
            caller: Caller::Interpreter(AssemblyId(0)),
            action: Action::UnmanagedCalli(rare.clone()),
        });
        layout
    };
    let rare_call = Event::Call(Call {
        site: RARE_UNMANAGED_CALLI,
        pointer: Some(POINTER),
        this: None,
        args: vec![0x3fc0_0000, 0x0123_4567_89ab_cdef, 0xfeed_f00d, 0x3ff8_0000_0000_0000],
        inside: vec![],
    });
    let script = vec![load(), take(TAKE_UCO), rare_call];
    let vm = run(layout(), script.clone(), &Fixed);
    assert_eq!(vm.observation.trap, None, "with the stub the call returns");

    let vm = run(layout(), script, &NeverSawIt);
    assert_eq!(vm.observation.trap, Some(Trap::NullElement));
}
