//! dotnet/runtime#129857: the loader hands out `_pActualCode` for a UCO method.

use super::fault;
use crate::engine::Trap;
use crate::image::words::FunctionPointer;
use crate::loader::{VmProcess, entry, method_pep};
use crate::scenario::MethodId;

fault! {
    /// Filed 2026-06-25.
    ///
    /// `delegate* unmanaged<int,int,int> p = &UcoAdd; p(2, 3)` traps. The `MethodEntry` resolver
    /// (`jitinterface.cpp`) makes the slot callable from R2R first, as it must for every managed
    /// method; the thunk key comes from the metadata signature, whose convention is DEFAULT even
    /// for a UCO method, so the compare-and-swap puts a *managed-typed* R2R-to-interpreter thunk
    /// into `_pActualCode`. From then on the entry point "has native code", and that word is what
    /// the unmanaged path hands out.
    ///
    /// Observed upstream: `result=0x1924`, a table index (`IsVirtualIP=0`) of type
    /// `(i32 i32 i32 i32)->i32`, where site and body are `(i32 i32)->i32`; `hasNative=1`. Order
    /// matters: with the R2R body published before the pointer is taken, `_pActualCode` happens to
    /// be right.
    id: "issue-129857",
    title: "ldftn of a UCO method hands out _pActualCode, a managed-typed thunk",
    family: CallingConvention,
    class: SignatureMismatch,
    upstream: [129857, 129766],

    impl Loader {
        fn uco_method_entry(
            &self,
            process: &mut VmProcess<'_>,
            method: MethodId,
        ) -> Result<FunctionPointer, Trap> {
            actual_code(process, method)
        }
    }
}

/// Hands out `_pActualCode`, whatever got there first.
pub(super) fn actual_code(
    process: &mut VmProcess<'_>,
    method: MethodId,
) -> Result<FunctionPointer, Trap> {
    entry::ensure_callable_from_r2r(process, method.into())?;
    let pep = method_pep(process, method)?;
    let words = pep.words(process)?;
    if words.has_native_code() {
        return Ok(words.actual_code.into());
    }
    entry::publish_unmanaged_entry(process, method).map(FunctionPointer::from)
}
