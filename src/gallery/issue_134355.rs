//! dotnet/runtime#134355: an exported wrapper interprets a UCO method that is compiled only.

use super::fault;
use crate::loader::decisions::ExportDispatch;

fault! {
    /// Native exports do not go through `GetUnmanagedCallersOnlyThunk`: they enter the generated
    /// `Call_*` wrapper, which always goes on to `ExecuteInterpretedMethodFromUnmanaged`. With an
    /// R2R body there is no byte code to interpret.
    id: "issue-134355",
    title: "an exported wrapper interprets a UCO method that is compiled only",
    family: NoByteCode,
    class: Abort,
    upstream: [134355],

    impl Loader {
        fn dispatches_exports(&self) -> ExportDispatch {
            ExportDispatch::Interpret
        }
    }
}
