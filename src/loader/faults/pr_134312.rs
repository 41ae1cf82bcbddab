//! dotnet/runtime#134312: TableBase stays 0 in an image's header.

use super::{Family, Fault};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &TableBase,
    family: Family::C8,
    class: Class::NullSlot,
    decision: Some(Decision::PatchesTableBase),
    upstream: &[134312],
    title: "TableBase stays 0 in an image's header",
    source: include_str!("pr_134312.rs"),
};

/// The host patches the table base into the payload's header (+28) before the runtime applies
/// WASM32_TABLE relocations. Left at 0, every index of the image is off by its table base: methods
/// and thunks lead to the host's own low slots.
#[derive(Debug)]
struct TableBase;

impl Loader for TableBase {
    fn id(&self) -> &'static str {
        "pr-134312"
    }

    fn patches_table_base(&self) -> bool {
        false
    }
}
