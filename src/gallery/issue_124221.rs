//! dotnet/runtime#124221: the interpreter takes a shuffle thunk's code for its entry point.

use super::fault;
use crate::engine::Trap;
use crate::loader::VmProcess;
use crate::image::words::FunctionPointer;

fault! {
    /// The interpreter-only twin of #131886: for an open virtual delegate, `INTOP_CALLDELEGATE`
    /// dereferences `_methodPtr` once and takes what it finds, the code behind the entry point or
    /// null, for the entry point itself.
    id: "issue-124221",
    title: "the interpreter takes a shuffle thunk's code for its entry point",
    family: CallingConvention,
    class: OutOfBounds,
    upstream: [124221, 125138],

    impl Loader {
        fn open_virtual_method_ptr(
            &self,
            process: &mut VmProcess<'_>,
            method_ptr: FunctionPointer,
        ) -> Result<FunctionPointer, Trap> {
            let words = method_ptr.assume_pep().words(process)?;
            Ok(words.actual_code.into())
        }
    }
}
