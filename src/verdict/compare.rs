//! Compares a run with the reference, and engines with each other.

use std::ops::Range;

use super::account::Account;
use super::value::{SlotOwner, Value, classify, slot_owner};
use super::{Class, Finding};
use crate::abi::FuncType;
use crate::image::facts::{Import, Role};
use crate::image::pep::PepWords;
use crate::loader::callee::StubKind;
use crate::loader::observation::{Body, Entry, EventObservation, Observation};
use crate::loader::words::{FunctionPointer, TableIndex};
use crate::loader::{MethodAddresses, Vm};
use crate::reference::{self, Expectation, ExpectedCall, ExpectedEvent};
use crate::scenario::targets::{Held, HeldKind};
use crate::scenario::{
    Action, Caller, ClassKind, Code, Convention, Event, Layout, MethodId, SiteId, meaning,
};

/// A finished run: the VM with all that it observed, and the memory that it left.
#[derive(Debug)]
pub struct Run<'a> {
    /// The VM, out of its process.
    pub vm: &'a Vm,
    /// Linear memory at the end.
    pub memory: &'a [u8],
}

/// Something wrong, before it is told in words.
#[derive(Debug)]
struct Problem {
    class: Class,
    event: Option<usize>,
    /// Which of the expected calls, for a call or a trap in one.
    call: Option<usize>,
    what: String,
}

/// Everything that is wrong with a run, gravest first; empty if it agrees with the reference.
pub fn findings(run: &Run, expected: &Expectation) -> Vec<Finding> {
    let mut problems = Vec::new();
    let seen = &run.vm.observation;
    for (i, (event, want)) in seen.events.iter().zip(&expected.events).enumerate() {
        let last = i + 1 == seen.events.len();
        if last && let Some(trap) = seen.trap {
            problems.push(Problem {
                class: Class::of_trap(trap),
                event: Some(i),
                call: run.vm.innermost_call(),
                what: format!("the process dies: {trap}"),
            });
        } else {
            compare_event(run, i, event, want, expected, &mut problems);
            compare_stack_pointers(run, i, event, expected, &mut problems);
        }
        if let Some(stray) = event.stray_write {
            let what = format!(
                "{:#x} ({:?}) holds {:#04x}, not {:#04x}",
                stray.address, stray.place, stray.found, stray.expected
            );
            let class = Class::StrayWrite;
            problems.push(Problem { class, event: Some(i), call: first_call(event), what });
        }
    }
    if seen.trap.is_none() {
        compare_finals(run, &mut problems);
    }
    problems.sort_by_key(|p| (p.class, p.event));
    problems.iter().map(|problem| finding(run, expected, problem)).collect()
}

fn first_call(event: &EventObservation) -> Option<usize> {
    (!event.calls.is_empty()).then_some(event.calls.start)
}

fn compare_event(
    run: &Run,
    index: usize,
    event: &EventObservation,
    want: &ExpectedEvent,
    expected: &Expectation,
    problems: &mut Vec<Problem>,
) {
    let quiet = event.entries.is_empty() && event.calls.is_empty();
    let problem = match want {
        ExpectedEvent::Quiet | ExpectedEvent::Pointer(_) if !quiet => {
            Some((Class::WrongCallee, None, "a body ran where none is called".to_owned()))
        }
        ExpectedEvent::Quiet => None,
        ExpectedEvent::Pointer(held) => {
            let word = event.pointer.unwrap_or(FunctionPointer(0));
            wrong_pointer(run.vm, *held, word).map(|what| (Class::Resolution, None, what))
        }
        ExpectedEvent::Calls(calls) => compare_calls(run, event, calls.clone(), expected),
    };
    if let Some((class, call, what)) = problem {
        problems.push(Problem { class, event: Some(index), call, what });
    }
}

/// The first call of an event that went wrong. Calls come in the order in which
/// they began, on both sides.
fn compare_calls(
    run: &Run,
    event: &EventObservation,
    calls: Range<usize>,
    expected: &Expectation,
) -> Option<(Class, Option<usize>, String)> {
    let seen = &run.vm.observation;
    let entries = &seen.entries[event.entries.clone()];
    for index in calls.clone() {
        let want = &expected.calls[index];
        let own = entries.iter().filter(|entry| entry.call == Some(index));
        if let Some((class, what)) = wrong_call(run.vm, own, want, index, expected) {
            return Some((class, Some(index), what));
        }
    }
    let more = event.calls.len() != calls.len();
    more.then(|| (Class::WrongCallee, Some(calls.start), "other calls were made".to_owned()))
}

