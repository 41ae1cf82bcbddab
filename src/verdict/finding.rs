//! A finding: one thing that is wrong, told in words.

use super::account::Account;
use super::class::Class;
use super::fingerprint::fingerprint;
use super::problem::{Problem, problem_site};
use super::run::Run;
use crate::reference::Expectation;

/// One thing that is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of wrong.
    pub class: Class,
    /// The same for every run that shows the same defect in the same way:
    /// class, kind of site, kind of caller, callee's convention, and what the
    /// value was. No addresses, no names.
    pub fingerprint: String,
    /// What a person needs to act on it, in several lines.
    pub account: String,
}

/// The finding that a problem of this run becomes.
pub(super) fn finding(run: &Run, expected: &Expectation, problem: &Problem) -> Finding {
    let site = problem_site(run.vm, expected, problem);
    Finding {
        class: problem.class,
        fingerprint: fingerprint(run.vm, problem, site),
        account: Account {
            run,
            expected,
            class: problem.class,
            event: problem.event,
            call: problem.call,
            site,
            what: &problem.what,
        }
        .to_string(),
    }
}
