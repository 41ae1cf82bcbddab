//! dotnet/runtime#131421: an Int128 argument is aligned to 8 in a thunk.

use super::{Family, Fault};
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Compiler;
use crate::image::decisions::Transition;
use crate::loader::Loader;
use crate::scenario::Layout;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &Int128Alignment,
    family: Family::C6,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[131421],
    title: "an Int128 argument is aligned to 8 in a thunk",
    source: include_str!("pr_131421.rs"),
};

/// `a == b` is true and `a.Equals(b)` false: the argument lies at `argsBase + 24` for the thunk and
/// at `argsBase + 32` for the interpreter.
#[derive(Debug)]
struct Int128Alignment;

impl Loader for Int128Alignment {
    fn id(&self) -> &'static str {
        "pr-131421"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &Int128Alignment
    }
}

impl Compiler for Int128Alignment {
    fn name(&self) -> &'static str {
        "pr-131421"
    }

    fn argument_slots(&self, _: &Layout, _: Transition, lowered: &Lowered) -> (Vec<u32>, u32) {
        lowered.argument_slots_by(|token| match token {
            Token::L2 => 8,
            token => token.slot().1,
        })
    }
}
