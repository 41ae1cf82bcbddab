//! A finding: one thing that is wrong, told in words.

use super::account::Account;
use super::class::FindingClass;
use super::fingerprint::fingerprint;
use super::mismatch::{Mismatch, mismatch_site};
use super::run::Run;
use crate::reference::Expectation;

/// One thing that is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of wrong.
    pub class: FindingClass,
    /// The same for every run that shows the same defect in the same way:
    /// class, kind of site, kind of caller, callee's convention, and what the
    /// value was. No addresses, no names.
    pub fingerprint: String,
    /// What a person needs to act on it, in several lines.
    pub account: String,
}

/// The finding that a mismatch of this run becomes.
pub(super) fn finding(run: &Run, expected: &Expectation, mismatch: &Mismatch) -> Finding {
    let site = mismatch_site(run.vm, expected, mismatch);
    Finding {
        class: mismatch.class,
        fingerprint: fingerprint(run.vm, mismatch, site),
        account: Account {
            run,
            expected,
            class: mismatch.class,
            event: mismatch.event,
            call: mismatch.call,
            site,
            what: &mismatch.what,
        }
        .to_string(),
    }
}
