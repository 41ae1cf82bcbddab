//! dotnet/runtime#120319: a pointer to shared generic code is not to its instantiating stub.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &InstantiatingStub,
    family: Family::C4,
    class: Class::SignatureMismatch,
    decision: Some(Decision::Instantiates),
    upstream: &[120319],
    title: "a pointer to shared generic code is not to its instantiating stub",
    source: include_str!("issue_120319.rs"),
};

/// A generic virtual method over `<string>` fails in the interpreter: the entry point of the
/// instantiating stub's MethodDesc is not to be had. Who gets the shared method's own
/// entry point instead calls it without a context.
#[derive(Debug)]
struct InstantiatingStub;

impl Loader for InstantiatingStub {
    fn id(&self) -> &'static str {
        "issue-120319"
    }

    fn instantiates(&self) -> bool {
        false
    }
}
