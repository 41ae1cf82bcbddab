//! dotnet/runtime#132965: a hand-written thunk shadows crossgen2's and does not copy its struct.

use super::{Family, Fault};
use crate::abi::crossgen::Lowered;
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &HandWrittenThunk,
    family: Family::C7,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[132965],
    title: "a hand-written thunk shadows crossgen2's and does not copy its struct",
    source: include_str!("pr_132965.rs"),
};

/// Until #132965 a static table of 17 hand-written R2R-to-interpreter thunks was consulted before the
/// registry. Some corrupted memory: here, the one for `IiiS8p` hands on the address of its
/// struct where the interpreter expects the struct.
#[derive(Debug)]
struct HandWrittenThunk;

impl Loader for HandWrittenThunk {
    fn id(&self) -> &'static str {
        "pr-132965"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &HandWrittenThunk
    }
}

impl Compiler for HandWrittenThunk {
    fn name(&self) -> &'static str {
        "pr-132965"
    }

    fn copies_structs(&self, lowered: &Lowered) -> bool {
        lowered.to_string() != "iiS8p"
    }
}
