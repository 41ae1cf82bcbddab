//! Compares a run with the reference, event by event and call by call.

use std::ops::Range;

use super::arguments::{hex, wrong_arguments};
use super::class::Class;
use super::finals::compare_finals;
use super::finding::{Finding, finding};
use super::pointer::wrong_pointer;
use super::problem::Problem;
use super::run::Run;
use crate::image::words::FunctionPointer;
use crate::loader::Vm;
use crate::loader::observation::{Entry, EventObservation};
use crate::reference::{Expectation, ExpectedCall, ExpectedEvent};
use crate::scenario::{Action, MethodId, SiteId};

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
            let word = event.pointer.unwrap_or(FunctionPointer::NULL);
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
