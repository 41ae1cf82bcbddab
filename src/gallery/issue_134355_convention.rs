//! dotnet/runtime#134355: an exported wrapper calls its UCO body by the managed convention.

use super::fault;
use crate::loader::decisions::ExportDispatch;

fault! {
    /// One of the two failures that #134355 saw in callbacks such as
    /// `SystemJS_ExecuteBackgroundJobCallback`: the wrapper ends in `InvokeManagedMethod`, whose
    /// interpreter-to-R2R thunk has the managed type, on a body of the native one.
    id: "issue-134355-convention",
    title: "an exported wrapper calls its UCO body by the managed convention",
    family: CallingConvention,
    class: SignatureMismatch,
    upstream: [134355],

    impl Loader {
        fn dispatches_exports(&self) -> ExportDispatch {
            ExportDispatch::Managed
        }
    }
}
