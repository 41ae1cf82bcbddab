//! dotnet/runtime#130386: a cold class constructor is handed to a typed call.

use super::fault;

fault! {
    /// `RunClassInitEx` takes the class constructor's entry point out of its slot and lets a
    /// managed helper call it, `call_indirect [pep+0]` with the type of `vp`. Nobody makes the
    /// entry point callable first, so that a constructor that is interpreted, or not prepared yet,
    /// has `_pActualCode = 0`: slot 0 of the table. A constructor that was called before works,
    /// which is why the order of touch decides.
    id: "pr-130386",
    title: "a cold class constructor is handed to a typed call",
    family: ColdSlot,
    class: NullSlot,
    upstream: [130386],

    impl Loader {
        fn ensures_class_constructor(&self) -> bool {
            false
        }
    }
}
