//! The oracle: what a scenario means, whatever the loader does.
//!
//! Call site *s* calls method *m* with arguments *a*: so *m* sees exactly *a*,
//! and the caller sees exactly *m*'s answer to *a*. Nothing here reads a portable
//! entry point, a cell, a table or a thunk key, and nothing is shared with the
//! loader model or with `abi`'s lowering: the [types](shape) that pointers
//! must have are worked out once more.

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
    /// Which method.
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
