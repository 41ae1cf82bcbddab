//! dotnet/runtime#129850: a P/Invoke's entry point leads straight to the C function.

use super::fault;

fault! {
    /// With CoreLib compiled, `InitHelpers.InitClassSlow` calls the QCall `InitClassHelper`: the
    /// site has the type of `vip`, `(i32 i32 i32)->()`, and the import resolved to the raw native
    /// function, `(i32)->()`. Managed callers must reach a P/Invoke through its marshalling stub.
    id: "issue-129850-qcall",
    title: "a P/Invoke's entry point leads straight to the C function",
    family: CallingConvention,
    class: SignatureMismatch,
    upstream: [129850],

    impl Loader {
        fn marshals_pinvokes(&self) -> bool {
            false
        }
    }
}
