//! Entry points of what is no plain managed method.

use crate::image::FunctionId;
use crate::loader::Fixed;

use crate::tests::util::{Finished, run_text};

const PROGRAM: &str = r#"
calliper = 1
title = "what was measured of methods"
ready-to-run = false

[assemblies]
A = {}

[methods]
Static = { in = "A", code = "interpreted", signature = "int (int, int)" }
Compiled = { in = "A", code = "r2r", signature = "int (int, int)" }
Sqrt = { in = "A", code = "native", signature = "double (double)" }
GetErrNo = { in = "A", code = "native", signature = "int ()", pinvoke = true }
OfString = { in = "A", code = "interpreted", signature = "generic int (int)" }
OfObject = { in = "A", code = "interpreted", signature = "generic int (int)" }
Constructor = { in = "A", code = "interpreted", signature = "void ()" }

[sites]
TakeStatic = { in = "A", by = "interpreter", ldftn = "Static" }
TakeCompiled = { in = "A", ldftn = "Compiled" }
CalliOfCompiled = { in = "A", calli = "int (int, int)" }
TakeSqrt = { in = "A", by = "interpreter", ldftn = "Sqrt" }
CallSqrt = { in = "A", by = "interpreter", direct = "Sqrt" }
TakeGetErrNo = { in = "A", by = "interpreter", ldftn = "GetErrNo" }
CalliGetErrNo = { in = "A", by = "interpreter", calli = "int ()" }
CallGetErrNo = { in = "A", by = "interpreter", direct = "GetErrNo" }
PInvokeGetErrNo = { in = "A", by = "interpreter", pinvoke = "GetErrNo" }
Suppressed = { in = "A", by = "interpreter", pinvoke = "GetErrNo", suppress-gc-transition = true }
TakeOfString = { in = "A", by = "interpreter", ldftn = "OfString" }
TakeOfObject = { in = "A", by = "interpreter", ldftn = "OfObject" }
CalliGeneric = { in = "A", by = "interpreter", calli = "int (int)" }
RunConstructor = { class-constructor = "Constructor" }
"#;

fn run(events: &[&str]) -> Finished {
    let load = [r#"{ load = "A" }"#];
    let events: Vec<&str> = load.into_iter().chain(events.iter().copied()).collect();
    let finished = run_text(PROGRAM, &events, &Fixed);
    assert_eq!(finished.vm.observation.trap, None);
    finished
}

#[test]
fn where_ready_to_run_is_off_compiled_methods_and_sites_give_the_same_words() {
    let take = r#"{ take = "TakeCompiled", into = "m" }"#;
    let calli = r#"{ call = "CalliOfCompiled", through = "m", args = [0x11223344, 0x55667788] }"#;
    assert_eq!(run(&[take]).words_of("Compiled"), "0, MD of Compiled, 0, 2");
    assert_eq!(run(&[take, calli]).words_of("Compiled"), "0, MD of Compiled, IR, 2");
}

#[test]
fn an_fcall() {
    let take = r#"{ take = "TakeSqrt", into = "m" }"#;
    let call = r#"{ call = "CallSqrt", args = [2.0] }"#;
    assert_eq!(run(&[take]).words_of("Sqrt"), "0, MD of Sqrt, 0, 2");
    let called = run(&[take, call]);
    assert_eq!(called.words_of("Sqrt"), "Program::Sqrt, MD of Sqrt, 0, 2");
    assert!(called.is_host_slot(called.word(called.pep("Sqrt"))));
}

#[test]
fn a_pinvoke_keeps_its_words() {
    let take = r#"{ take = "TakeGetErrNo", into = "m" }"#;
    let calls = [
        r#"{ call = "CalliGetErrNo", through = "m" }"#,
        r#"{ call = "CallGetErrNo" }"#,
        r#"{ call = "PInvokeGetErrNo" }"#,
        r#"{ call = "Suppressed" }"#,
    ];
    for events in (0..=calls.len()).map(|n| [&[take], &calls[..n]].concat()) {
        let finished = run(&events);
        assert_eq!(finished.words_of("GetErrNo"), "0, MD of GetErrNo, 0, 2", "{events:?}");
        assert_eq!(finished.ran().len(), events.len() - 1);
    }
    // The native target is a raw table index, of the runtime's own.
    let vm = run(&[take]).vm;
    let role = crate::image::emission::Role::Body(crate::scenario::MethodId(3));
    let target = vm.emission.runtime_slot(&role).expect("the runtime has the function");
    let program = &vm.emission.program;
    let function = target.behind(program.host_base()).expect("it is the host's");
    let function = &program.runtime.functions[FunctionId(function)];
    assert_eq!(program.types[function.ty].to_string(), "()->i32");
}

/// `&G<string>.F` and `&G<object>.F`: the model has one method for each instantiation.
#[test]
fn pointers_to_shared_generic_code_are_those_of_instantiating_stubs() {
    let string = r#"{ take = "TakeOfString", into = "string" }"#;
    let object = r#"{ take = "TakeOfObject", into = "object" }"#;
    let call = |variable| {
        format!(r#"{{ call = "CalliGeneric", through = "{variable}", args = [0x11223344] }}"#)
    };
    let taken = run(&[string, object]);
    let peps = ["string", "object"].map(|name| taken.variable(name));
    assert_ne!(peps[0], peps[1]);
    let stubs = ["OfString's instantiating stub", "OfObject's instantiating stub"];
    let called = run(&[string, object, &call("string"), &call("object")]);
    for (pep, stub) in peps.into_iter().zip(stubs) {
        assert_eq!(taken.words(pep), format!("0, MD of {stub}, 0, 2"));
        assert_eq!(called.words(pep), format!("0, MD of {stub}, IR, 2"));
    }
    assert_eq!(called.ran(), ["OfString", "OfObject"]);
}

/// That the first call runs the constructor was measured too; in the model an event does.
#[test]
fn taking_a_pointer_runs_no_class_constructor() {
    let take = r#"{ take = "TakeStatic", into = "m" }"#;
    let taken = run(&[take]);
    assert_eq!(taken.ran(), [""; 0]);
    assert_eq!(taken.words_of("Constructor"), "0, MD of Constructor, 0, 0");
    let constructed = run(&[take, r#"{ call = "RunConstructor" }"#]);
    assert_eq!(constructed.ran(), ["Constructor"]);
    assert_eq!(constructed.words_of("Constructor"), "0, MD of Constructor, IR, 0");
}
