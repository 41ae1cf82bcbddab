//! dotnet/runtime#133894: a UCO body's stack pointer is folded to 0.

use super::fault;

fault! {
    /// The prolog of a UCO method loads `__stack_pointer` into a local that was not marked as
    /// explicitly initialised; under `.locals init`, value numbering gives it 0, and the stack
    /// pointer that goes out is `i32.const 0`. Stores go to 0 minus the frame's size.
    id: "pr-133894",
    title: "a UCO body's stack pointer is folded to 0",
    family: ShadowStack,
    class: OutOfBounds,
    upstream: [133894],

    impl Compiler {
        fn reads_stack_pointer(&self) -> bool {
            false
        }
    }
}
