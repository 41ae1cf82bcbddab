//! dotnet/runtime#125455: the interpreter knows no stub for an unmanaged calli.

use super::fault;
use crate::abi::vm::MetadataConvention;
use crate::loader::decisions::KeyRequest;

fault! {
    /// `GetCookieForCalliSig` spelled the key of every signature as a managed one. No stub of the
    /// generated table has it: `WASM calli missing for key`, or in a release build a call of slot 0
    /// from the interpreter itself.
    id: "pr-125455",
    title: "the interpreter knows no stub for an unmanaged calli",
    family: MissingThunk,
    class: NullSlot,
    upstream: [125455, 127016],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            let convention = MetadataConvention::Default;
            KeyRequest { convention, ..*request }.key()
        }
    }
}
