//! dotnet/runtime#129850: a P/Invoke's entry point leads straight to the C function.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &QCall,
    family: Family::C2,
    class: Class::SignatureMismatch,
    decision: Some(Decision::MarshalsPInvokes),
    upstream: &[129850],
    title: "a P/Invoke's entry point leads straight to the C function",
    source: include_str!("issue_129850_qcall.rs"),
};

/// With CoreLib compiled, `InitHelpers.InitClassSlow` calls the QCall `InitClassHelper`: the site has
/// the type of `vip`, `(i32 i32 i32)->()`, and the import resolved to the raw native
/// function, `(i32)->()`. Managed callers must reach a P/Invoke through its marshalling
/// stub.
#[derive(Debug)]
struct QCall;

impl Loader for QCall {
    fn id(&self) -> &'static str {
        "issue-129850-qcall"
    }

    fn marshals_pinvokes(&self) -> bool {
        false
    }
}
