//! dotnet/runtime#125455: the interpreter knows no stub for an unmanaged calli.

use super::{Family, Fault};
use crate::abi::vm::MetadataConvention;
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &MissingCookie,
    family: Family::C7,
    class: Class::NullSlot,
    decision: Some(Decision::Key),
    upstream: &[125455, 127016],
    title: "the interpreter knows no stub for an unmanaged calli",
    source: include_str!("pr_125455.rs"),
};

/// `GetCookieForCalliSig` spelled the key of every signature as a managed one. No stub of the
/// generated table has it: `WASM calli missing for key`, or in a release build a call of
/// slot 0 from the interpreter itself.
#[derive(Debug)]
struct MissingCookie;

impl Loader for MissingCookie {
    fn id(&self) -> &'static str {
        "pr-125455"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        let convention = MetadataConvention::Default;
        KeyRequest { convention, ..*request }.key()
    }
}
