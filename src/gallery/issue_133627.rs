//! dotnet/runtime#133627: context and continuation are swapped on the way to the interpreter.

use super::fault;
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Transition;
use crate::scenario::Layout;

fault! {
    /// `AsyncHelpers.AwaitAwaiter<TAwaiter>` is interpreted, its caller compiled. For the key
    /// `iiaS8p` the R2R-to-interpreter thunk stores the continuation at +0 and the context at +8;
    /// the interpreter expects them the other way round, and the awaiter at +16. Both are `i32`.
    id: "issue-133627",
    title: "context and continuation are swapped on the way to the interpreter",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [133627],

    impl Compiler {
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
}
