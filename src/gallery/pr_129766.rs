//! dotnet/runtime#129766: native code enters a compiled UCO method through the interpreter.

use super::fault;
use crate::loader::decisions::ExportDispatch;

fault! {
    /// `GetUnmanagedCallersOnlyThunk` gave out the reverse thunk although the method had an R2R
    /// body. `ExecuteInterpretedMethodFromUnmanaged` then finds no byte code: address 0 is
    /// readable, and reads as opcode 0, `INTOP_INVALID`. Seen at the start of xUnit's discovery.
    id: "pr-129766",
    title: "native code enters a compiled UCO method through the interpreter",
    family: NoByteCode,
    class: Abort,
    upstream: [129766],

    impl Loader {
        fn prefers_unmanaged_body(&self) -> bool {
            false
        }

        fn dispatches_exports(&self) -> ExportDispatch {
            ExportDispatch::Interpret
        }
    }
}
