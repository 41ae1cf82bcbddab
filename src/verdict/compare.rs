//! Compares a run with the reference, event by event and call by call.

use std::ops::Range;

use super::arguments::{hex, wrong_arguments};
use super::class::FindingClass;
use super::finals::compare_finals;
use super::finding::{Finding, finding};
use super::mismatch::Mismatch;
use super::pointer::wrong_pointer;
use super::run::Run;
use crate::image::emission::CallerCode;
use crate::image::words::FunctionPointer;
use crate::loader::Vm;
use crate::loader::observation::{Entry, EventObservation};
use crate::reference::{Expectation, ExpectedCall, ExpectedEvent};
use crate::scenario::{MethodId, SiteId};

/// Everything that is wrong with a run, gravest first; empty if it agrees with the reference.
pub fn findings(run: &Run, expected: &Expectation) -> Vec<Finding> {
    let mut mismatches = Vec::new();
    let seen = &run.vm.observation;
    for (i, (event, want)) in seen.events.iter().zip(&expected.events).enumerate() {
        let last = i + 1 == seen.events.len();
        if last && let Some(trap) = seen.trap {
            mismatches.push(Mismatch {
                class: FindingClass::of_trap(trap),
                event: Some(i),
                call: run.vm.innermost_call(),
                what: format!("the process dies: {trap}"),
            });
        } else {
            compare_event(run, i, event, want, expected, &mut mismatches);
            compare_stack_pointers(run, i, event, expected, &mut mismatches);
        }
        if let Some(stray) = event.stray_write {
            let what = format!(
                "{:#x} ({:?}) holds {:#04x}, not {:#04x}",
                stray.address, stray.place, stray.found, stray.expected
            );
            let class = FindingClass::StrayWrite;
            mismatches.push(Mismatch { class, event: Some(i), call: first_call(event), what });
        }
    }
    if seen.trap.is_none() {
        compare_finals(run, &mut mismatches);
    }
    mismatches.sort_by_key(|p| (p.class, p.event));
    mismatches.iter().map(|mismatch| finding(run, expected, mismatch)).collect()
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
    mismatches: &mut Vec<Mismatch>,
) {
    let quiet = event.entries.is_empty() && event.calls.is_empty();
    let mismatch = match want {
        ExpectedEvent::Quiet | ExpectedEvent::Pointer(_) if !quiet => {
            Some((FindingClass::WrongCallee, None, "a body ran where none is called".to_owned()))
        }
        ExpectedEvent::Quiet => None,
        ExpectedEvent::Pointer(held) => {
            let word = event.pointer.unwrap_or(FunctionPointer::NULL);
            wrong_pointer(run.vm, *held, word).map(|what| (FindingClass::Resolution, None, what))
        }
        ExpectedEvent::Calls(calls) => compare_calls(run, event, calls.clone(), expected),
    };
    if let Some((class, call, what)) = mismatch {
        mismatches.push(Mismatch { class, event: Some(index), call, what });
    }
}

/// The first call of an event that went wrong. Calls come in the order in which
/// they began, on both sides.
fn compare_calls(
    run: &Run,
    event: &EventObservation,
    calls: Range<usize>,
    expected: &Expectation,
) -> Option<(FindingClass, Option<usize>, String)> {
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
    more.then(|| (FindingClass::WrongCallee, Some(calls.start), "other calls were made".to_owned()))
}

