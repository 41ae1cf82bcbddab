//! The oracle: what a scenario means, whatever the loader does.
//!
//! Call site *s* calls method *m* with arguments *a*: so *m* sees exactly *a*,
//! and the caller sees exactly *m*'s answer to *a*. Nothing here reads a portable
//! entry point, a cell, a table or a thunk key, and nothing is shared with the
//! loader model or with `abi`'s lowering: the [types](shape) that pointers
//! must have are worked out once more.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod shape;

use std::ops::Range;

use crate::abi::FuncType;
use crate::scenario::targets::{Held, Target, Variables};
use crate::scenario::{
    Action, Call, Convention, Event, Layout, MethodId, RuntimePath, Scenario, SiteId, meaning,
};

/// What must happen in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// One an event.
    pub events: Vec<ExpectedEvent>,
    /// Calls in the order in which they begin, calls inside others included.
    pub calls: Vec<ExpectedCall>,
    /// Argument and result bytes.
    pub bytes: Vec<u8>,
}

/// What must happen in one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedEvent {
    /// No body runs and no pointer is handed out.
    Quiet,
    /// A pointer or a delegate is handed out that leads to this.
    Pointer(Held),
    /// These of [`Expectation::calls`] are made, and no body runs but theirs.
    Calls(Range<usize>),
}

/// One call: exactly this method runs, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedCall {
    /// By which site.
    pub site: SiteId,
    pub callee: MethodId,
    /// What it sees: `this`, hidden arguments and the parameters, in [`Expectation::bytes`].
    pub arguments: Range<usize>,
    /// What the caller sees, in [`Expectation::bytes`].
    pub result: Range<usize>,
}

/// Works out what a scenario means. The scenario must be valid.
pub fn expect(scenario: &Scenario) -> Expectation {
    let events = scenario.script.len();
    let mut expectation = Expectation {
        events: Vec::with_capacity(events),
        calls: Vec::with_capacity(events),
        bytes: Vec::with_capacity(32 * events),
    };
    let mut variables = Variables::new(scenario);
    for event in &scenario.script {
        variables.step(event);
        let expected = match event {
            Event::Take { into, .. } => match variables.held(*into) {
                Some(held) => ExpectedEvent::Pointer(held),
                None => ExpectedEvent::Quiet,
            },
            Event::Call(call) => {
                let first = expectation.calls.len();
                expect_call(&scenario.layout, &variables, call, &mut expectation);
                ExpectedEvent::Calls(first..expectation.calls.len())
            }
            Event::Load(_)
            | Event::Prepare(_)
            | Event::Touch(_)
            | Event::Reset(_)
            | Event::Recycle { .. } => ExpectedEvent::Quiet,
        };
        expectation.events.push(expected);
    }
    expectation
}

fn expect_call(
    layout: &Layout,
    variables: &Variables<'_>,
    call: &Call,
    expectation: &mut Expectation,
) {
    let Some(target) = variables.target(call) else { return };
    let bytes = &mut expectation.bytes;
    let start = bytes.len();
    push_arguments(layout, call, target, bytes);
    let arguments = start..bytes.len();
    let result_start = bytes.len();
    let mut size = 0;
    if let Some((ty, word)) = meaning::result_word(layout, target.method, &bytes[start..]) {
        meaning::push_value(layout, ty, word, bytes);
        size = meaning::stack_size(layout, ty) as usize;
    }
    let result = result_start..result_start + size;
    let (site, callee) = (call.site, target.method);
    expectation.calls.push(ExpectedCall { site, callee, arguments, result });
    for inner in &call.inside {
        expect_call(layout, variables, inner, expectation);
    }
}

/// What the callee sees.
fn push_arguments(layout: &Layout, call: &Call, target: Target, bytes: &mut Vec<u8>) {
    let signature = &layout.method(target.method).signature;
    let mut word = |word: u32| bytes.extend_from_slice(&u64::from(word).to_le_bytes());
    if signature.instance {
        word(target.this.unwrap_or(0));
    }
    if signature.context {
        word(meaning::context_address(target.method));
    }
    if signature.continuation {
        let resumed = matches!(
            layout.site(call.site).action,
            Action::Runtime { path: RuntimePath::Resume, .. }
        );
        word(if resumed { meaning::CONTINUATION } else { 0 });
    }
    let bound = target.bound.map(u64::from);
    let own = call.args.iter().copied().skip(target.skipped);
    for (&ty, word) in signature.params.iter().zip(bound.into_iter().chain(own)) {
        meaning::push_value(layout, ty, word, bytes);
    }
}

