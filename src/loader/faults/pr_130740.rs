//! dotnet/runtime#130740: no reverse thunk is found for a method of a nested type.

use super::{Family, Fault};
use crate::image::facts::Role;
use crate::loader::Vm;
use crate::loader::words::TableIndex;
use crate::loader::{Decision, Loader};
use crate::scenario::MethodId;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &NestedType,
    family: Family::C9,
    class: Class::Abort,
    decision: Some(Decision::ReverseThunk),
    upstream: &[130739, 130740],
    title: "no reverse thunk is found for a method of a nested type",
    source: include_str!("pr_130740.rs"),
};

/// The generator keys a nested type's method by the namespace around it, "A.B"; the VM asked metadata
/// for the nested type's own namespace, which is empty. No entry: the first cold `ldftn`
/// asserts `portableEntryPoint->HasNativeCode()` (`precode_portable.cpp:35`).
#[derive(Debug)]
struct NestedType;

impl Loader for NestedType {
    fn id(&self) -> &'static str {
        "pr-130740"
    }

    fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
        let symbol = vm.scenario.layout.method(method).symbol.as_deref().unwrap_or_default();
        if symbol.contains('+') {
            return None;
        }
        vm.emission.runtime_slot(&Role::ReverseThunk(method)).map(TableIndex)
    }
}
