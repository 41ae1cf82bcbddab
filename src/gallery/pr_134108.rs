//! dotnet/runtime#134108: a delegate closed over a static method swaps target and return buffer.

use super::fault;

fault! {
    /// `Invoke` passes `(sp, target, retbuf, ...)`. For a delegate closed over the first argument
    /// of a static method with a struct result `_methodPtr` is the method's own entry point, and
    /// that wants `(sp, retbuf, target, ...)`: the same wasm type, and silent. The change adds `D`
    /// thunks that swap the two.
    id: "pr-134108",
    title: "a delegate closed over a static method swaps target and return buffer",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [134108],

    impl Loader {
        fn swaps_return_buffer(&self) -> bool {
            false
        }
    }
}
