//! dotnet/runtime#133894: a UCO body's stack pointer is folded to 0.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &NullStackPointer,
    family: Family::C10,
    class: Class::OutOfBounds,
    decision: None,
    upstream: &[133894],
    title: "a UCO body's stack pointer is folded to 0",
    source: include_str!("pr_133894.rs"),
};

/// The prolog of a UCO method loads `__stack_pointer` into a local that was not marked as explicitly
/// initialised; under `.locals init`, value numbering gives it 0, and the stack pointer that
/// goes out is `i32.const 0`. Stores go to 0 minus the frame's size.
#[derive(Debug)]
struct NullStackPointer;

impl Loader for NullStackPointer {
    fn id(&self) -> &'static str {
        "pr-133894"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &NullStackPointer
    }
}

impl Compiler for NullStackPointer {
    fn name(&self) -> &'static str {
        "pr-133894"
    }

    fn reads_stack_pointer(&self) -> bool {
        false
    }
}
