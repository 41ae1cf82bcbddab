//! dotnet/runtime#129903: a call of shared generic code leaves out the context argument.

use super::{Family, Fault};
use crate::image::decisions::Compiler;
use crate::loader::Loader;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &ContextArgument,
    family: Family::C4,
    class: Class::SignatureMismatch,
    decision: None,
    upstream: &[129903, 129622, 129064],
    title: "a call of shared generic code leaves out the context argument",
    source: include_str!("pr_129903.rs"),
};

/// On wasm all virtual calls went by `ldvirtftn`, and a jump in the importer skipped the code that adds
/// the hidden instantiation argument. Only multi-dimensional arrays' `Address`
/// (`CORINFO_CALLCONV_PARAMTYPE`) needs it: the site is short by one `i32` against the key
/// `iiTip`.
#[derive(Debug)]
struct ContextArgument;

impl Loader for ContextArgument {
    fn id(&self) -> &'static str {
        "pr-129903"
    }

    fn compiler(&self) -> &'static dyn Compiler {
        &ContextArgument
    }
}

impl Compiler for ContextArgument {
    fn name(&self) -> &'static str {
        "pr-129903"
    }

    fn passes_context(&self) -> bool {
        false
    }
}
