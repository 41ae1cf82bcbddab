//! dotnet/runtime#129808: reflection does not run a method that is compiled only.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &Reflection,
    family: Family::C3,
    class: Class::WrongCallee,
    decision: Decision::ReflectionInvokesCompiledCode,
    upstream: &[129808, 129766],
    title: "reflection does not run a method that is compiled only",
    source: include_str!("pr_129808.rs"),
};

/// `CallDescrWorkerInternal` looks for byte code; a method that is R2R only has none, so
/// that the target is null and the method never runs. The result area aliases the
/// arguments: the caller sees its first argument again
/// (`InterlockedTest.TestCompareExchangeUnextended`).
#[derive(Debug)]
struct Reflection;

impl Loader for Reflection {
    fn id(&self) -> &'static str {
        "pr-129808"
    }

    fn reflection_invokes_compiled_code(&self) -> bool {
        false
    }
}
