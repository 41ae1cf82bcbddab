//! dotnet/runtime#130104: R2R code calls an interpreted string constructor as it is declared.

use super::fault;
use crate::loader::callee::Callee;
use crate::loader::decisions::KeyRequest;
use crate::scenario::Form;
use crate::scenario::Signature;

fault! {
    /// The other direction, mended first: the R2R-to-interpreter thunk for a string constructor was
    /// looked up by its declared signature, `IvTip`, where the caller's site has the type of `iip`.
    id: "pr-130104",
    title: "R2R code calls an interpreted string constructor as it is declared",
    family: DeclaredShape,
    class: SignatureMismatch,
    upstream: [130104],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            let Some(Callee::Method(method)) = request.callee else { return request.key() };
            let string = request.layout.method(method).form == Form::StringConstructor;
            if request.prefix != 'I' || !string {
                return request.key();
            }
            request.key_of(&Signature { instance: true, ret: None, ..request.signature.clone() })
        }
    }
}
