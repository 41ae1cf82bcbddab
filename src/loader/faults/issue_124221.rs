//! dotnet/runtime#124221: the interpreter takes a shuffle thunk's code for its entry point.

use super::{Family, Fault};
use crate::engine::Trap;
use crate::loader::words::{FunctionPointer, PepAddress};
use crate::loader::{Decision, Loader, VmProcess};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ShuffleThunk,
    family: Family::C2,
    class: Class::OutOfBounds,
    decision: Some(Decision::OpenVirtualMethodPtr),
    upstream: &[124221, 125138],
    title: "the interpreter takes a shuffle thunk's code for its entry point",
    source: include_str!("issue_124221.rs"),
};

/// The interpreter-only twin of #131886: for an open virtual delegate, `INTOP_CALLDELEGATE` dereferences
/// `_methodPtr` once and takes what it finds, the code behind the entry point or null, for
/// the entry point itself.
#[derive(Debug)]
struct ShuffleThunk;

impl Loader for ShuffleThunk {
    fn id(&self) -> &'static str {
        "issue-124221"
    }

    fn open_virtual_method_ptr(
        &self,
        process: &mut VmProcess<'_>,
        method_ptr: FunctionPointer,
    ) -> Result<FunctionPointer, Trap> {
        let words = PepAddress(method_ptr.0).words(process)?;
        Ok(words.actual_code.into())
    }
}