fn wrong_call<'e>(
    vm: &Vm,
    entries: impl Iterator<Item = &'e Entry>,
    want: &ExpectedCall,
    index: usize,
    expected: &Expectation,
) -> Option<(Class, String)> {
    let seen = &vm.observation;
    let name = |m: MethodId| &vm.scenario.layout.method(m).name;
    let mut entries = entries.peekable();
    let first = entries.next();
    let (Some(entry), true) = (first, entries.peek().is_none()) else {
        let ran: Vec<&str> =
            first.into_iter().chain(entries).map(|e| name(e.method).as_str()).collect();
        let what = format!("{} should run once; ran: {ran:?}", name(want.callee));
        return Some((Class::WrongCallee, what));
    };
    if entry.method != want.callee {
        let what = format!("{} should run; {} did", name(want.callee), name(entry.method));
        return Some((Class::WrongCallee, what));
    }
    let depth = seen.calls.get(index).map_or(0, |call| call.depth);
    let got = &seen.bytes[entry.arguments.clone()];
    let arguments = &expected.bytes[want.arguments.clone()];
    if let Some(what) = wrong_arguments(vm, entry, got, arguments, depth) {
        return Some((Class::WrongArguments, what));
    }
    let result = seen.calls.get(index).and_then(|call| call.result.clone()).unwrap_or(0..0);
    let (got, want) = (&seen.bytes[result], &expected.bytes[want.result.clone()]);
    let differs = got != want;
    differs.then(|| {
        let what = format!("the caller sees {}, not {}", hex(got), hex(want));
        (Class::WrongResult, what)
    })
}

/// Why the word that was handed out is no pointer to this, or no delegate.
fn wrong_pointer(vm: &Vm, held: Held, word: FunctionPointer) -> Option<String> {
    let value = classify(vm, word, vm.observation.finals.table_len);
    let meant = Meant::by(&vm.scenario.layout, held);
    (!meant.is(vm, word, &value)).then(|| {
        let value = value.describe(&vm.scenario.layout);
        format!("{word} is {value}; expected {}", meant.describe(&vm.scenario.layout))
    })
}

/// What a word that is handed out must be.
enum Meant {
    Delegate,
    /// The method's own unmanaged entry.
    Unmanaged(MethodId),
    /// The entry point of a stub.
    Stub(StubKind),
    /// The method's own entry point.
    EntryPoint(MethodId),
}

impl Meant {
    fn by(layout: &Layout, Held { method, kind }: Held) -> Self {
        let data = layout.method(method);
        let boxed = data.class.is_some_and(|c| layout.class(c).kind == ClassKind::Struct);
        match (kind, data.convention) {
            (HeldKind::Delegate { .. }, _) => Meant::Delegate,
            (_, Convention::UnmanagedCallersOnly) => Meant::Unmanaged(method),
            (HeldKind::Pointer { boxed: true }, _) if boxed => {
                Meant::Stub(StubKind::Unboxing(method))
            }
            _ if data.signature.context => Meant::Stub(StubKind::Instantiating(method)),
            _ => Meant::EntryPoint(method),
        }
    }

    fn is(&self, vm: &Vm, word: FunctionPointer, value: &Value<'_>) -> bool {
        match *self {
            Meant::Delegate => *value == Value::Delegate,
            Meant::Unmanaged(method) => {
                matches!(value, Value::TableIndex(owner) if is_own_code(vm, method, owner))
            }
            Meant::Stub(kind) => *value == Value::Stub(kind),
            Meant::EntryPoint(method) => {
                let was =
                    |(m, at): &(MethodId, MethodAddresses)| *m == method && at.pep.0 == word.0;
                *value == Value::EntryPoint(method) || vm.recycled().iter().any(was)
            }
        }
    }

    fn describe(&self, layout: &Layout) -> String {
        let name = |method: MethodId| &layout.method(method).name;
        match *self {
            Meant::Delegate => "a delegate".to_owned(),
            Meant::Unmanaged(method) => {
                let ty = reference::pointer_type(layout, method);
                format!("{}'s own unmanaged entry, type {ty}", name(method))
            }
            Meant::Stub(kind) => {
                format!("the entry point of {}'s {}", name(kind.method()), kind.name())
            }
            Meant::EntryPoint(method) => format!("{}'s portable entry point", name(method)),
        }
    }
}

/// A slot holds the method's own code, of the type that the reference gives it.
fn is_own_code(vm: &Vm, method: MethodId, owner: &SlotOwner) -> bool {
    matches!(owner.role, Role::Body(m) | Role::ReverseThunk(m) if *m == method)
        && *owner.ty == reference::body_type(&vm.scenario.layout, method)
}

