//! dotnet/runtime#131328: a Vector128 argument is aligned to 8 in a thunk.

use super::{Family, Fault};
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Compiler;
use crate::image::decisions::Transition;
use crate::loader::Loader;
use crate::scenario::Layout;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VectorAlignment,
    family: Family::C6,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[131299, 131328],
    title: "a Vector128 argument is aligned to 8 in a thunk",
    source: include_str!("pr_131328.rs"),
};

/// The key letter `V` was raised to whichever 16-byte vector type had been lowered first.
/// If that was `Vector<T>`, aligned to 8, each vector argument behind an odd slot drifts by 8
/// bytes against what the interpreter expects: a spurious NullReferenceException.
#[derive(Debug)]
struct VectorAlignment;

impl Loader for VectorAlignment {
    fn id(&self) -> &'static str {
        "pr-131328"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &VectorAlignment
    }
}

impl Compiler for VectorAlignment {
    fn name(&self) -> &'static str {
        "pr-131328"
    }

    fn argument_slots(&self, _: &Layout, _: Transition, lowered: &Lowered) -> (Vec<u32>, u32) {
        lowered.argument_slots_by(|token| match token {
            Token::V | Token::Vectors(_) => 8,
            token => token.slot().1,
        })
    }
}
