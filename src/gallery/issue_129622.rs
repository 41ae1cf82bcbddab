//! dotnet/runtime#129622: no thunks for signatures that are only called through slots.

use super::fault;
use crate::image::decisions::Root;

fault! {
    /// crossgen2 rooted the transition thunks of direct calls alone; a signature reached only
    /// through `ldvirtftn` or a slot (`iiTip`, `iTiip`) had none. An interpreted override has
    /// nothing to be entered by.
    id: "issue-129622",
    title: "no thunks for signatures that are only called through slots",
    family: MissingThunk,
    class: NullSlot,
    upstream: [129622, 129337],

    impl Compiler {
        fn roots(&self, why: Root) -> bool {
            why != Root::Virtual
        }
    }
}
