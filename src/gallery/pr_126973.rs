//! dotnet/runtime#126973: a lazy call cell is resolved to a cold entry point.

use super::fault;

fault! {
    /// The tail of `ExternalMethodFixupWorker` is one of the places that #130841 lists: the import
    /// thunk makes its call again through the entry point that the worker gave, word 0 of which is
    /// null for a callee that is interpreted.
    id: "pr-126973",
    title: "a lazy call cell is resolved to a cold entry point",
    family: ColdSlot,
    class: NullSlot,
    upstream: [126973, 130841],

    impl Loader {
        fn ensures_lazy_call(&self) -> bool {
            false
        }
    }
}
