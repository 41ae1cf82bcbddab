//! dotnet/runtime#131246: the VM spells a Vector128 as a struct of 16 bytes.

use super::fault;
use crate::loader::decisions::KeyRequest;

fault! {
    /// The key that the VM looks a thunk up by says `S16` where crossgen2's says `V`: there is no
    /// such thunk, and the call goes to slot 0.
    id: "pr-131246",
    title: "the VM spells a Vector128 as a struct of 16 bytes",
    family: KeyOrLayout,
    class: NullSlot,
    upstream: [131246],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            // `V2` and `V4` are other types.
            request
                .key()
                .replace("V2", "<")
                .replace("V4", ">")
                .replace('V', "S16")
                .replace('<', "V2")
                .replace('>', "V4")
        }
    }
}
