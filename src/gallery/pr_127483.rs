//! dotnet/runtime#127483: methods that wait for a thunk are forgotten.

use super::fault;

fault! {
    /// A method whose R2R-to-interpreter thunk no loaded image has yet is queued
    /// (`AddPendingPortableEntryPointThunk`), its `_pActualCode` null. When a later image brings
    /// the thunk the list must be replayed, or whoever calls then calls slot 0.
    id: "pr-127483",
    title: "methods that wait for a thunk are forgotten",
    family: MissingThunk,
    class: NullSlot,
    upstream: [127483],

    impl Loader {
        fn replays_pending(&self) -> bool {
            false
        }
    }
}
