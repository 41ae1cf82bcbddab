//! dotnet/runtime#133627: context and continuation are swapped on the way to the interpreter.

use super::{Family, Fault};
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Compiler;
use crate::image::decisions::Transition;
use crate::loader::Loader;
use crate::scenario::Layout;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ContextAndContinuation,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[133627],
    title: "context and continuation are swapped on the way to the interpreter",
    source: include_str!("issue_133627.rs"),
};

/// `AsyncHelpers.AwaitAwaiter<TAwaiter>` is interpreted, its caller compiled. For the key `iiaS8p` the
/// R2R-to-interpreter thunk stores the continuation at +0 and the context at +8; the interpreter
/// expects them the other way round, and the awaiter at +16. Both are `i32`.
#[derive(Debug)]
struct ContextAndContinuation;

impl Loader for ContextAndContinuation {
    fn id(&self) -> &'static str {
        "issue-133627"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &ContextAndContinuation
    }
}

impl Compiler for ContextAndContinuation {
    fn name(&self) -> &'static str {
        "issue-133627"
    }

    fn argument_slots(
        &self,
        _: &Layout,
        transition: Transition,
        lowered: &Lowered,
    ) -> (Vec<u32>, u32) {
        let (mut slots, size) = lowered.argument_slots();
        let first = usize::from(lowered.this);
        let hidden = lowered.params.starts_with(&[Token::I, Token::Continuation]);
        if hidden && transition == Transition::ToInterpreter {
            slots.swap(first, first + 1);
        }
        (slots, size)
    }
}
