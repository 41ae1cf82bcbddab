//! dotnet/runtime#127361: the VM passes no empty struct.

use super::{Family, Fault};
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::scenario::{StructShape, Type};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &EmptyStruct,
    family: Family::C6,
    class: Class::NullSlot,
    decision: Some(Decision::Key),
    upstream: &[127361],
    title: "the VM passes no empty struct",
    source: include_str!("issue_127361.rs"),
};

/// An empty struct is padded to one byte and passed as any struct of one byte. A party that
/// holds it for no argument at all spells another key than the other, and finds no
/// thunk.
#[derive(Debug)]
struct EmptyStruct;

impl Loader for EmptyStruct {
    fn id(&self) -> &'static str {
        "issue-127361"
    }

    fn key(&self, request: &KeyRequest<'_>) -> String {
        let empty = |ty: &Type| match ty {
            Type::Struct(id) => request.layout.structs[id.index()].shape == StructShape::Empty,
            _ => false,
        };
        let mut signature = request.signature.clone();
        signature.params.retain(|ty| !empty(ty));
        request.key_of(&signature)
    }
}
