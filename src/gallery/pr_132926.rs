//! dotnet/runtime#132926: no thunks for signatures that only delegates have.

use super::fault;
use crate::image::decisions::Root;

fault! {
    /// When the hand-written thunks were deleted, an R2R-to-interpreter thunk had to exist for
    /// every entry point that code materialises: a delegate's `Invoke` is one that no method has
    /// the signature of. CI reported `IvTiiidp`, `IlTiiiiip`, `IS52Tp` and others missing.
    id: "pr-132926",
    title: "no thunks for signatures that only delegates have",
    family: MissingThunk,
    class: NullSlot,
    upstream: [132926, 132965],

    impl Compiler {
        fn roots(&self, why: Root) -> bool {
            why != Root::Delegate
        }
    }
}
