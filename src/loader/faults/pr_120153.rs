//! dotnet/runtime#120153: a boxed receiver's slot holds the method itself.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &BoxedReceiver,
    family: Family::C5,
    class: Class::WrongArguments,
    decision: Some(Decision::Unboxes),
    upstream: &[120153, 132787, 133218],
    title: "a boxed receiver's slot holds the method itself",
    source: include_str!("pr_120153.rs"),
};

/// Dispatch on a boxed struct must go through an unboxing stub, which moves `this` from the
/// box to the value in it. Without one the method sees the box: four bytes off, and the
/// same type to wasm.
#[derive(Debug)]
struct BoxedReceiver;

impl Loader for BoxedReceiver {
    fn id(&self) -> &'static str {
        "pr-120153"
    }

    fn unboxes(&self) -> bool {
        false
    }
}
