//! dotnet/runtime#130740: no reverse thunk is found for a method of a nested type.

use super::fault;
use crate::loader::Vm;
use crate::image::words::TableIndex;
use crate::scenario::MethodId;

fault! {
    /// The generator keys a nested type's method by the namespace around it, "A.B"; the VM asked
    /// metadata for the nested type's own namespace, which is empty. No entry: the first cold
    /// `ldftn` asserts `portableEntryPoint->HasNativeCode()` (`precode_portable.cpp:35`).
    id: "pr-130740",
    title: "no reverse thunk is found for a method of a nested type",
    family: ReverseThunk,
    class: Abort,
    upstream: [130739, 130740],

    impl Loader {
        fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
            let symbol = vm.scenario.layout.method(method).symbol.as_deref().unwrap_or_default();
            if symbol.contains('+') {
                return None;
            }
            vm.facts.runtime.reverse_thunks.get(&method).copied()
        }
    }
}
