//! Entry points of every kind of callee, state by state.

use crate::image::ModuleId;
use crate::image::pep::DATA;
use crate::loader::Fixed;
use crate::loader::trace::Step;
use crate::scenario::AssemblyId;

use crate::tests::util::{Finished, run_text};

const PROGRAM: &str = r#"
[assemblies]
A = {}
B = {}

[methods]
Compiled = { in = "A", code = "r2r", signature = "int (int)" }
Plain = { in = "A", code = "interpreted", signature = "long (double)" }
Rejected = { in = "A", code = "rejected", signature = "int (int)" }
Sqrt = { in = "A", code = "native", signature = "double (double)" }
GetErrNo = { in = "A", code = "native", signature = "int ()", pinvoke = true }
UcoCompiled = { in = "A", code = "r2r", signature = "int (int)", uco = true }
UcoPlain = { in = "A", code = "interpreted", signature = "int (int)", uco = true }
First = { in = "A", code = "interpreted", signature = "int (int)", form = "dynamic" }
Second = { in = "A", code = "interpreted", signature = "int (int)", form = "dynamic" }

[sites]
CallCompiled = { in = "A", direct = "Compiled" }
CallPlain = { in = "A", direct = "Plain" }
CallRejected = { in = "A", direct = "Rejected" }
TakeSqrt = { in = "A", ldftn = "Sqrt" }
CallSqrt = { in = "A", direct = "Sqrt" }
TakeGetErrNo = { in = "A", ldftn = "GetErrNo" }
CallGetErrNo = { in = "A", direct = "GetErrNo" }
PInvokeGetErrNo = { in = "A", pinvoke = "GetErrNo" }
TakeUcoCompiled = { in = "A", ldftn = "UcoCompiled" }
TakeUcoPlain = { in = "A", ldftn = "UcoPlain" }
CallUco = { native = "int (int)" }
TakeFirst = { in = "A", by = "interpreter", ldftn = "First" }
TakeSecond = { in = "A", by = "interpreter", ldftn = "Second" }
Calli = { in = "A", calli = "int (int)" }
OverPlain = { in = "A", by = "interpreter", delegate = "Plain" }
Invoke = { in = "B", invoke = "long (double)" }
"#;

const LOAD: &str = r#"{ load = "A" }"#;
const LOAD_B: &str = r#"{ load = "B" }"#;

fn run_in(options: &str, events: &[&str]) -> Finished {
    let program = format!("calliper = 1\ntitle = \"callees\"\n{options}\n{PROGRAM}");
    let events: Vec<&str> = [LOAD].into_iter().chain(events.iter().copied()).collect();
    let finished = run_text(&program, &events, &Fixed);
    assert_eq!(finished.vm.observation.trap, None);
    finished
}

fn run(events: &[&str]) -> Finished {
    run_in("", events)
}

/// The words of a method after each of the events, that of nothing but the load included.
fn states(method: &str, events: &[&str]) -> Vec<String> {
    (0..=events.len()).map(|n| run(&events[..n]).words_of(method)).collect()
}

#[test]
fn an_fcall_has_its_thunk_until_the_first_call() {
    let events = [
        r#"{ take = "TakeSqrt", into = "m" }"#,
        r#"{ call = "CallSqrt", args = [2.0] }"#,
        r#"{ touch = "Sqrt" }"#,
    ];
    let thunk = "WasmR2RToInterpreterThunk(ddp)";
    assert_eq!(
        states("Sqrt", &events),
        [
            "0, MD of Sqrt, 0, 0",
            &format!("{thunk}, MD of Sqrt, 0, 6"),
            "Program::Sqrt, MD of Sqrt, 0, 2",
            "Program::Sqrt, MD of Sqrt, 0, 2",
        ]
    );
}

#[test]
fn a_pinvokes_entry_point_is_never_prepared() {
    let events = [
        r#"{ call = "PInvokeGetErrNo" }"#,
        r#"{ take = "TakeGetErrNo", into = "m" }"#,
        r#"{ call = "CallGetErrNo" }"#,
        r#"{ prepare = "GetErrNo" }"#,
    ];
    let with_thunk = "WasmR2RToInterpreterThunk(ip), MD of GetErrNo, 0, 6";
    let cold = "0, MD of GetErrNo, 0, 0";
    let expected = [cold, cold, with_thunk, with_thunk, with_thunk];
    assert_eq!(states("GetErrNo", &events), expected);
}

