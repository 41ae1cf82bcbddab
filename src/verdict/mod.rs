//! Compares what happened with what must happen, and names what is wrong.

mod account;
mod class;
mod compare;
mod value;

pub use class::Class;
pub use compare::{Run, divergence, findings, same};
pub use value::{SlotOwner, Value};

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
