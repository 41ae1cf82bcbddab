//! dotnet/runtime#128181: the program's own reverse thunks are not linked in.

use super::fault;
use crate::loader::Vm;
use crate::image::words::TableIndex;
use crate::scenario::MethodId;

fault! {
    /// The runtime knew the reverse thunks of its own library only. An application's UCO methods,
    /// here those of every assembly but the first, have none:
    /// `GetUnmanagedCallersOnlyThunk: unknown thunk for unmanaged callers only method`.
    id: "issue-128181",
    title: "the program's own reverse thunks are not linked in",
    family: ReverseThunk,
    class: Abort,
    upstream: [128181, 128248, 124219],

    impl Loader {
        fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
            if vm.scenario.layout.method(method).assembly.0 > 0 {
                return None;
            }
            vm.facts.runtime.reverse_thunks.get(&method).copied()
        }
    }
}
