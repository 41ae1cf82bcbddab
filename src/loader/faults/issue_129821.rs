//! dotnet/runtime#129821: the cell of a generic lookup has no helper.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &GenericLookup,
    family: Family::C8,
    class: Class::NullSlot,
    decision: Some(Decision::FillsGenericLookups),
    upstream: &[129821, 129825],
    title: "the cell of a generic lookup has no helper",
    source: include_str!("issue_129821.rs"),
};

/// `DelayLoadHelperImport` set its helper to null for a generic lookup. R2R code loads the helper's
/// table index from the record that the cell leads to, and calls slot 0.
#[derive(Debug)]
struct GenericLookup;

impl Loader for GenericLookup {
    fn id(&self) -> &'static str {
        "issue-129821"
    }

    fn fills_generic_lookups(&self) -> bool {
        false
    }
}
