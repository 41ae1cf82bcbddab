//! dotnet/runtime#131328: a Vector128 argument is aligned to 8 in a thunk.

use super::fault;
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Transition;
use crate::scenario::Layout;

fault! {
    /// The key letter `V` was raised to whichever 16-byte vector type had been lowered first. If
    /// that was `Vector<T>`, aligned to 8, each vector argument behind an odd slot drifts by 8
    /// bytes against what the interpreter expects: a spurious NullReferenceException.
    id: "pr-131328",
    title: "a Vector128 argument is aligned to 8 in a thunk",
    family: KeyOrLayout,
    class: WrongArguments,
    upstream: [131299, 131328],

    impl Compiler {
        fn argument_slots(&self, _: &Layout, _: Transition, lowered: &Lowered) -> (Vec<u32>, u32) {
            lowered.argument_slots_by(|token| match token {
                Token::V | Token::Vectors(_) => 8,
                token => token.slot().1,
            })
        }
    }
}
