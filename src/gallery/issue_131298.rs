//! dotnet/runtime#131298: an FCall is entered without its wrapper.

use super::fault;

fault! {
    /// FCalls are declared with `WASM_CALLABLE_FUNC`: the exported function has the managed type,
    /// `(sp, args..., pep)`, and the C++ function behind it the plain one. An FCall that only
    /// checked builds declare came without.
    id: "issue-131298",
    title: "an FCall is entered without its wrapper",
    family: DeclaredShape,
    class: SignatureMismatch,
    upstream: [131298],

    impl Compiler {
        fn wraps_fcalls(&self) -> bool {
            false
        }
    }
}
