//! dotnet/runtime#131217: the program's entry point is called cold.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &EntryPoint,
    family: Family::C1,
    class: Class::NullSlot,
    decision: Some(Decision::EnsuresEntryPoint),
    upstream: &[131217],
    title: "the program's entry point is called cold",
    source: include_str!("pr_131217.rs"),
};

/// `RunMainInternal` asks `GetSingleCallableAddrOfCode` for `Main` and lets
/// `Environment.CallEntryPoint`, R2R code, call it. `_pActualCode` is unset: wasmtime says
/// `uninitialized element`. Where CoreLib itself was interpreted nothing trapped, and
/// the whole process ran interpreted unnoticed.
#[derive(Debug)]
struct EntryPoint;

impl Loader for EntryPoint {
    fn id(&self) -> &'static str {
        "pr-131217"
    }

    fn ensures_entry_point(&self) -> bool {
        false
    }
}
