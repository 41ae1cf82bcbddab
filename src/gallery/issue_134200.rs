//! dotnet/runtime#134200: the thunk in a shared generic method's slot lacks the context.

use super::fault;
use crate::loader::decisions::KeyRequest;

fault! {
    /// `Dictionary<__Canon,__Canon>..ctor(int, IEqualityComparer)` has no R2R body; its entry point
    /// claims native code all the same, and the thunk `vTiip` meets a function of another type. The
    /// root cause is not settled upstream; here, the thunk is looked up by the key of the signature
    /// that metadata has, which says nothing of the context.
    id: "issue-134200",
    title: "the thunk in a shared generic method's slot lacks the context",
    family: HiddenArguments,
    class: SignatureMismatch,
    upstream: [134200, 134092],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            match request.prefix {
                'I' => request.key_of(&request.signature.without_context()),
                _ => request.key(),
            }
        }
    }
}
