//! dotnet/runtime#127361: the VM passes no empty struct.

use super::fault;
use crate::loader::decisions::KeyRequest;
use crate::scenario::{StructShape, Type};

fault! {
    /// An empty struct is padded to one byte and passed as any struct of one byte. A party that
    /// holds it for no argument at all spells another key than the other, and finds no thunk.
    id: "issue-127361",
    title: "the VM passes no empty struct",
    family: KeyOrLayout,
    class: NullSlot,
    upstream: [127361],

    impl Loader {
        fn key(&self, request: &KeyRequest<'_>) -> String {
            let empty = |ty: &Type| match ty {
                Type::Struct(id) => request.layout.structs[*id].shape == StructShape::Empty,
                _ => false,
            };
            let mut signature = request.signature.clone();
            signature.params.retain(|ty| !empty(ty));
            request.key_of(&signature)
        }
    }
}
