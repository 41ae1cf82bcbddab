//! dotnet/runtime#129173: the wrapper of a UCO method returns nothing.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VoidWrapper,
    family: Family::C9,
    class: Class::SignatureMismatch,
    decision: None,
    upstream: &[129173, 128181],
    title: "the wrapper of a UCO method returns nothing",
    source: include_str!("pr_129173.rs"),
};

/// The generator wrote `void` for the result of every wrapper. A UCO method with a result is entered
/// through a function of another type: the linker's `signature_mismatch` stub, or the trap.
#[derive(Debug)]
struct VoidWrapper;

impl Loader for VoidWrapper {
    fn id(&self) -> &'static str {
        "pr-129173"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &VoidWrapper
    }
}

impl Compiler for VoidWrapper {
    fn name(&self) -> &'static str {
        "pr-129173"
    }

    fn reverse_thunks_return(&self) -> bool {
        false
    }
}
