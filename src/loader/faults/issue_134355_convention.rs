//! dotnet/runtime#134355: an exported wrapper calls its UCO body by the managed convention.

use super::{Family, Fault};
use crate::loader::decisions::ExportDispatch;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ManagedExport,
    family: Family::C2,
    class: Class::SignatureMismatch,
    decision: Some(Decision::DispatchesExports),
    upstream: &[134355],
    title: "an exported wrapper calls its UCO body by the managed convention",
    source: include_str!("issue_134355_convention.rs"),
};

/// One of the two failures that #134355 saw in callbacks such as
/// `SystemJS_ExecuteBackgroundJobCallback`: the wrapper ends in `InvokeManagedMethod`, whose
/// interpreter-to-R2R thunk has the managed type, on a body of the native one.
#[derive(Debug)]
struct ManagedExport;

impl Loader for ManagedExport {
    fn id(&self) -> &'static str {
        "issue-134355-convention"
    }

    fn dispatches_exports(&self) -> ExportDispatch {
        ExportDispatch::Managed
    }
}
