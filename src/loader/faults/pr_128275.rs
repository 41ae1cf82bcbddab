//! dotnet/runtime#128275: reflection counts the return buffer as an argument.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ReflectedReturnBuffer,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: Some(Decision::ReflectionSkipsReturnBuffer),
    upstream: &[128275],
    title: "reflection counts the return buffer as an argument",
    source: include_str!("pr_128275.rs"),
};

/// Reflection's walk over the arguments gave the return buffer a slot of its own in
/// front of them: each argument is read one slot too early.
#[derive(Debug)]
struct ReflectedReturnBuffer;

impl Loader for ReflectedReturnBuffer {
    fn id(&self) -> &'static str {
        "pr-128275"
    }

    fn reflection_skips_return_buffer(&self) -> bool {
        false
    }
}