/// Why what a body saw is not what the caller passed; hidden arguments are looked at as well.
fn wrong_arguments(
    vm: &Vm,
    entry: &Entry,
    got: &[u8],
    want: &[u8],
    depth: usize,
) -> Option<String> {
    let layout = &vm.scenario.layout;
    let method = layout.method(entry.method);
    if got != want {
        return Some(first_wrong_argument(vm, entry.method, got, want));
    }
    let map = &vm.emission.map;
    let by_buffer = reference::shape::has_return_buffer(layout, &method.signature);
    let buffer = if by_buffer { map.result(depth) } else { 0 };
    if entry.return_buffer != buffer {
        return Some(format!(
            "the return buffer is {:#x}, not the caller's {buffer:#x}",
            entry.return_buffer
        ));
    }
    let stack = map.stack_bottom..=map.stack_top;
    if !stack.contains(&entry.stack_pointer) || !entry.stack_pointer.is_multiple_of(16) {
        return Some(format!("the stack pointer is {:#x}", entry.stack_pointer));
    }
    if let Body::ReadyToRun { entry_point } | Body::Native { entry_point } = entry.body
        && method.convention == Convention::Managed
        && vm.method(entry.method).is_none_or(|m| m.pep != entry_point)
    {
        return Some(format!("the portable entry point argument is {entry_point}"));
    }
    None
}

fn first_wrong_argument(vm: &Vm, method: MethodId, got: &[u8], want: &[u8]) -> String {
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let mut at = 0;
    let hidden = [
        (signature.instance, "this"),
        (signature.context, "the generic context"),
        (signature.continuation, "the continuation"),
    ];
    let hidden = hidden.into_iter().filter(|(there, _)| *there);
    let parameters = signature.params.iter().enumerate();
    let all = hidden.map(|(_, name)| (name.to_owned(), 8)).chain(
        parameters
            .map(|(i, &ty)| (format!("argument {}", i + 1), meaning::padded_size(layout, ty))),
    );
    for (name, size) in all {
        let range = at..at + size as usize;
        at = range.end;
        let (got, want) = (got.get(range.clone()), &want[range]);
        if got != Some(want) {
            return format!("{name} is {}, not {}", got.map_or("missing".into(), hex), hex(want));
        }
    }
    "the arguments differ".to_owned()
}