#[test]
fn a_rejected_body_is_never_published() {
    let events =
        [r#"{ prepare = "Rejected" }"#, r#"{ call = "CallRejected", args = [0x11223344] }"#];
    assert_eq!(
        states("Rejected", &events),
        [
            "0, MD of Rejected, 0, 0",
            "0, MD of Rejected, IR, 0",
            "WasmR2RToInterpreterThunk(iip), MD of Rejected, IR, 4",
        ]
    );
    let vm = run(&events[..1]).vm;
    assert!(vm.trace.iter().any(|step| matches!(step, Step::Rejected { .. })));
}

#[test]
fn a_stub_waits_for_an_image_that_brings_its_thunk() {
    let take = r#"{ take = "OverPlain", into = "d" }"#;
    let words = |run: &Finished| run.words(run.word(run.variable("d") + 12));
    assert_eq!(words(&run(&[take])), "0, MD of Plain's shuffle thunk, 0, 0");
    let loaded = run(&[take, LOAD_B]);
    let thunk = "WasmR2RToInterpreterThunk(lTdp)";
    assert_eq!(words(&loaded), format!("{thunk}, MD of Plain's shuffle thunk, 0, 4"));
    let invoke = r#"{ call = "Invoke", through = "d", args = [1.5] }"#;
    let invoked = run(&[take, LOAD_B, invoke]);
    assert_eq!(words(&invoked), format!("{thunk}, MD of Plain's shuffle thunk, IR, 4"));
    assert_eq!(invoked.ran(), ["Plain"]);
}

#[test]
fn a_reset_entry_point_keeps_a_thunk_only_if_it_had_code() {
    let without =
        [r#"{ prepare = "Plain" }"#, r#"{ reset = "Plain" }"#, r#"{ prepare = "Plain" }"#];
    let expected = ["0, MD of Plain, 0, 0", "0, MD of Plain, IR, 0"];
    assert_eq!(states("Plain", &without), [expected, expected].concat());
    // The byte code is the same as before: it hangs off the MethodDesc.
    let data = |events: &[&str]| {
        let run = run(events);
        run.word(run.pep("Plain") + DATA)
    };
    assert_eq!(data(&without[..1]), data(&without));

    let call = r#"{ call = "CallCompiled", args = [0x11223344] }"#;
    let body = "Program::Compiled, MD of Compiled, 0, 0";
    assert_eq!(
        states("Compiled", &[r#"{ prepare = "Compiled" }"#, r#"{ reset = "Compiled" }"#, call]),
        [
            "0, MD of Compiled, 0, 0",
            body,
            "WasmR2RToInterpreterThunk(iip), MD of Compiled, 0, 4",
            body,
        ]
    );
}

#[test]
fn a_recycled_dynamic_methods_entry_point_starts_anew_under_another_name() {
    let take_first = r#"{ take = "TakeFirst", into = "first" }"#;
    let call_first = r#"{ call = "Calli", through = "first", args = [0x11223344] }"#;
    let recycle = r#"{ recycle = "First", as = "Second" }"#;
    let before = run(&[take_first, call_first]);
    let thunk = "WasmR2RToInterpreterThunk(iip)";
    assert_eq!(before.words_of("First"), format!("{thunk}, MD of First, IR, 6"));
    let after = run(&[take_first, call_first, recycle]);
    // No thunk is put back: nothing may rely on the old one.
    assert_eq!(after.words_of("Second"), "0, MD of Second, 0, 0");
    assert_eq!(after.pep("Second"), before.pep("First"));
    assert!(after.vm.method(after.method("First")).is_none());
    let take_second = r#"{ take = "TakeSecond", into = "second" }"#;
    let call_second = r#"{ call = "Calli", through = "second", args = [0x11223344] }"#;
    let called = run(&[take_first, call_first, recycle, take_second, call_second]);
    assert_eq!(called.variable("first"), called.variable("second"));
    assert_eq!(called.ran(), ["First", "Second"]);
}

#[test]
fn with_ready_to_run_off_nothing_of_an_image_is_published() {
    let off = |events: &[&str]| run_in("ready-to-run = false", events);
    let touched = off(&[r#"{ touch = "Compiled" }"#, r#"{ touch = "Plain" }"#]);
    assert_eq!(touched.words_of("Compiled"), "0, MD of Compiled, 0, 0");
    assert_eq!(touched.words_of("Plain"), "0, MD of Plain, 0, 0");
    let called = off(&[r#"{ call = "CallCompiled", args = [0x11223344] }"#]);
    assert_eq!(called.words_of("Compiled"), "0, MD of Compiled, IR, 0");
    // Cells are as the image has them: null, or the address of a record in it.
    let image = called.vm.images()[AssemblyId(0)].expect("loaded");
    let size = called.vm.emission.program.images[ModuleId(0)].payload.len() as u32;
    let base = image.image_base.get();
    let payload = base..base + size;
    for &(_, rva, value) in &called.vm.observation.finals.cells {
        assert!(value == 0 || payload.contains(&value), "{rva}: {value:#x}");
    }
}

#[test]
fn uco_flags_stay() {
    let compiled = [
        r#"{ touch = "UcoCompiled" }"#,
        r#"{ take = "TakeUcoCompiled", into = "u" }"#,
        r#"{ call = "CallUco", through = "u", args = [0x11223344] }"#,
        r#"{ prepare = "UcoCompiled" }"#,
        r#"{ touch = "UcoCompiled" }"#,
    ];
    let known = "WasmR2RToInterpreterThunk(iip), MD of UcoCompiled, 0, 7";
    assert_eq!(
        states("UcoCompiled", &compiled),
        [
            "0, MD of UcoCompiled, 0, 0",
            "WasmR2RToInterpreterThunk(iip), MD of UcoCompiled, 0, 4",
            known,
            known,
            known,
            known,
        ]
    );
    assert_eq!(
        states("UcoCompiled", &compiled[1..]),
        ["0, MD of UcoCompiled, 0, 0"]
            .into_iter()
            .chain(["Program::UcoCompiled, MD of UcoCompiled, 0, 3"; 4])
            .collect::<Vec<_>>()
    );
    let plain = [
        r#"{ take = "TakeUcoPlain", into = "u" }"#,
        r#"{ call = "CallUco", through = "u", args = [0x11223344] }"#,
        r#"{ take = "TakeUcoPlain", into = "u" }"#,
    ];
    assert_eq!(
        states("UcoPlain", &plain),
        [
            "0, MD of UcoPlain, 0, 0",
            "Call_UcoPlain, MD of UcoPlain, 0, 3",
            "Call_UcoPlain, MD of UcoPlain, IR, 3",
            "Call_UcoPlain, MD of UcoPlain, IR, 3",
        ]
    );
}
