//! dotnet/runtime#134355: an exported wrapper interprets a UCO method that is compiled only.

use super::{Family, Fault};
use crate::loader::decisions::ExportDispatch;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &InterpretedExport,
    family: Family::C3,
    class: Class::Abort,
    decision: Some(Decision::DispatchesExports),
    upstream: &[134355],
    title: "an exported wrapper interprets a UCO method that is compiled only",
    source: include_str!("issue_134355.rs"),
};

/// Native exports do not go through `GetUnmanagedCallersOnlyThunk`: they enter the generated `Call_*`
/// wrapper, which always goes on to `ExecuteInterpretedMethodFromUnmanaged`. With an R2R body
/// there is no byte code to interpret.
#[derive(Debug)]
struct InterpretedExport;

impl Loader for InterpretedExport {
    fn id(&self) -> &'static str {
        "issue-134355"
    }

    fn dispatches_exports(&self) -> ExportDispatch {
        ExportDispatch::Interpret
    }
}
