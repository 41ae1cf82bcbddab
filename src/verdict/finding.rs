//! A finding: one thing that is wrong, told in words.

use super::account::Account;
use super::class::FindingClass;
use super::fingerprint::fingerprint;
use super::mismatch::{Mismatch, mismatch_site};
use super::run::Run;
use crate::engine::EngineError;
use crate::reference::Expectation;

/// One thing that is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of wrong.
    pub class: FindingClass,
    /// The same for every run that shows the same defect in the same way:
    /// class, event or kind of site, kind of caller, and kind of value. No addresses, no names.
    pub fingerprint: String,
    /// What a person needs to act on it, in several lines.
    pub account: String,
}

impl Finding {
    /// An engine rejects a module: there is no run to compare.
    pub fn rejected(error: &EngineError) -> Self {
        Self {
            class: FindingClass::EngineDivergence,
            fingerprint: format!("engine-divergence/rejected-module/{}", error.engine),
            account: error.to_string(),
        }
    }

    /// Calliper or an engine panicked.
    pub fn panicked() -> Self {
        Self {
            class: FindingClass::EngineDivergence,
            fingerprint: format!("{}.panic", FindingClass::EngineDivergence),
            account: "Calliper or an engine panicked; standard error has the message.".to_owned(),
        }
    }
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
