//! dotnet/runtime#128234: the helper of ldvirtftn gives a table index for an entry point.

use super::{Family, Fault};
use crate::engine::Trap;
use crate::loader::words::{FunctionPointer, PepAddress};
use crate::loader::{Decision, Loader, VmProcess};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VirtualPointer,
    family: Family::C2,
    class: Class::OutOfBounds,
    decision: Some(Decision::VirtualFunctionPointer),
    upstream: &[128234],
    title: "the helper of ldvirtftn gives a table index for an entry point",
    source: include_str!("issue_128234.rs"),
};

/// An instance call out of the version bubble went through
/// `CORINFO_HELP_VIRTUAL_FUNC_PTR`, and what the helper returned was taken for the other kind of
/// pointer. R2R code loads "word 0 of the entry point" at an address as small as a table
/// index, and calls whatever it finds there.
#[derive(Debug)]
struct VirtualPointer;

impl Loader for VirtualPointer {
    fn id(&self) -> &'static str {
        "issue-128234"
    }

    fn virtual_function_pointer(
        &self,
        process: &mut VmProcess<'_>,
        entry_point: PepAddress,
    ) -> Result<FunctionPointer, Trap> {
        entry_point.words(process).map(|words| words.actual_code.into())
    }
}
