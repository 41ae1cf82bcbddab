//! dotnet/runtime#131886: an open virtual delegate's _methodPtrAux is a native helper.

use super::{Family, Fault};
use crate::image::helpers::Helper;
use crate::loader::words::{FunctionPointer, PepAddress};
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &OpenVirtual,
    family: Family::C2,
    class: Class::OutOfBounds,
    decision: Some(Decision::OpenVirtualAux),
    upstream: &[131886, 133169],
    title: "an open virtual delegate's _methodPtrAux is a native helper",
    source: include_str!("issue_131886.rs"),
};

/// `GetVirtualCallStub` gives `CID_VirtualOpenDelegateDispatch`, the table index of a native helper, for
/// `_methodPtrAux`; the shuffle thunk does `ldfld _methodPtrAux; calli` in the interpreter,
/// which takes the word for an entry point. A checked build asserts on the canary
/// (`precode_portable.cpp:109`); a release build reads the words at that small address.
#[derive(Debug)]
struct OpenVirtual;

impl Loader for OpenVirtual {
    fn id(&self) -> &'static str {
        "issue-131886"
    }

    fn open_virtual_aux(&self, _: PepAddress) -> FunctionPointer {
        FunctionPointer(Helper::VirtualFunctionPointer.slot())
    }
}
