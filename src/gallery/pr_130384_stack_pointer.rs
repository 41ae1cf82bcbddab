//! dotnet/runtime#130384: a thunk does not restore __stack_pointer.

use super::fault;

fault! {
    /// `JIT_PInvokeEnd` checks in a debug build that its stack pointer is `__stack_pointer`: the
    /// global takes less predictable values while managed code runs, and it is the
    /// interpreter-to-R2R thunk that must put it back.
    id: "pr-130384-stack-pointer",
    title: "a thunk does not restore __stack_pointer",
    family: ShadowStack,
    class: StackPointer,
    upstream: [130384, 131243],

    impl Compiler {
        fn restores_stack_pointer(&self) -> bool {
            false
        }
    }
}
