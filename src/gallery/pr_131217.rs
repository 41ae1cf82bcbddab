//! dotnet/runtime#131217: the program's entry point is called cold.

use super::fault;

fault! {
    /// `RunMainInternal` asks `GetSingleCallableAddrOfCode` for `Main` and lets
    /// `Environment.CallEntryPoint`, R2R code, call it. `_pActualCode` is unset: wasmtime says
    /// `uninitialized element`. Where CoreLib itself was interpreted nothing trapped, and the whole
    /// process ran interpreted unnoticed.
    id: "pr-131217",
    title: "the program's entry point is called cold",
    family: ColdSlot,
    class: NullSlot,
    upstream: [131217],

    impl Loader {
        fn ensures_entry_point(&self) -> bool {
            false
        }
    }
}
