//! dotnet/runtime#129173: the wrapper of a UCO method returns nothing.

use super::fault;

fault! {
    /// The generator wrote `void` for the result of every wrapper. A UCO method with a result is
    /// entered through a function of another type: the linker's `signature_mismatch` stub, or the
    /// trap.
    id: "pr-129173",
    title: "the wrapper of a UCO method returns nothing",
    family: ReverseThunk,
    class: SignatureMismatch,
    upstream: [129173, 128181],

    impl Compiler {
        fn reverse_thunks_return(&self) -> bool {
            false
        }
    }
}
