//! Compares a run with the reference, and engines with each other.

use super::account::Account;
use super::value::{SlotOwner, Value, classify, slot_owner};
use super::{Class, Finding};
use crate::image::facts::{Import, Role};
use crate::loader::Vm;
use crate::loader::observation::{Body, Entry, EventObservation, Observation};
use crate::loader::pep::PepWords;
use crate::loader::words::{FunctionPointer, TableIndex};
use crate::reference::{self, Expectation, ExpectedEvent};
use crate::scenario::{Action, Call, Caller, Convention, Event, MethodId, SiteId, meaning};

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
                what: format!("the process dies: {trap}"),
            });
        } else {
            compare_event(run, i, event, want, expected, &mut problems);
        }
        compare_memory(run, i, event, &mut problems);
    }
    if seen.trap.is_none() {
        compare_finals(run, &mut problems);
    }
    problems.sort_by_key(|p| (p.class, p.event));
    problems.iter().map(|problem| finding(run, problem)).collect()
}

fn compare_event(
    run: &Run,
    index: usize,
    event: &EventObservation,
    want: &ExpectedEvent,
    expected: &Expectation,
    problems: &mut Vec<Problem>,
) {
    let seen = &run.vm.observation;
    let entries = &seen.entries[event.entries.clone()];
    let mut problem = |class, what| problems.push(Problem { class, event: Some(index), what });
    match want {
        ExpectedEvent::Quiet | ExpectedEvent::Pointer(_) if !entries.is_empty() => {
            problem(Class::WrongCallee, "a body ran where none is called".to_owned());
        }
        ExpectedEvent::Quiet => {}
        ExpectedEvent::Pointer(method) => {
            let word = event.pointer.unwrap_or(FunctionPointer(0));
            if let Some(what) = wrong_pointer(run.vm, *method, word) {
                problem(Class::Resolution, what);
            }
        }
        ExpectedEvent::Call { callee, arguments, result } => {
            let name = |m: MethodId| &run.vm.scenario.layout.method(m).name;
            let [entry] = entries else {
                let ran: Vec<_> = entries.iter().map(|e| name(e.method).as_str()).collect();
                let what = format!("{} should run once; ran: {ran:?}", name(*callee));
                return problem(Class::WrongCallee, what);
            };
            if entry.method != *callee {
                let what = format!("{} should run; {} did", name(*callee), name(entry.method));
                return problem(Class::WrongCallee, what);
            }
            let got = &seen.bytes[entry.arguments.clone()];
            if let Some(what) =
                wrong_arguments(run.vm, entry, got, &expected.bytes[arguments.clone()])
            {
                return problem(Class::WrongArguments, what);
            }
            let (got, want) = (&seen.bytes[event.result.clone()], &expected.bytes[result.clone()]);
            if got != want {
                let what = format!("the caller sees {}, not {}", hex(got), hex(want));
                problem(Class::WrongResult, what);
            }
        }
    }
}

/// Why the word that was handed out for a method is not a pointer to it.
fn wrong_pointer(vm: &Vm, method: MethodId, word: FunctionPointer) -> Option<String> {
    let layout = &vm.scenario.layout;
    let value = classify(vm, word, vm.observation.finals.table_len);
    let right = match (layout.method(method).convention, &value) {
        (Convention::Managed, value) => *value == Value::EntryPoint(method),
        (Convention::UnmanagedCallersOnly, Value::TableIndex(owner)) => {
            is_own_code(vm, method, owner)
        }
        (Convention::UnmanagedCallersOnly, _) => false,
    };
    (!right).then(|| {
        let name = &layout.method(method).name;
        let expected = match layout.method(method).convention {
            Convention::Managed => format!("{name}'s portable entry point"),
            Convention::UnmanagedCallersOnly => {
                let ty = reference::pointer_type(layout, method);
                format!("{name}'s own unmanaged entry, type {ty}")
            }
        };
        format!("{word} is {}; expected {expected}", value.describe(layout))
    })
}