/// The wasm type of the code that a pointer to this method must lead to.
pub fn pointer_type(layout: &Layout, method: MethodId) -> FuncType {
    let data = layout.method(method);
    match data.convention {
        Convention::UnmanagedCallersOnly => shape::of(layout, &data.signature, false),
        Convention::Managed | Convention::PInvoke => {
            shape::of(layout, &layout.pointer_signature(method), true)
        }
    }
}

/// The wasm type of the method's own body.
pub fn body_type(layout: &Layout, method: MethodId) -> FuncType {
    let data = layout.method(method);
    shape::of(layout, &data.signature, data.convention == Convention::Managed)
}

/// The wasm type that a site must call with.
pub fn site_type(layout: &Layout, site: SiteId) -> FuncType {
    let named = |method: MethodId| shape::of(layout, &layout.method(method).signature, true);
    match &layout.site(site).action {
        Action::Direct { callee: method, .. }
        | Action::Virtual { method, .. }
        | Action::Ldvirtftn(method) => named(*method),
        Action::Runtime { path: RuntimePath::Export, callee: method }
        | Action::PInvoke { callee: method, .. } => body_type(layout, *method),
        Action::Runtime { callee, .. } => named(*callee),
        Action::Ldftn(method) => pointer_type(layout, *method),
        Action::NewDelegate { method, closed } => {
            shape::of(layout, &layout.invoke_signature(*method, *closed).as_instance(), true)
        }
        Action::ManagedCalli(signature) => shape::of(layout, signature, true),
        Action::UnmanagedCalli(signature) => shape::of(layout, signature, false),
        Action::Invoke(signature) => shape::of(layout, &signature.as_instance(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::targets::HeldKind;
    use crate::scenario::text;

    const PROGRAM: &str = r#"
calliper = 1
title = "what is expected of calls"
[assemblies]
A = {}
[structs]
S8 = { size = 8, align = 4 }
[classes]
Base = { in = "A" }
Derived = { in = "A", base = "Base" }
[methods]
Outer = { in = "A", code = "r2r", signature = "int (int)" }
Inner = { in = "A", code = "interpreted", signature = "void (long)" }
Uco = { in = "A", code = "r2r", signature = "S8 (int)", uco = true }
Foo = { in = "A", code = "r2r", signature = "instance int (int)", class = "Base", virtual = true }
DerivedFoo = { in = "A", code = "r2r", signature = "instance int (int)", class = "Derived", overrides = "Foo" }
Shared = { in = "A", code = "r2r", signature = "instance generic long (int)", class = "Base" }
Async = { in = "A", code = "r2r", signature = "async int ()" }
Closed = { in = "A", code = "r2r", signature = "int (object, int)" }
[sites]
CallOuter = { in = "A", direct = "Outer" }
CallInner = { in = "A", direct = "Inner" }
TakeUco = { in = "A", ldftn = "Uco" }
CallUco = { in = "A", unmanaged = "S8 (int)" }
CallFoo = { in = "A", virtual = "Foo" }
CallShared = { in = "A", direct = "Shared" }
CallAsync = { in = "A", direct = "Async" }
Resume = { resume = "Async" }
Over = { in = "A", delegate = "Closed", closed = true }
Invoke = { in = "A", invoke = "int (int)" }
Calli = { in = "A", calli = "int (int)" }
Export = { export = "Uco" }
"#;

    const OUTER: MethodId = MethodId(0);
    const INNER: MethodId = MethodId(1);
    const UCO: MethodId = MethodId(2);
    const DERIVED_FOO: MethodId = MethodId(4);
    const SHARED: MethodId = MethodId(5);
    const ASYNC: MethodId = MethodId(6);
    const CLOSED: MethodId = MethodId(7);

    fn scenario(events: &[&str]) -> Scenario {
        let events = events.join(",\n");
        let text = format!("{PROGRAM}[script]\nevents = [\n{{ load = \"A\" }},\n{events}\n]\n");
        text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The callee of each call, and the words that it sees.
    fn seen(expectation: &Expectation) -> Vec<(MethodId, Vec<u64>)> {
        let words = |call: &ExpectedCall| {
            let chunks = expectation.bytes[call.arguments.clone()].chunks_exact(8);
            chunks.map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes"))).collect()
        };
        expectation.calls.iter().map(|call| (call.callee, words(call))).collect()
    }

    #[test]
    fn calls_stand_in_the_order_in_which_they_begin() {
        let outer = r#"{ call = "CallOuter", args = [0x11223344],
            inside = [{ call = "CallInner", args = [0x55667788] }] }"#;
        let take = r#"{ take = "TakeUco", into = "uco" }"#;
        let uco = r#"{ call = "CallUco", through = "uco", args = [0x13572468] }"#;
        let expectation = expect(&scenario(&[outer, take, uco]));
        let held = Held { method: UCO, kind: HeldKind::Pointer { boxed: false } };
        assert_eq!(
            expectation.events,
            [
                ExpectedEvent::Quiet,
                ExpectedEvent::Calls(0..2),
                ExpectedEvent::Pointer(held),
                ExpectedEvent::Calls(2..3),
            ]
        );
        assert_eq!(
            seen(&expectation),
            [(OUTER, vec![0x1122_3344]), (INNER, vec![0x5566_7788]), (UCO, vec![0x1357_2468])]
        );
    }

    #[test]
    fn a_caller_sees_the_callees_answer_to_what_it_saw() {
        let scenario = scenario(&[
            r#"{ call = "CallOuter", args = [0x11223344] }"#,
            r#"{ call = "CallInner", args = [0x55667788] }"#,
            r#"{ call = "Export", args = [0x13572468] }"#,
        ]);
        let expectation = expect(&scenario);
        for (call, bytes) in expectation.calls.iter().zip([4, 0, 8]) {
            let arguments = &expectation.bytes[call.arguments.clone()];
            let mut answer = Vec::new();
            meaning::push_result(&scenario.layout, call.callee, arguments, &mut answer);
            answer.truncate(call.result.len());
            assert_eq!(call.result.len(), bytes, "{:?}", call.callee);
            assert_eq!(expectation.bytes[call.result.clone()], answer, "{:?}", call.callee);
        }
    }

    #[test]
    fn hidden_arguments_are_seen_in_front_of_the_parameters() {
        let expectation = expect(&scenario(&[
            r#"{ call = "CallFoo", this = "Derived", args = [0x11223344] }"#,
            r#"{ call = "CallShared", this = "Base", args = [0x55667788] }"#,
            r#"{ call = "CallAsync" }"#,
            r#"{ call = "Resume" }"#,
            r#"{ take = "Over", into = "d", on = "Derived" }"#,
            r#"{ call = "Invoke", through = "d", args = [0x13572468] }"#,
        ]));
        let [base, derived] =
            [0, 1].map(|class| meaning::object_address(crate::scenario::ClassId(class)).into());
        let context = meaning::context_address(SHARED).into();
        assert_eq!(
            seen(&expectation),
            [
                (DERIVED_FOO, vec![derived, 0x1122_3344]),
                (SHARED, vec![base, context, 0x5566_7788]),
                (ASYNC, vec![0]),
                (ASYNC, vec![meaning::CONTINUATION.into()]),
                (CLOSED, vec![derived, 0x1357_2468]),
            ]
        );
    }

    #[test]
    fn types_by_what_a_pointer_is_for() {
        let scenario = scenario(&[]);
        let layout = &scenario.layout;
        let types = |method| [pointer_type(layout, method), body_type(layout, method)];
        let text = |method| types(method).map(|ty| ty.to_string());
        assert_eq!(text(OUTER), ["(i32 i32 i32)->i32"; 2]);
        assert_eq!(text(UCO), ["(i32 i32)->()"; 2]);
        // A pointer to shared code leads to a stub, which supplies the context.
        assert_eq!(text(SHARED), ["(i32 i32 i32 i32)->i64", "(i32 i32 i32 i32 i32)->i64"]);
        let site = |name: &str| {
            let site = layout.sites.position(|site| site.name == name);
            site_type(layout, site.expect("it is there")).to_string()
        };
        for (name, ty) in [
            ("CallOuter", "(i32 i32 i32)->i32"),
            ("TakeUco", "(i32 i32)->()"),
            ("CallUco", "(i32 i32)->()"),
            ("CallFoo", "(i32 i32 i32 i32)->i32"),
            ("CallShared", "(i32 i32 i32 i32 i32)->i64"),
            ("Resume", "(i32 i32 i32)->i32"),
            ("Over", "(i32 i32 i32 i32)->i32"),
            ("Invoke", "(i32 i32 i32 i32)->i32"),
            ("Calli", "(i32 i32 i32)->i32"),
            ("Export", "(i32 i32)->()"),
        ] {
            assert_eq!(site(name), ty, "{name}");
        }
    }
}
