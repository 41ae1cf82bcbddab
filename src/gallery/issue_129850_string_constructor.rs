//! dotnet/runtime#129850: the interpreter calls a string constructor as it is declared.

use super::fault;
use crate::loader::callee::Callee;
use crate::loader::decisions::KeyRequest;
use crate::scenario::Form;
use crate::scenario::Signature;

fault! {
    /// Interpreted code runs `new string(char*)`. Declared `void .ctor(this, char*)`, the
    /// constructor is really a static factory that returns the string: the thunk of `vTip` traps on
    /// a body of the type of `iip`. The VM has keys of its own for these: `Miip`, `Miiip`, ...,
    /// `MiS8p`.
    id: "issue-129850-string-constructor",
    title: "the interpreter calls a string constructor as it is declared",
    family: DeclaredShape,
    class: SignatureMismatch,
    upstream: [129850],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            let Some(Callee::Method(method)) = request.callee else { return request.key() };
            let string = request.layout.method(method).form == Form::StringConstructor;
            if request.prefix != 'M' || !string {
                return request.key();
            }
            request.key_of(&Signature { instance: true, ret: None, ..request.signature.clone() })
        }
    }
}