fn wrong_call<'e>(
    vm: &Vm,
    entries: impl Iterator<Item = &'e Entry>,
    want: &ExpectedCall,
    index: usize,
    expected: &Expectation,
) -> Option<(FindingClass, String)> {
    let seen = &vm.observation;
    let name = |m: MethodId| &vm.scenario.layout.method(m).name;
    let mut entries = entries.peekable();
    let first = entries.next();
    let (Some(entry), true) = (first, entries.peek().is_none()) else {
        let ran: Vec<&str> =
            first.into_iter().chain(entries).map(|e| name(e.method).as_str()).collect();
        let what = format!("{} should run once; ran: {ran:?}", name(want.callee));
        return Some((FindingClass::WrongCallee, what));
    };
    if entry.method != want.callee {
        let what = format!("{} should run; {} did", name(want.callee), name(entry.method));
        return Some((FindingClass::WrongCallee, what));
    }
    let depth = seen.calls.get(index).map_or(0, |call| call.depth);
    let got = &seen.bytes[entry.arguments.clone()];
    let arguments = &expected.bytes[want.arguments.clone()];
    if let Some(what) = wrong_arguments(vm, entry, got, arguments, depth) {
        return Some((FindingClass::WrongArguments, what));
    }
    let result = seen.calls.get(index).and_then(|call| call.result.clone()).unwrap_or(0..0);
    let (got, want) = (&seen.bytes[result], &expected.bytes[want.result.clone()]);
    let differs = got != want;
    differs.then(|| {
        let what = format!("the caller sees {}, not {}", hex(got), hex(want));
        (FindingClass::WrongResult, what)
    })
}

