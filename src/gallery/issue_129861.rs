//! dotnet/runtime#129861: the interpreter calls shared generic code without its context.

use super::fault;
use crate::loader::decisions::KeyRequest;

fault! {
    /// Reflection's invoke of `NonVirtGen<string>()` crashes, of `<int>` it does not: the key of
    /// the interpreter-to-R2R thunk lacked the `i` that `HasGenericContextArg()` adds now, and the
    /// body took the next word for a MethodTable. It explains the silent aborts of four test
    /// suites.
    id: "issue-129861",
    title: "the interpreter calls shared generic code without its context",
    family: HiddenArguments,
    class: SignatureMismatch,
    upstream: [129861],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            match request.prefix {
                'M' => request.key_of(&request.signature.without_context()),
                _ => request.key(),
            }
        }
    }
}
