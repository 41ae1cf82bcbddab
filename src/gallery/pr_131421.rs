//! dotnet/runtime#131421: an Int128 argument is aligned to 8 in a thunk.

use super::fault;
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Transition;
use crate::scenario::Layout;

fault! {
    /// `a == b` is true and `a.Equals(b)` false: the argument lies at `argsBase + 24` for the thunk
    /// and at `argsBase + 32` for the interpreter.
    id: "pr-131421",
    title: "an Int128 argument is aligned to 8 in a thunk",
    family: KeyOrLayout,
    class: WrongArguments,
    upstream: [131421],

    impl Compiler {
        fn argument_slots(&self, _: &Layout, _: Transition, lowered: &Lowered) -> (Vec<u32>, u32) {
            lowered.argument_slots_by(|token| match token {
                Token::L2 => 8,
                token => token.slot().1,
            })
        }
    }
}