fn hex(bytes: &[u8]) -> String {
    const MOST: usize = 16;
    let text: String = bytes.iter().take(MOST).map(|b| format!("{b:02x}")).collect();
    if bytes.len() > MOST { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

/// `__stack_pointer` on both sides of each call, and of everything else.
fn compare_stack_pointers(
    run: &Run,
    index: usize,
    event: &EventObservation,
    expected: &Expectation,
    problems: &mut Vec<Problem>,
) {
    let mut check = |call: Option<usize>, (before, after): (u32, u32), published: u32| {
        if after != before && after != before.wrapping_sub(published) {
            let what = format!("__stack_pointer is {after:#x} afterwards and was {before:#x}");
            problems.push(Problem { class: Class::StackPointer, event: Some(index), call, what });
        }
    };
    for i in event.calls.clone() {
        let call = &run.vm.observation.calls[i];
        let site = expected.calls.get(i).map(|call| call.site);
        check(Some(i), call.stack_pointer, site.map_or(0, |site| published_frame(run.vm, site)));
    }
    if event.calls.is_empty() {
        check(None, event.stack_pointer, 0);
    }
}

/// How far below its own frame an R2R caller leaves `__stack_pointer`: what it
/// published for a native callee stays there until its own caller restores it
/// (#122988).
fn published_frame(vm: &Vm, site: SiteId) -> u32 {
    match vm.scenario.layout.site(site).action {
        Action::UnmanagedCalli(_) | Action::PInvoke { .. } => {
            vm.emission.caller(site).map_or(0, |(_, caller)| caller.frame_size)
        }
        _ => 0,
    }
}

/// The loader's structures at the end: entry points, own unmanaged entries, cells.
fn compare_finals(run: &Run, problems: &mut Vec<Problem>) {
    let vm = run.vm;
    let finals = &vm.observation.finals;
    let layout = &vm.scenario.layout;
    let mut problem = |what| {
        let class = Class::Resolution;
        problems.push(Problem { class, event: None, call: None, what });
    };
    for (method, words, own) in &finals.methods {
        if let Some(what) = wrong_entry_point(vm, *method, words, *own) {
            problem(format!("{}: {what}", layout.method(*method).name));
        }
    }
    for ((stub, at), words) in vm.stubs().zip(&finals.stubs) {
        let ty = reference::shape::of(layout, &stub.signature, true);
        let code = words.actual_code;
        if words.method_desc != at.method_desc || !is_null_or_thunk(vm, code, &ty) {
            let name = &layout.method(stub.kind.method()).name;
            let kind = stub.kind.name();
            problem(format!("{name}'s {kind}: _pActualCode is {code}, of another type or method"));
        }
    }
    for &(assembly, rva, value) in &finals.cells {
        let Some(cell) = vm.emission.images[assembly.index()].cell_at(rva) else { continue };
        if let Some(what) = wrong_cell(vm, cell.import, FunctionPointer(value)) {
            let name = &layout.assemblies[assembly.index()].name;
            problem(format!("import cell {name}+{rva:#x}: {what}"));
        }
    }
}

/// Why a cell does not hold what it imports, resolved or not.
fn wrong_cell(vm: &Vm, import: Import, word: FunctionPointer) -> Option<String> {
    let value = classify(vm, word, vm.observation.finals.table_len);
    let unresolved = match import.lazy() {
        Some(_) => value == Value::ImageData,
        None => word.0 == 0,
    };
    let holds = |role: Role| matches!(&value, Value::TableIndex(owner) if *owner.role == role);
    let right = match import {
        Import::MethodEntry(method) | Import::LazyMethodEntry(method) => {
            let data = vm.scenario.layout.method(method);
            if data.convention == Convention::UnmanagedCallersOnly && !unresolved {
                let kind = HeldKind::Pointer { boxed: false };
                return wrong_pointer(vm, Held { method, kind }, word);
            }
            unresolved || value == Value::EntryPoint(method)
        }
        Import::InstantiatingStub(method) => {
            unresolved || value == Value::Stub(StubKind::Instantiating(method))
        }
        Import::VirtualEntry(method, _) => unresolved || value == Value::VirtualDispatch(method),
        Import::PInvokeTarget(method) => unresolved || holds(Role::Body(method)),
        Import::GenericLookup(_) => value == Value::ImageData,
        Import::ResumptionStub(method) => holds(Role::ResumptionStub(method)),
        Import::ThunkHelper(helper) => word.0 == helper.slot(),
        Import::JitHelper(_) => vm.helper_peps().iter().any(|pep| pep.0 == word.0),
        Import::Missing => unresolved,
        Import::Module => true,
    };
    let off = !vm.ready_to_run() && word.0 == 0;
    (!right && !off).then(|| format!("{word} is {}", value.describe(&vm.scenario.layout)))
}

/// Nothing, or an R2R-to-interpreter thunk of this type.
fn is_null_or_thunk(vm: &Vm, code: TableIndex, ty: &FuncType) -> bool {
    code == TableIndex::NONE
        || slot_owner(vm, code.0)
            .is_some_and(|o| matches!(o.role, Role::R2RToInterpreter(_)) && o.ty == ty)
}

/// Why an entry point's words are not those of its method in any state.
fn wrong_entry_point(
    vm: &Vm,
    method: MethodId,
    words: &PepWords,
    own: TableIndex,
) -> Option<String> {
    let layout: &Layout = &vm.scenario.layout;
    let data = layout.method(method);
    if vm.method(method).is_none_or(|m| m.method_desc != words.method_desc) {
        return Some(format!("the entry point's MethodDesc is {}", words.method_desc));
    }
    let uco = data.convention == Convention::UnmanagedCallersOnly;
    let is_own = |index: TableIndex| {
        slot_owner(vm, index.0).is_some_and(|owner| is_own_code(vm, method, &owner))
    };
    if own != TableIndex::NONE && !(uco && is_own(own)) {
        return Some(format!("its own unmanaged entry is {own}"));
    }
    let code = words.actual_code;
    // A P/Invoke's target is not for managed callers.
    let target = data.convention == Convention::PInvoke && data.code == Code::Native;
    if is_own(code) && !target {
        return None;
    }
    // A managed thunk: for the method's own type, or in a UCO method's entry
    // point for managed callers.
    let managed = reference::shape::of(layout, &data.signature, true);
    (!is_null_or_thunk(vm, code, &managed))
        .then(|| format!("_pActualCode is {code}, of another type or method"))
}

/// Two engines' runs of the same program show the same, and leave the same memory.
pub fn same(paper: &Run, other: &Run) -> bool {
    paper.vm.observation == other.vm.observation && paper.memory == other.memory
}

/// Where two engines' runs of the same program differ, if they do. What
/// follows a resource limit is not comparable.
pub fn divergence(paper: &Run, other: &Run, engine: &str) -> Option<Finding> {
    let (a, b) = (&paper.vm.observation, &other.vm.observation);
    if [a, b].iter().any(|o| o.trap.is_some_and(|t| t.is_resource_limit())) {
        return None;
    }
    let what = observations_differ(a, b).or_else(|| memory_differs(paper.memory, other.memory))?;
    let problem = Problem {
        class: Class::EngineDivergence,
        event: Some(a.events.len().min(b.events.len()).saturating_sub(1)),
        call: None,
        what: format!("{engine} and paper disagree: {what}"),
    };
    Some(finding(other, &reference::expect(&other.vm.scenario), &problem))
}

fn observations_differ(paper: &Observation, other: &Observation) -> Option<String> {
    if paper == other {
        return None;
    }
    if paper.trap != other.trap {
        let tell = |o: &Observation| o.trap.map_or("no trap".to_owned(), |t| t.to_string());
        return Some(format!("{} here, {} on paper", tell(other), tell(paper)));
    }
    let event = paper.events.iter().zip(&other.events).position(|(a, b)| a != b);
    Some(match event {
        Some(i) => format!("event {} shows something else", i + 1),
        None => "what bodies saw, or the final state, differs".to_owned(),
    })
}

fn memory_differs(paper: &[u8], other: &[u8]) -> Option<String> {
    if paper == other {
        return None;
    }
    if paper.len() != other.len() {
        return Some(format!("memory of {} bytes, not {}", other.len(), paper.len()));
    }
    let at = paper.iter().zip(other).position(|(a, b)| a != b)?;
    Some(format!("the byte at {at:#x} is {:#04x}, not {:#04x}", other[at], paper[at]))
}

fn finding(run: &Run, expected: &Expectation, problem: &Problem) -> Finding {
    let site = problem_site(run.vm, expected, problem);
    Finding {
        class: problem.class,
        fingerprint: fingerprint(run.vm, problem, site),
        account: Account {
            run,
            expected,
            class: problem.class,
            event: problem.event,
            call: problem.call,
            site,
            what: &problem.what,
        }
        .to_string(),
    }
}

/// The site at which something went wrong: of a call inside another, that one's.
fn problem_site(vm: &Vm, expected: &Expectation, problem: &Problem) -> Option<SiteId> {
    let inner = problem.call.and_then(|call| expected.calls.get(call)).map(|call| call.site);
    inner.or_else(|| match &vm.scenario.script[problem.event?] {
        Event::Take { site, .. } => Some(*site),
        Event::Call(call) => Some(call.site),
        _ => None,
    })
}

/// Class, kind of site, kind of caller, and kind of value.
fn fingerprint(vm: &Vm, problem: &Problem, site: Option<SiteId>) -> String {
    let mut parts = vec![problem.class.name()];
    let Some(index) = problem.event else {
        parts.push("final-state");
        return parts.join(".");
    };
    match &vm.scenario.script[index] {
        Event::Load(_) => parts.push("load"),
        Event::Prepare(_) => parts.push("prepare"),
        Event::Touch(_) => parts.push("touch"),
        Event::Reset(_) => parts.push("reset"),
        Event::Recycle { .. } => parts.push("recycle"),
        Event::Take { .. } | Event::Call(_) => {}
    }
    if let Some(site) = site {
        parts.extend(site_kind(vm, site));
        if let Some(word) = vm.observation.pointer(index, problem.call) {
            parts.push(classify(vm, word, vm.observation.finals.table_len).kind());
        }
    }
    parts.join(".")
}

fn site_kind(vm: &Vm, site: SiteId) -> [&'static str; 2] {
    let site = vm.scenario.layout.site(site);
    let action = match &site.action {
        Action::Direct { .. } => "direct",
        Action::Virtual { .. } => "virtual",
        Action::ManagedCalli(_) => "managed-calli",
        Action::UnmanagedCalli(_) => "unmanaged-calli",
        Action::Invoke(_) => "invoke",
        Action::PInvoke { .. } => "pinvoke",
        Action::Ldftn(_) => "ldftn",
        Action::Ldvirtftn(_) => "ldvirtftn",
        Action::NewDelegate { .. } => "delegate",
        Action::Runtime { path, .. } => path.word(),
    };
    let caller = match site.caller {
        Caller::ReadyToRun(_) => "r2r",
        Caller::Interpreter(_) => "interpreter",
        Caller::Native => "native",
    };
    [action, caller]
}
