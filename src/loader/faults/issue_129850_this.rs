//! dotnet/runtime#129850: R2R code drops this when it calls shared generic code.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &DroppedThis,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: None,
    upstream: &[129850],
    title: "R2R code drops this when it calls shared generic code",
    source: include_str!("issue_129850_this.rs"),
};

/// After the inlined P/Invokes, the first NullReferenceException came from inside
/// `Dictionary<__Canon,__Canon>.Initialize`: its caller had passed no receiver. Formatting that
/// exception failed the same way, and recursed until the stack was used up.
#[derive(Debug)]
struct DroppedThis;

impl Loader for DroppedThis {
    fn id(&self) -> &'static str {
        "issue-129850-this"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &DroppedThis
    }
}

impl Compiler for DroppedThis {
    fn name(&self) -> &'static str {
        "issue-129850-this"
    }

    fn passes_this_to_shared_code(&self) -> bool {
        false
    }
}
