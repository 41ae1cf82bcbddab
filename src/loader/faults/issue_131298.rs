//! dotnet/runtime#131298: an FCall is entered without its wrapper.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &BareFCall,
    family: Family::C5,
    class: Class::SignatureMismatch,
    decision: None,
    upstream: &[131298],
    title: "an FCall is entered without its wrapper",
    source: include_str!("issue_131298.rs"),
};

/// FCalls are declared with `WASM_CALLABLE_FUNC`: the exported function has the managed type,
/// `(sp, args..., pep)`, and the C++ function behind it the plain one. An FCall that only
/// checked builds declare came without.
#[derive(Debug)]
struct BareFCall;

impl Loader for BareFCall {
    fn id(&self) -> &'static str {
        "issue-131298"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &BareFCall
    }
}

impl Compiler for BareFCall {
    fn name(&self) -> &'static str {
        "issue-131298"
    }

    fn wraps_fcalls(&self) -> bool {
        false
    }
}
