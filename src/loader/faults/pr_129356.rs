//! dotnet/runtime#129356: the interpreter passes the return buffer before this.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ReturnBufferFirst,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[129347, 129356],
    title: "the interpreter passes the return buffer before this",
    source: include_str!("pr_129356.rs"),
};

/// An instance method with a struct result wants `($sp, this, retbuf, ...)`; the interpreter-to-R2R
/// thunk pushed the buffer first. All are `i32`: the body writes its result over the
/// receiver (`structreturningstruct`, Runtime_53549).
#[derive(Debug)]
struct ReturnBufferFirst;

impl Loader for ReturnBufferFirst {
    fn id(&self) -> &'static str {
        "pr-129356"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &ReturnBufferFirst
    }
}

impl Compiler for ReturnBufferFirst {
    fn name(&self) -> &'static str {
        "pr-129356"
    }

    fn pushes_this_first(&self) -> bool {
        false
    }
}
