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
use crate::scenario::{
    Action, Call, Convention, Event, Layout, MethodId, Scenario, SiteId, meaning,
};

/// What must happen in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// One an event.
    pub events: Vec<ExpectedEvent>,
    /// Argument and result bytes.
    pub bytes: Vec<u8>,
}

/// What must happen in one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedEvent {
    /// No body runs and no pointer is handed out.
    Quiet,
    /// A pointer to this method is handed out.
    Pointer(MethodId),
    /// Exactly this method runs.
    Call {
        /// Which.
        callee: MethodId,
        /// What it sees: `this` and the parameters, in [`Expectation::bytes`].
        arguments: Range<usize>,
        /// What the caller sees, in [`Expectation::bytes`].
        result: Range<usize>,
    },
}

/// Works out what a scenario means. The scenario must be valid.
pub fn expect(scenario: &Scenario) -> Expectation {
    let mut expectation = Expectation {
        events: Vec::with_capacity(scenario.script.len()),
        bytes: Vec::with_capacity(32 * scenario.script.len()),
    };
    let mut held: Vec<Option<MethodId>> = vec![None; scenario.variables.len()];
    for event in &scenario.script {
        let expected = match event {
            Event::Load(_) | Event::Prepare(_) | Event::Touch(_) => ExpectedEvent::Quiet,
            Event::Take { site, into } => match scenario.layout.site(*site).action {
                Action::Ldftn(method) => {
                    held[into.index()] = Some(method);
                    ExpectedEvent::Pointer(method)
                }
                _ => ExpectedEvent::Quiet,
            },
            Event::Call(call) => {
                let callee = match (&scenario.layout.site(call.site).action, call.pointer) {
                    (Action::Direct { callee, .. }, _) => Some(*callee),
                    (_, Some(variable)) => held[variable.index()],
                    (_, None) => None,
                };
                match callee {
                    Some(callee) => {
                        expect_call(&scenario.layout, callee, call, &mut expectation.bytes)
                    }
                    None => ExpectedEvent::Quiet,
                }
            }
        };
        expectation.events.push(expected);
    }
    expectation
}

fn expect_call(
    layout: &Layout,
    callee: MethodId,
    call: &Call,
    bytes: &mut Vec<u8>,
) -> ExpectedEvent {
    let signature = &layout.method(callee).signature;
    let start = bytes.len();
    if signature.instance {
        bytes.extend_from_slice(&u64::from(call.this.unwrap_or(0)).to_le_bytes());
    }
    for (&ty, &word) in signature.params.iter().zip(&call.args) {
        meaning::push_value(layout, ty, word, bytes);
    }
    let arguments = start..bytes.len();
    let seen = bytes[arguments.clone()].to_vec();
    let result_start = bytes.len();
    meaning::push_result(layout, callee, &seen, bytes);
    let size = signature.ret.map_or(0, |ty| meaning::stack_size(layout, ty)) as usize;
    ExpectedEvent::Call { callee, arguments, result: result_start..result_start + size }
}

/// The wasm type of the code that a pointer to this method must lead to.
pub fn pointer_type(layout: &Layout, method: MethodId) -> FuncType {
    let method = layout.method(method);
    shape::of(layout, &method.signature, method.convention == Convention::Managed)
}

/// The wasm type that a site must call with.
pub fn site_type(layout: &Layout, site: SiteId) -> FuncType {
    match &layout.site(site).action {
        Action::Direct { callee, .. } => pointer_type(layout, *callee),
        Action::Ldftn(method) => pointer_type(layout, *method),
        Action::ManagedCalli(signature) => shape::of(layout, signature, true),
        Action::UnmanagedCalli(signature) => shape::of(layout, signature, false),
    }
}
