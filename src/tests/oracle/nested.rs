//! Calls inside calls, objects, stubs, delegates and hidden arguments.

use std::sync::Arc;

use crate::abi::ValType;
use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::image::code::{Global, Op};
use crate::image::emission::{CallerCode, Emission, Role};
use crate::image::helpers::Helper;
use crate::judge::Judge;
use crate::loader::callee::Callee;
use crate::loader::decisions::KeyRequest;
use crate::loader::{Fixed, Loader};
use crate::scenario::meaning::{CONTINUATION, object_address};
use crate::scenario::{ClassId, MethodId, Scenario, SiteId, text};
use crate::verdict::FindingClass;

use super::{alter, headlines_of};

const PROGRAM: &str = r#"
calliper = 1
title = "calls inside calls, and what they are handed"

[assemblies]
A = {}

[classes]
Base = { in = "A" }

[methods]
Outer = { in = "A", code = "r2r", signature = "int (int)" }
Middle = { in = "A", code = "interpreted", signature = "long (long)" }
Inner = { in = "A", code = "r2r", signature = "double (double)" }
Foo = { in = "A", code = "r2r", signature = "instance int (int)", class = "Base", virtual = true }
Shared = { in = "A", code = "r2r", signature = "generic int (int)" }
Async = { in = "A", code = "r2r", signature = "async int ()" }
Native = { in = "A", code = "native", signature = "int (int)", pinvoke = true }

[sites]
CallOuter = { in = "A", direct = "Outer" }
CallMiddle = { in = "A", by = "interpreter", direct = "Middle" }
CallInner = { in = "A", direct = "Inner" }
CallFoo = { in = "A", virtual = "Foo" }
OverOuter = { in = "A", delegate = "Outer" }
CallShared = { in = "A", direct = "Shared" }
Resume = { resume = "Async" }
PInvoke = { in = "A", pinvoke = "Native" }
PInvokeInterpreted = { in = "A", by = "interpreter", pinvoke = "Native" }

[script]
events = [
    { load = "A" },
    { call = "CallOuter", args = [0x11223344], inside = [
        { call = "CallMiddle", args = [0x0123456789abcdef], inside = [
            { call = "CallInner", args = [1.5] },
        ] },
        { call = "PInvokeInterpreted", args = [0x21436587] },
    ] },
    { call = "CallFoo", this = "Base", args = [0x55667788] },
    { take = "OverOuter", into = "d" },
    { call = "CallShared", args = [0x11335577] },
    { call = "Resume" },
    { call = "PInvoke", args = [0x22446688] },
]
"#;

const INNER: Role = Role::Body(MethodId(2));

