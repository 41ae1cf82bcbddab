//! One thing that is wrong, before it is told in words.

use super::class::FindingClass;
use crate::loader::Vm;
use crate::reference::Expectation;
use crate::scenario::SiteId;

/// Something wrong, before it is told in words.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub class: FindingClass,
    /// Which event of the script; `None` for what is wrong at its end.
    pub event: Option<usize>,
    /// Which of the expected calls, for a call or a trap in one.
    pub call: Option<usize>,
    pub what: String,
}

/// The site at which something went wrong: of a call inside another, that one's.
pub(super) fn mismatch_site(
    vm: &Vm,
    expected: &Expectation,
    mismatch: &Mismatch,
) -> Option<SiteId> {
    let inner = mismatch.call.and_then(|call| expected.calls.get(call)).map(|call| call.site);
    inner.or_else(|| vm.scenario.script[mismatch.event?].site())
}
