//! dotnet/runtime#132926: no thunks for signatures that only delegates have.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::image::decisions::Root;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &DelegateThunksMissing,
    family: Family::C7,
    class: Class::NullSlot,
    decision: None,
    upstream: &[132926, 132965],
    title: "no thunks for signatures that only delegates have",
    source: include_str!("pr_132926.rs"),
};

/// When the hand-written thunks were deleted, an R2R-to-interpreter thunk had to exist for
/// every entry point that code materialises: a delegate's `Invoke` is one that no method
/// has the signature of. CI reported `IvTiiidp`, `IlTiiiiip`, `IS52Tp` and others missing.
#[derive(Debug)]
struct DelegateThunksMissing;

impl Loader for DelegateThunksMissing {
    fn id(&self) -> &'static str {
        "pr-132926"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &DelegateThunksMissing
    }
}

impl Compiler for DelegateThunksMissing {
    fn name(&self) -> &'static str {
        "pr-132926"
    }

    fn roots(&self, why: Root) -> bool {
        why != Root::Delegate
    }
}
