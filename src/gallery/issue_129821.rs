//! dotnet/runtime#129821: the cell of a generic lookup has no helper.

use super::fault;

fault! {
    /// `DelayLoadHelperImport` set its helper to null for a generic lookup. R2R code loads the
    /// helper's table index from the record that the cell leads to, and calls slot 0.
    id: "issue-129821",
    title: "the cell of a generic lookup has no helper",
    family: ImportCell,
    class: NullSlot,
    upstream: [129821, 129825],

    impl Loader {
        fn fills_generic_lookups(&self) -> bool {
            false
        }
    }
}
