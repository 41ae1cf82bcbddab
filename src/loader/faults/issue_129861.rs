//! dotnet/runtime#129861: the interpreter calls shared generic code without its context.

use super::{Family, Fault};
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &SharedGenericCookie,
    family: Family::C4,
    class: Class::SignatureMismatch,
    decision: Some(Decision::Key),
    upstream: &[129861],
    title: "the interpreter calls shared generic code without its context",
    source: include_str!("issue_129861.rs"),
};

/// Reflection's invoke of `NonVirtGen<string>()` crashes, of `<int>` it does not: the key of the
/// interpreter-to-R2R thunk lacked the `i` that `HasGenericContextArg()` adds now, and the
/// body took the next word for a MethodTable. It explains the silent aborts of four test
/// suites.
#[derive(Debug)]
struct SharedGenericCookie;

impl Loader for SharedGenericCookie {
    fn id(&self) -> &'static str {
        "issue-129861"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        match request.prefix {
            'M' => request.key_of(&request.signature.without_context()),
            _ => request.key(),
        }
    }
}
