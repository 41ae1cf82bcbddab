//! dotnet/runtime#119217: a JIT helper's cell holds a raw function pointer.

use super::{Family, Fault};
use crate::image::helpers::Helper;
use crate::loader::words::PepAddress;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &HelperCell,
    family: Family::C2,
    class: Class::OutOfBounds,
    decision: Some(Decision::JitHelperCell),
    upstream: &[119217],
    title: "a JIT helper's cell holds a raw function pointer",
    source: include_str!("pr_119217.rs"),
};

/// Native pointers used to be told from entry points by their low bit; wasm function
/// pointers are ordinals from 1, so that tags collide with them. Native helpers need an
/// entry point of their own: the JIT always dereferences the cell twice, and with a raw index in
/// it loads from an address as small as that.
#[derive(Debug)]
struct HelperCell;

impl Loader for HelperCell {
    fn id(&self) -> &'static str {
        "pr-119217"
    }

    fn jit_helper_cell(&self, _: PepAddress, helper: Helper) -> u32 {
        helper.slot()
    }
}
