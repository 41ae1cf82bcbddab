//! dotnet/runtime#130384: a thunk does not restore __stack_pointer.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &StackPointer,
    family: Family::C10,
    class: Class::StackPointer,
    decision: None,
    upstream: &[130384, 131243],
    title: "a thunk does not restore __stack_pointer",
    source: include_str!("pr_130384_stack_pointer.rs"),
};

/// `JIT_PInvokeEnd` checks in a debug build that its stack pointer is `__stack_pointer`: the global
/// takes less predictable values while managed code runs, and it is the interpreter-to-R2R
/// thunk that must put it back.
#[derive(Debug)]
struct StackPointer;

impl Loader for StackPointer {
    fn id(&self) -> &'static str {
        "pr-130384-stack-pointer"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &StackPointer
    }
}

impl Compiler for StackPointer {
    fn name(&self) -> &'static str {
        "pr-130384-stack-pointer"
    }

    fn restores_stack_pointer(&self) -> bool {
        false
    }
}
