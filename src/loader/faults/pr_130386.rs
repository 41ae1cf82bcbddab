//! dotnet/runtime#130386: a cold class constructor is handed to a typed call.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ClassConstructor,
    family: Family::C1,
    class: Class::NullSlot,
    decision: Some(Decision::EnsuresClassConstructor),
    upstream: &[130386],
    title: "a cold class constructor is handed to a typed call",
    source: include_str!("pr_130386.rs"),
};

/// `RunClassInitEx` takes the class constructor's entry point out of its slot and lets a
/// managed helper call it, `call_indirect [pep+0]` with the type of `vp`. Nobody makes the
/// entry point callable first, so that a constructor that is interpreted, or not
/// prepared yet, has `_pActualCode = 0`: slot 0 of the table. A constructor that was
/// called before works, which is why the order of touch decides.
#[derive(Debug)]
struct ClassConstructor;

impl Loader for ClassConstructor {
    fn id(&self) -> &'static str {
        "pr-130386"
    }

    fn ensures_class_constructor(&self) -> bool {
        false
    }
}