/// A slot holds the method's own code, of the type that the reference gives it.
fn is_own_code(vm: &Vm, method: MethodId, owner: &SlotOwner) -> bool {
    matches!(owner.role, Role::Body(m) | Role::ReverseThunk(m) if *m == method)
        && *owner.ty == reference::pointer_type(&vm.scenario.layout, method)
}

/// Why what a body saw is not what the caller passed; hidden arguments are looked at as well.
fn wrong_arguments(vm: &Vm, entry: &Entry, got: &[u8], want: &[u8]) -> Option<String> {
    let layout = &vm.scenario.layout;
    let method = layout.method(entry.method);
    if got != want {
        return Some(first_wrong_argument(vm, entry.method, got, want));
    }
    let map = &vm.emission.map;
    let by_buffer = reference::shape::has_return_buffer(layout, &method.signature);
    let buffer = if by_buffer { map.result } else { 0 };
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
    if let Body::ReadyToRun { entry_point } = entry.body
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
    let this = signature.instance.then_some(8u32);
    let sizes =
        this.into_iter().chain(signature.params.iter().map(|&ty| meaning::padded_size(layout, ty)));
    for (i, size) in sizes.enumerate() {
        let range = at..at + size as usize;
        at = range.end;
        let (got, want) = (got.get(range.clone()), &want[range]);
        if got != Some(want) {
            let name = match (signature.instance, i) {
                (true, 0) => "this".to_owned(),
                (instance, i) => format!("argument {}", i + usize::from(!instance)),
            };
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

/// What was written that may not be, and the stack pointer on both sides.
fn compare_memory(run: &Run, index: usize, event: &EventObservation, problems: &mut Vec<Problem>) {
    if let Some(stray) = event.stray_write {
        problems.push(Problem {
            class: Class::StrayWrite,
            event: Some(index),
            what: format!(
                "{:#x} ({:?}) holds {:#04x}, not {:#04x}",
                stray.address, stray.place, stray.found, stray.expected
            ),
        });
    }
    let (before, after) = event.stack_pointer;
    let trapped = run.vm.observation.trap.is_some();
    let published = before.wrapping_sub(published_frame(run.vm, index));
    if !trapped && after != before && after != published {
        problems.push(Problem {
            class: Class::StackPointer,
            event: Some(index),
            what: format!("__stack_pointer is {after:#x} after the event and was {before:#x}"),
        });
    }
}

/// How far below its own frame an R2R caller leaves `__stack_pointer`: what it
/// published for a native callee stays there until its own caller restores it
/// (#122988).
fn published_frame(vm: &Vm, index: usize) -> u32 {
    let Event::Call(Call { site, .. }) = vm.scenario.script[index] else { return 0 };
    match vm.scenario.layout.site(site).action {
        Action::UnmanagedCalli(_) => vm.emission.caller(site).map_or(0, |(_, c)| c.frame_size),
        _ => 0,
    }
}

/// The loader's structures at the end: entry points, own unmanaged entries, cells.
fn compare_finals(run: &Run, problems: &mut Vec<Problem>) {
    let vm = run.vm;
    let finals = &vm.observation.finals;
    let layout = &vm.scenario.layout;
    let mut problem = |what| problems.push(Problem { class: Class::Resolution, event: None, what });
    for (method, words, own) in &finals.methods {
        if let Some(what) = wrong_entry_point(vm, *method, words, *own) {
            problem(format!("{}: {what}", layout.method(*method).name));
        }
    }
    for &(assembly, rva, value) in &finals.cells {
        let Some(cell) = vm.emission.images[assembly.index()].cell_at(rva) else { continue };
        let word = FunctionPointer(value);
        let wrong = match cell.import {
            Import::MethodEntry(_) if value == 0 => None,
            Import::MethodEntry(method) => wrong_pointer(vm, method, word),
            Import::LazyMethodEntry(method) => {
                let unresolved = classify(vm, word, finals.table_len) == Value::ImageData;
                if unresolved { None } else { wrong_pointer(vm, method, word) }
            }
            Import::ThunkHelper(helper) => {
                (value != helper.slot()).then(|| format!("{value:#x} is not {}", helper.symbol()))
            }
            Import::JitHelper(_) => (!vm.helper_peps().iter().any(|p| p.0 == value))
                .then(|| format!("{value:#x} is no helper's entry point")),
            Import::Module => None,
        };
        if let Some(what) = wrong {
            let name = &layout.assemblies[assembly.index()].name;
            problem(format!("import cell {name}+{rva:#x}: {what}"));
        }
    }
}

/// Why an entry point's words are not those of its method in any state.
fn wrong_entry_point(
    vm: &Vm,
    method: MethodId,
    words: &PepWords,
    own: TableIndex,
) -> Option<String> {
    let layout = &vm.scenario.layout;
    if vm.method(method).is_none_or(|m| m.method_desc != words.method_desc) {
        return Some(format!("the entry point's MethodDesc is {}", words.method_desc));
    }
    let uco = layout.method(method).convention == Convention::UnmanagedCallersOnly;
    let is_own = |index: TableIndex| {
        slot_owner(vm, index.0).is_some_and(|owner| is_own_code(vm, method, &owner))
    };
    if own != TableIndex::NONE && !(uco && is_own(own)) {
        return Some(format!("its own unmanaged entry is {own}"));
    }
    let code = words.actual_code;
    if code == TableIndex::NONE || is_own(code) {
        return None;
    }
    // A managed thunk: for the method's own type, or in a UCO method's entry
    // point for managed callers.
    let managed = reference::shape::of(layout, &layout.method(method).signature, true);
    let thunk = slot_owner(vm, code.0)
        .is_some_and(|o| matches!(o.role, Role::R2RToInterpreter(_)) && *o.ty == managed);
    (!thunk).then(|| format!("_pActualCode is {code}, of another type or method"))
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
        what: format!("{engine} and paper disagree: {what}"),
    };
    Some(finding(other, &problem))
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

fn finding(run: &Run, problem: &Problem) -> Finding {
    Finding {
        class: problem.class,
        fingerprint: fingerprint(run.vm, problem),
        account: Account { run, class: problem.class, event: problem.event, what: &problem.what }
            .to_string(),
    }
}

/// Class, kind of site, kind of caller, callee's convention and kind of value.
fn fingerprint(vm: &Vm, problem: &Problem) -> String {
    let mut parts = vec![problem.class.name()];
    let Some(index) = problem.event else {
        parts.push("final-state");
        return parts.join(".");
    };
    match &vm.scenario.script[index] {
        Event::Load(_) => parts.push("load"),
        Event::Prepare(_) => parts.push("prepare"),
        Event::Touch(_) => parts.push("touch"),
        Event::Take { site, .. } | Event::Call(Call { site, .. }) => {
            parts.extend(site_kind(vm, *site));
            let pointer = vm.observation.events.get(index).and_then(|e| e.pointer);
            if let Some(word) = pointer {
                parts.push(classify(vm, word, vm.observation.finals.table_len).kind());
            }
        }
    }
    parts.join(".")
}

fn site_kind(vm: &Vm, site: SiteId) -> [&'static str; 2] {
    let site = vm.scenario.layout.site(site);
    let action = match site.action {
        Action::Direct { .. } => "direct",
        Action::ManagedCalli(_) => "managed-calli",
        Action::UnmanagedCalli(_) => "unmanaged-calli",
        Action::Ldftn(_) => "ldftn",
    };
    let caller = match site.caller {
        Caller::ReadyToRun(_) => "r2r",
        Caller::Interpreter(_) => "interpreter",
        Caller::Native => "native",
    };
    [action, caller]
}