#[track_caller]
fn all_find(class: FindingClass, loader: &'static dyn Loader, plant: impl Fn(&mut Emission)) {
    let scenario: Scenario = text::parse("nested.toml", PROGRAM.as_bytes()).expect("valid");
    let headlines = headlines_of(&Arc::new(scenario), loader, plant);
    assert!(headlines.iter().all(|&h| h == Some(class)), "{class}: {headlines:?}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let scenario: Scenario = text::parse("nested.toml", PROGRAM.as_bytes()).expect("valid");
    let headlines = headlines_of(&Arc::new(scenario), &Fixed, |_| ());
    assert!(headlines.iter().all(Option::is_none), "{headlines:?}");
}

/// The seed bug inside a call that goes through a pointer of its own.
const POINTERS: &str = r#"
calliper = 1
title = "an unmanaged call inside a managed one, each through a pointer"

[assemblies]
A = {}

[methods]
Uco = { in = "A", code = "interpreted", signature = "int (int)", uco = true }
Outer = { in = "A", code = "r2r", signature = "void ()" }
Plain = { in = "A", code = "interpreted", signature = "int (int)" }

[sites]
TakeUco = { in = "A", ldftn = "Uco" }
TakeOuter = { in = "A", ldftn = "Outer" }
CallUco = { in = "A", unmanaged = "int (int)" }
CallOuter = { in = "A", calli = "void ()" }
CallPlain = { in = "A", direct = "Plain" }

[script]
events = [
    { load = "A" },
    { take = "TakeOuter", into = "outer" },
    { take = "TakeUco", into = "uco" },
    { call = "CallOuter", through = "outer", inside = [
        { call = "CallUco", through = "uco", args = [0x11] },
    ] },
]
"#;

#[test]
fn the_value_of_an_inner_call_is_its_own() {
    let scenario = Arc::new(text::parse("pointers.toml", POINTERS.as_bytes()).expect("valid"));
    let loader = Fault::find("issue-129857").expect("there is such a fault").loader;
    let verdicts = Judge::new(&[EngineKind::PAPER]).judge(&scenario, loader).expect("it runs");
    let finding = &verdicts[0].findings[0];
    let print = "signature-mismatch.unmanaged-calli.r2r.r2r-to-interpreter-thunk";
    assert_eq!(finding.fingerprint, print, "{}", finding.account);
    let value = finding.account.lines().find(|line| line.starts_with("  value"));
    let value = value.expect("it was called through a value");
    assert!(value.contains("function") && value.contains("of A"), "{value}");
}

#[test]
fn an_inner_caller_that_calls_nobody() {
    all_find(FindingClass::WrongCallee, &Fixed, |emission| {
        alter(emission, &Role::Caller(SiteId(2)), Vec::clear);
    });
}

#[test]
fn an_inner_callee_that_returns_something_else() {
    all_find(FindingClass::WrongResult, &Fixed, |emission| {
        alter(emission, &INNER, |code| {
            let Some(Op::Load(_, offset)) = code.last_mut() else { panic!("the result is loaded") };
            *offset -= 8;
        });
    });
}

#[test]
fn an_inner_callee_that_overwrites_the_outer_callers_argument() {
    all_find(FindingClass::StrayWrite, &Fixed, |emission| {
        let argument = emission.facts.map.frame(0).at(crate::image::map::FRAME_ARGUMENTS);
        let write =
            [Op::I32Const(argument.get() as i32), Op::I32Const(1), Op::Store(ValType::I32, 0)];
        alter(emission, &INNER, |code| drop(code.splice(0..0, write)));
    });
}

#[test]
fn a_body_that_writes_into_an_object() {
    all_find(FindingClass::StrayWrite, &Fixed, |emission| {
        let field = object_address(ClassId(0)) + 8;
        let write = [Op::I32Const(field as i32), Op::I32Const(1), Op::Store(ValType::I32, 0)];
        alter(emission, &INNER, |code| drop(code.splice(0..0, write)));
    });
}

/// Looks thunks of stubs up by the key of another signature.
#[derive(Debug)]
struct StubKey;

impl Loader for StubKey {
    fn id(&self) -> &'static str {
        "stub-key"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        match request.callee {
            Some(Callee::Stub(_)) if request.prefix == 'I' => "Iddp".to_owned(),
            _ => request.key(),
        }
    }
}

#[test]
fn a_stub_whose_entry_point_has_a_thunk_of_another_type_and_is_never_called() {
    all_find(FindingClass::Resolution, &StubKey, |_| ());
}

#[test]
fn a_delegate_that_is_never_made() {
    all_find(FindingClass::Resolution, &Fixed, |emission| {
        alter(emission, &Role::Helper(Helper::DelegateConstruct), Vec::clear);
    });
}

#[test]
fn a_lookup_that_gives_another_context() {
    all_find(FindingClass::WrongArguments, &Fixed, |emission| {
        alter(emission, &Role::Helper(Helper::GenericLookup), |code| {
            *code = vec![Op::I32Const(0x1234_5678)];
        });
    });
}

#[test]
fn a_method_that_is_resumed_with_another_continuation() {
    all_find(FindingClass::WrongArguments, &Fixed, |emission| {
        alter(emission, &Role::NativeCaller(SiteId(6)), |code| {
            let right = Op::I32Const(CONTINUATION as i32);
            let at = code.iter().position(|op| *op == right).expect("it is passed");
            code[at] = Op::I32Const(CONTINUATION as i32 + 16);
        });
    });
}

/// What an R2R caller may leave published, an interpreted one may not.
#[test]
fn a_frame_that_an_interpreted_caller_leaves_published() {
    all_find(FindingClass::StackPointer, &Fixed, |emission| {
        let Some(CallerCode::Compiled { frame_size, .. }) = emission.caller(SiteId(7)) else {
            panic!("the R2R site has a compiled caller")
        };
        let frame = frame_size as i32;
        let publish = [
            Op::GlobalGet(Global::StackPointer),
            Op::I32Const(frame),
            Op::I32Sub,
            Op::GlobalSet(Global::StackPointer),
        ];
        alter(emission, &Role::InterpreterToNative("ii".into()), |code| code.extend(publish));
    });
}
