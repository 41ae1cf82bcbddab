//! dotnet/runtime#130384: R2R code calls a native function by the managed convention.

use super::{Family, Fault};
use crate::abi::Shape;
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ManagedPInvoke,
    family: Family::C2,
    class: Class::SignatureMismatch,
    decision: None,
    upstream: &[130384],
    title: "R2R code calls a native function by the managed convention",
    source: include_str!("pr_130384.rs"),
};

/// Before inlined P/Invokes, compiled code called the target of a P/Invoke as it calls
/// everything: `(sp, args..., pep)`. The C function takes `(args...)`.
#[derive(Debug)]
struct ManagedPInvoke;

impl Loader for ManagedPInvoke {
    fn id(&self) -> &'static str {
        "pr-130384"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &ManagedPInvoke
    }
}

impl Compiler for ManagedPInvoke {
    fn name(&self) -> &'static str {
        "pr-130384"
    }

    fn pinvoke_shape(&self) -> Shape {
        Shape::Managed
    }
}
