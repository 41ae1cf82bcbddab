//! dotnet/runtime#130841: a finalizer's slot is cold.

use super::fault;

fault! {
    /// `RunFinalizers` reads the Finalize slot of an object's MethodTable and calls through it.
    /// Upstream saw `_pActualCode == 0` and flags 4 in an override that had never run. The pull
    /// request lists every place that must make an entry point callable first.
    id: "pr-130841",
    title: "a finalizer's slot is cold",
    family: ColdSlot,
    class: NullSlot,
    upstream: [130839, 130841],

    impl Loader {
        fn ensures_finalizer(&self) -> bool {
            false
        }
    }
}
