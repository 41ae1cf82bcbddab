//! dotnet/runtime#131167: a resumption stub's index is not relocated.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ResumptionStub,
    family: Family::C8,
    class: Class::NullSlot,
    decision: Some(Decision::RelocatesResumptionStubs),
    upstream: &[131167, 130952, 131232],
    title: "a resumption stub's index is not relocated",
    source: include_str!("pr_131167.rs"),
};

/// A suspended runtime-async method is resumed through a stub whose table index lies in data.
/// Without the relocation that runtime-async brought, the word is the index within the
/// module.
#[derive(Debug)]
struct ResumptionStub;

impl Loader for ResumptionStub {
    fn id(&self) -> &'static str {
        "pr-131167"
    }

    fn relocates_resumption_stubs(&self) -> bool {
        false
    }
}
