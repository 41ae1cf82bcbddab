//! dotnet/runtime#129857, second repair that was tried: `GetNativeCode()`.

use super::fault;
use crate::engine::Trap;
use crate::image::words::FunctionPointer;
use crate::loader::{VmProcess, method_pep};
use crate::scenario::MethodId;

fault! {
    /// On this platform a method's native code *is* the address of its portable entry point
    /// (upstream saw `nativeCode = pep = 0x409e8a8`), far past the end of the table: the unmanaged
    /// call is out of bounds.
    id: "issue-129857-native-code",
    title: "repair that fails: hand out GetNativeCode(), the portable entry point's address",
    family: CallingConvention,
    class: OutOfBounds,
    upstream: [129857],

    impl Loader {
        fn uco_method_entry(
            &self,
            process: &mut VmProcess<'_>,
            method: MethodId,
        ) -> Result<FunctionPointer, Trap> {
            method_pep(process, method).map(FunctionPointer::from)
        }
    }
}
