//! dotnet/runtime#127483: methods that wait for a thunk are forgotten.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &PendingThunks,
    family: Family::C7,
    class: Class::NullSlot,
    decision: Some(Decision::ReplaysPending),
    upstream: &[127483],
    title: "methods that wait for a thunk are forgotten",
    source: include_str!("pr_127483.rs"),
};

/// A method whose R2R-to-interpreter thunk no loaded image has yet is queued
/// (`AddPendingPortableEntryPointThunk`), its `_pActualCode` null. When a later image brings the
/// thunk the list must be replayed, or whoever calls then calls slot 0.
#[derive(Debug)]
struct PendingThunks;

impl Loader for PendingThunks {
    fn id(&self) -> &'static str {
        "pr-127483"
    }

    fn replays_pending(&self) -> bool {
        false
    }
}
