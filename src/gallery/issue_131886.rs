//! dotnet/runtime#131886: an open virtual delegate's _methodPtrAux is a native helper.

use super::fault;
use crate::image::helpers::Helper;
use crate::image::words::{FunctionPointer, PepAddress};

fault! {
    /// `GetVirtualCallStub` gives `CID_VirtualOpenDelegateDispatch`, the table index of a native
    /// helper, for `_methodPtrAux`; the shuffle thunk does `ldfld _methodPtrAux; calli` in the
    /// interpreter, which takes the word for an entry point. A checked build asserts on the canary
    /// (`precode_portable.cpp:109`); a release build reads the words at that small address.
    id: "issue-131886",
    title: "an open virtual delegate's _methodPtrAux is a native helper",
    family: CallingConvention,
    class: OutOfBounds,
    upstream: [131886, 133169],

    impl Loader {
        fn open_virtual_aux(&self, _: PepAddress) -> FunctionPointer {
            Helper::VirtualFunctionPointer.slot().into()
        }
    }
}
