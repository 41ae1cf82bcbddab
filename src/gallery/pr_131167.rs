//! dotnet/runtime#131167: a resumption stub's index is not relocated.

use super::fault;

fault! {
    /// A suspended runtime-async method is resumed through a stub whose table index lies in data.
    /// Without the relocation that runtime-async brought, the word is the index within the module.
    id: "pr-131167",
    title: "a resumption stub's index is not relocated",
    family: ImportCell,
    class: NullSlot,
    upstream: [131167, 130952, 131232],

    impl Loader {
        fn relocates_resumption_stubs(&self) -> bool {
            false
        }
    }
}
