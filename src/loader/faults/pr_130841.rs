//! dotnet/runtime#130841: a finalizer's slot is cold.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &Finalizer,
    family: Family::C1,
    class: Class::NullSlot,
    decision: Some(Decision::EnsuresFinalizer),
    upstream: &[130839, 130841],
    title: "a finalizer's slot is cold",
    source: include_str!("pr_130841.rs"),
};

/// `RunFinalizers` reads the Finalize slot of an object's MethodTable and calls through it.
/// Upstream saw `_pActualCode == 0` and flags 4 in an override that had never run. The
/// pull request lists every place that must make an entry point callable first.
#[derive(Debug)]
struct Finalizer;

impl Loader for Finalizer {
    fn id(&self) -> &'static str {
        "pr-130841"
    }

    fn ensures_finalizer(&self) -> bool {
        false
    }
}
