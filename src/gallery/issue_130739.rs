//! dotnet/runtime#130739: two UCO methods share a reverse thunk's key.

use super::fault;
use crate::abi::vm::reverse_thunk_key;
use crate::loader::Vm;
use crate::image::words::TableIndex;
use crate::scenario::MethodId;

fault! {
    /// `{Method}#{argc}:{Assembly}:{Namespace}:{Type}` says nothing of parameter types or of the
    /// types around a nested one: `N.A+Inner.Callback` and `N.B+Inner.Callback` have one key, and
    /// whichever comes first in the table is called for both.
    id: "issue-130739",
    title: "two UCO methods share a reverse thunk's key",
    family: ReverseThunk,
    class: WrongCallee,
    upstream: [130739, 130740],

    impl Loader {
        fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
            let layout = &vm.scenario.layout;
            let key = reverse_thunk_key(layout, layout.method(method));
            let found = layout.methods.position(|candidate| {
                candidate.reverse_thunk && reverse_thunk_key(layout, candidate) == key
            })?;
            vm.facts.runtime.reverse_thunks.get(&found).copied()
        }
    }
}