/// `__stack_pointer` on both sides of each call, and of everything else.
fn compare_stack_pointers(
    run: &Run,
    index: usize,
    event: &EventObservation,
    expected: &Expectation,
    mismatches: &mut Vec<Mismatch>,
) {
    let mut check = |call: Option<usize>, (before, after): (u32, u32), published: u32| {
        if after != before && after != before.wrapping_sub(published) {
            let what = format!("__stack_pointer is {after:#x} afterwards and was {before:#x}");
            mismatches.push(Mismatch {
                class: FindingClass::StackPointer,
                event: Some(index),
                call,
                what,
            });
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
    match vm.scenario.layout.site(site).action.kind().is_unmanaged() {
        true => match vm.emission.caller(site) {
            Some(CallerCode::Compiled { frame_size, .. }) => frame_size,
            Some(CallerCode::Runtime(_)) | None => 0,
        },
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Trap;
    use crate::image::emission::Emission;
    use crate::image::words::Address;
    use crate::loader::Fixed;
    use crate::loader::observation::{CallObservation, Observation};
    use crate::reference;
    use crate::scenario::text;

    const PROGRAM: &str = r#"
calliper = 1
title = "one call, well or badly observed"
[assemblies]
A = {}
[methods]
Add = { in = "A", code = "interpreted", signature = "int (int, long)" }
Other = { in = "A", code = "interpreted", signature = "int (int, long)" }
Uco = { in = "A", code = "r2r", signature = "int (int, long)", uco = true }
[sites]
CallAdd = { in = "A", direct = "Add" }
CallUco = { in = "A", unmanaged = "int (int, long)" }
[script]
events = [
    { load = "A" },
    { call = "CallAdd", args = [0x11223344, 0x55667788] },
]
"#;

    const OTHER: MethodId = MethodId(1);
    const CALL_UCO: SiteId = SiteId(1);

    fn vm() -> Vm {
        let scenario = text::parse("test.toml", PROGRAM.as_bytes()).expect("it is valid");
        let emission = Arc::new(Emission::new(&scenario.layout));
        Vm::new(Arc::new(scenario), emission, &Fixed)
    }

    /// An observation that is what the scenario means, with what `spoil` does to it.
    fn classes(spoil: impl FnOnce(&mut Observation)) -> Vec<FindingClass> {
        let mut vm = vm();
        let expected = reference::expect(&vm.scenario);
        let want = &expected.calls[0];
        let stack_top = vm.facts.map.stack_top;
        let seen = &mut vm.observation;
        seen.bytes.clone_from(&expected.bytes);
        seen.events = vec![
            EventObservation::quiet(),
            EventObservation { calls: 0..1, entries: 0..1, ..EventObservation::quiet() },
        ];
        seen.calls = vec![CallObservation {
            depth: 0,
            pointer: None,
            result: Some(want.result.clone()),
            stack_pointer: (0x100, 0x100),
        }];
        seen.entries = vec![Entry {
            call: Some(0),
            method: want.callee,
            stack_pointer: stack_top,
            arguments: want.arguments.clone(),
            ..Entry::default()
        }];
        spoil(seen);
        let run = Run { vm: &vm, memory: &[] };
        findings(&run, &expected).into_iter().map(|finding| finding.class).collect()
    }

    #[test]
    fn what_is_as_it_must_be_is_no_finding() {
        assert_eq!(classes(|_| ()), []);
    }

    #[test]
    fn a_call_must_run_its_callee_once() {
        let wrong = [FindingClass::WrongCallee];
        assert_eq!(classes(|seen| seen.entries[0].method = OTHER), wrong);
        assert_eq!(classes(|seen| seen.events[1].entries = 0..0), wrong);
        let twice = |seen: &mut Observation| {
            seen.entries.push(seen.entries[0].clone());
            seen.events[1].entries = 0..2;
        };
        assert_eq!(classes(twice), wrong);
        assert_eq!(classes(|seen| seen.events[0].entries = 0..1), wrong, "and no one else");
    }

    #[test]
    fn a_callee_must_see_what_was_passed() {
        let wrong = [FindingClass::WrongArguments];
        assert_eq!(classes(|seen| seen.bytes[8] ^= 1), wrong);
        assert_eq!(classes(|seen| seen.entries[0].arguments = 0..8), wrong);
        assert_eq!(classes(|seen| seen.entries[0].return_buffer = Address::new(4)), wrong);
        assert_eq!(classes(|seen| seen.entries[0].stack_pointer -= 8), wrong, "not aligned");
        assert_eq!(classes(|seen| seen.entries[0].stack_pointer += 16), wrong, "out of the stack");
    }

    #[test]
    fn a_caller_must_see_the_answer() {
        let result = |seen: &Observation| seen.calls[0].result.clone().expect("it returned");
        let other = |seen: &mut Observation| {
            let at = result(seen).start;
            seen.bytes[at] ^= 1;
        };
        assert_eq!(classes(other), [FindingClass::WrongResult]);
        assert_eq!(classes(|seen| seen.calls[0].result = None), [FindingClass::WrongResult]);
    }

    #[test]
    fn the_gravest_finding_comes_first() {
        let both = |seen: &mut Observation| {
            seen.events[0].stack_pointer.1 = 0xf0;
            seen.entries[0].method = OTHER;
        };
        assert_eq!(classes(both), [FindingClass::WrongCallee, FindingClass::StackPointer]);
    }

    #[test]
    fn a_trap_is_told_instead_of_what_its_event_left() {
        let trap = |seen: &mut Observation| {
            seen.trap = Some(Trap::SignatureMismatch);
            seen.calls[0].result = None;
        };
        assert_eq!(classes(trap), [FindingClass::SignatureMismatch]);
    }

    #[test]
    fn the_stack_pointer_is_left_or_lower_by_a_published_frame() {
        let vm = vm();
        let frame = published_frame(&vm, CALL_UCO);
        assert!(frame > 0);
        let mut expected = reference::expect(&vm.scenario);
        expected.calls[0].site = CALL_UCO;
        for (after, good) in [(0x1000, true), (0x1000 - frame, true), (0x1010, false)] {
            let mut vm = self::vm();
            vm.observation.calls = vec![CallObservation {
                depth: 0,
                pointer: None,
                result: None,
                stack_pointer: (0x1000, after),
            }];
            let event = EventObservation { calls: 0..1, ..EventObservation::quiet() };
            let mut mismatches = Vec::new();
            let run = Run { vm: &vm, memory: &[] };
            compare_stack_pointers(&run, 1, &event, &expected, &mut mismatches);
            assert_eq!(mismatches.is_empty(), good, "{after:#x}");
        }
        assert_eq!(published_frame(&vm, SiteId(0)), 0, "a managed call publishes nothing");
    }
}
