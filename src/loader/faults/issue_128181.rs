//! dotnet/runtime#128181: the program's own reverse thunks are not linked in.

use super::{Family, Fault};
use crate::image::facts::Role;
use crate::loader::Vm;
use crate::loader::words::TableIndex;
use crate::loader::{Decision, Loader};
use crate::scenario::MethodId;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &UserTable,
    family: Family::C9,
    class: Class::Abort,
    decision: Some(Decision::ReverseThunk),
    upstream: &[128181, 128248, 124219],
    title: "the program's own reverse thunks are not linked in",
    source: include_str!("issue_128181.rs"),
};

/// The runtime knew the reverse thunks of its own library only. An application's UCO methods, here those
/// of every assembly but the first, have none: `GetUnmanagedCallersOnlyThunk: unknown
/// thunk for unmanaged callers only method`.
#[derive(Debug)]
struct UserTable;

impl Loader for UserTable {
    fn id(&self) -> &'static str {
        "issue-128181"
    }

    fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
        if vm.scenario.layout.method(method).assembly.0 > 0 {
            return None;
        }
        vm.emission.runtime_slot(&Role::ReverseThunk(method)).map(TableIndex)
    }
}
