//! dotnet/runtime#130386: a cold default constructor is handed to a typed call.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &DefaultConstructor,
    family: Family::C1,
    class: Class::NullSlot,
    decision: Some(Decision::EnsuresDefaultConstructor),
    upstream: &[130386],
    title: "a cold default constructor is handed to a typed call",
    source: include_str!("pr_130386_default_constructor.rs"),
};

/// The second of the two places that #130386 mended: `CallDefaultConstructor` (behind
/// `Activator.CreateInstance`) hands a cold entry point to a call of the type of `vTp`.
#[derive(Debug)]
struct DefaultConstructor;

impl Loader for DefaultConstructor {
    fn id(&self) -> &'static str {
        "pr-130386-default-constructor"
    }

    fn ensures_default_constructor(&self) -> bool {
        false
    }
}
