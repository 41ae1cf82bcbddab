//! dotnet/runtime#134312: TableBase stays 0 in an image's header.

use super::fault;

fault! {
    /// The host patches the table base into the payload's header (+28) before the runtime applies
    /// WASM32_TABLE relocations. Left at 0, every index of the image is off by its table base:
    /// methods and thunks lead to the host's own low slots.
    id: "pr-134312",
    title: "TableBase stays 0 in an image's header",
    family: ImportCell,
    class: NullSlot,
    upstream: [134312],

    impl Loader {
        fn patches_table_base(&self) -> bool {
            false
        }
    }
}
