//! dotnet/runtime#130634: the thunk in a cold slot has another result type than its callee.

use super::fault;
use crate::loader::decisions::KeyRequest;
use crate::scenario::Signature;
use crate::scenario::Type;

fault! {
    /// First calls only. Upstream saw the entry point `{_pActualCode=2974, _pMD, 0, flags 4}` while
    /// the site's type was `(i32 i32 i32)->()` and that of table slot 2974 `(i32 i32 i32)->(i32)`:
    /// a transition thunk of the wrong result type had been put into the slot of a method without a
    /// result. What chose it is not settled upstream; here, the key of a `void` method is spelled
    /// with an `i`.
    id: "issue-130634",
    title: "the thunk in a cold slot has another result type than its callee",
    family: ColdSlot,
    class: SignatureMismatch,
    upstream: [130634],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            let signature = request.signature;
            if request.prefix != 'I' || signature.ret.is_some() {
                return request.key();
            }
            request.key_of(&Signature { ret: Some(Type::I32), ..signature.clone() })
        }
    }
}
