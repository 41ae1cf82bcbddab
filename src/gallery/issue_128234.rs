//! dotnet/runtime#128234: the helper of ldvirtftn gives a table index for an entry point.

use super::fault;
use crate::engine::Trap;
use crate::loader::VmProcess;
use crate::image::words::{FunctionPointer, PepAddress};

fault! {
    /// An instance call out of the version bubble went through `CORINFO_HELP_VIRTUAL_FUNC_PTR`, and
    /// what the helper returned was taken for the other kind of pointer. R2R code loads "word 0 of
    /// the entry point" at an address as small as a table index, and calls whatever it finds there.
    id: "issue-128234",
    title: "the helper of ldvirtftn gives a table index for an entry point",
    family: CallingConvention,
    class: OutOfBounds,
    upstream: [128234],

    impl Loader {
        fn virtual_function_pointer(
            &self,
            process: &mut VmProcess<'_>,
            entry_point: PepAddress,
        ) -> Result<FunctionPointer, Trap> {
            entry_point.words(process).map(|words| words.actual_code.into())
        }
    }
}
