//! dotnet/runtime#126973: a lazy call cell is resolved to a cold entry point.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &LazyCall,
    family: Family::C1,
    class: Class::NullSlot,
    decision: Some(Decision::EnsuresLazyCall),
    upstream: &[126973, 130841],
    title: "a lazy call cell is resolved to a cold entry point",
    source: include_str!("pr_126973.rs"),
};

/// The tail of `ExternalMethodFixupWorker` is one of the places that #130841 lists: the import
/// thunk makes its call again through the entry point that the worker gave, word 0 of
/// which is null for a callee that is interpreted.
#[derive(Debug)]
struct LazyCall;

impl Loader for LazyCall {
    fn id(&self) -> &'static str {
        "pr-126973"
    }

    fn ensures_lazy_call(&self) -> bool {
        false
    }
}
