//! dotnet/runtime#129766: native code enters a compiled UCO method through the interpreter.

use super::{Family, Fault};
use crate::loader::decisions::ExportDispatch;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ReverseThunkFirst,
    family: Family::C3,
    class: Class::Abort,
    decision: Some(Decision::PrefersUnmanagedBody),
    upstream: &[129766],
    title: "native code enters a compiled UCO method through the interpreter",
    source: include_str!("pr_129766.rs"),
};

/// `GetUnmanagedCallersOnlyThunk` gave out the reverse thunk although the method had an R2R
/// body. `ExecuteInterpretedMethodFromUnmanaged` then finds no byte code: address 0 is readable, and
/// reads as opcode 0, `INTOP_INVALID`. Seen at the start of xUnit's discovery.
#[derive(Debug)]
struct ReverseThunkFirst;

impl Loader for ReverseThunkFirst {
    fn id(&self) -> &'static str {
        "pr-129766"
    }

    fn prefers_unmanaged_body(&self) -> bool {
        false
    }

    fn dispatches_exports(&self) -> ExportDispatch {
        ExportDispatch::Interpret
    }
}
