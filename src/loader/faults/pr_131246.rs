//! dotnet/runtime#131246: the VM spells a Vector128 as a struct of 16 bytes.

use super::{Family, Fault};
use crate::loader::decisions::KeyRequest;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VectorKey,
    family: Family::C6,
    class: Class::NullSlot,
    decision: Some(Decision::Key),
    upstream: &[131246],
    title: "the VM spells a Vector128 as a struct of 16 bytes",
    source: include_str!("pr_131246.rs"),
};

/// The key that the VM looks a thunk up by says `S16` where crossgen2's says `V`: there is no such
/// thunk, and the call goes to slot 0.
#[derive(Debug)]
struct VectorKey;

impl Loader for VectorKey {
    fn id(&self) -> &'static str {
        "pr-131246"
    }

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
