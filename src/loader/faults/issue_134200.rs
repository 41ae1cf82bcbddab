//! dotnet/runtime#134200: the thunk in a shared generic method's slot lacks the context.

use super::{Family, Fault};
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &SharedGenericThunk,
    family: Family::C4,
    class: Class::SignatureMismatch,
    decision: Some(Decision::Key),
    upstream: &[134200, 134092],
    title: "the thunk in a shared generic method's slot lacks the context",
    source: include_str!("issue_134200.rs"),
};

/// `Dictionary<__Canon,__Canon>..ctor(int, IEqualityComparer)` has no R2R body; its entry point claims
/// native code all the same, and the thunk `vTiip` meets a function of another type. The
/// root cause is not settled upstream; here, the thunk is looked up by the key of the
/// signature that metadata has, which says nothing of the context.
#[derive(Debug)]
struct SharedGenericThunk;

impl Loader for SharedGenericThunk {
    fn id(&self) -> &'static str {
        "issue-134200"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        match request.prefix {
            'I' => request.key_of(&request.signature.without_context()),
            _ => request.key(),
        }
    }
}
