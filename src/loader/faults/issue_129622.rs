//! dotnet/runtime#129622: no thunks for signatures that are only called through slots.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::image::decisions::Root;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VirtualThunksMissing,
    family: Family::C7,
    class: Class::NullSlot,
    decision: None,
    upstream: &[129622, 129337],
    title: "no thunks for signatures that are only called through slots",
    source: include_str!("issue_129622.rs"),
};

/// crossgen2 rooted the transition thunks of direct calls alone; a signature reached only
/// through `ldvirtftn` or a slot (`iiTip`, `iTiip`) had none. An interpreted override
/// has nothing to be entered by.
#[derive(Debug)]
struct VirtualThunksMissing;

impl Loader for VirtualThunksMissing {
    fn id(&self) -> &'static str {
        "issue-129622"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &VirtualThunksMissing
    }
}

impl Compiler for VirtualThunksMissing {
    fn name(&self) -> &'static str {
        "issue-129622"
    }

    fn roots(&self, why: Root) -> bool {
        why != Root::Virtual
    }
}
