//! dotnet/runtime#131639: the first struct of a size decides the alignment of all.

use super::fault;
use crate::abi::crossgen::{Lowered, Token};
use crate::image::decisions::Transition;
use crate::scenario::Layout;
use crate::scenario::StructShape;

fault! {
    /// `GetCachedStructOfSize` was keyed on the size alone: the 32-byte struct that crossgen2
    /// lowered first decided how every `S32` is aligned in a thunk. A method with a 32-byte struct
    /// behind an odd slot printed `1|32,33,34,2|0`. Which of them is wrong depends on the order;
    /// `A<N>` was added for the over-aligned.
    id: "issue-131639",
    title: "the first struct of a size decides the alignment of all",
    family: KeyOrLayout,
    class: WrongArguments,
    upstream: [131639, 132244, 132248],

    impl Compiler {
        fn argument_slots(
            &self,
            layout: &Layout,
            _: Transition,
            lowered: &Lowered,
        ) -> (Vec<u32>, u32) {
            lowered.argument_slots_by(|token| match token {
                Token::S(size) | Token::A(size) => first_alignment(layout, size),
                token => token.slot().1,
            })
        }
    }
}

/// The alignment that the first struct of this size has in a thunk.
fn first_alignment(layout: &Layout, size: u32) -> u32 {
    let aligned = layout.structs.iter().find_map(|item| match item.shape {
        StructShape::Opaque { size: its, align } if its == size => Some(align),
        _ => None,
    });
    if aligned.is_some_and(|align| align > 8) { 16 } else { 8 }
}
