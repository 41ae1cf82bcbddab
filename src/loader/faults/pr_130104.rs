//! dotnet/runtime#130104: R2R code calls an interpreted string constructor as it is declared.

use super::{Family, Fault};
use crate::loader::callee::Callee;
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::scenario::Form;
use crate::scenario::Signature;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &StringConstructorThunk,
    family: Family::C5,
    class: Class::SignatureMismatch,
    decision: Some(Decision::Key),
    upstream: &[130104],
    title: "R2R code calls an interpreted string constructor as it is declared",
    source: include_str!("pr_130104.rs"),
};

/// The other direction, mended first: the R2R-to-interpreter thunk for a string constructor was
/// looked up by its declared signature, `IvTip`, where the caller's site has the type of
/// `iip`.
#[derive(Debug)]
struct StringConstructorThunk;

impl Loader for StringConstructorThunk {
    fn id(&self) -> &'static str {
        "pr-130104"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        let Some(Callee::Method(method)) = request.callee else { return request.key() };
        let string = request.layout.method(method).form == Form::StringConstructor;
        if request.prefix != 'I' || !string {
            return request.key();
        }
        request.key_of(&Signature { instance: true, ret: None, ..request.signature.clone() })
    }
}
