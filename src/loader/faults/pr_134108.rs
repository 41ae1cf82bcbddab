//! dotnet/runtime#134108: a delegate closed over a static method swaps target and return buffer.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ClosedStatic,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: Some(Decision::SwapsReturnBuffer),
    upstream: &[134108],
    title: "a delegate closed over a static method swaps target and return buffer",
    source: include_str!("pr_134108.rs"),
};

/// `Invoke` passes `(sp, target, retbuf, ...)`. For a delegate closed over the first argument of a
/// static method with a struct result `_methodPtr` is the method's own entry point, and that wants
/// `(sp, retbuf, target, ...)`: the same wasm type, and silent. The change adds `D` thunks
/// that swap the two.
#[derive(Debug)]
struct ClosedStatic;

impl Loader for ClosedStatic {
    fn id(&self) -> &'static str {
        "pr-134108"
    }

    fn swaps_return_buffer(&self) -> bool {
        false
    }
}
