//! dotnet/runtime#129857, second repair that was tried: `GetNativeCode()`.

use super::{Family, Fault};
use crate::engine::Trap;
use crate::loader::words::FunctionPointer;
use crate::loader::{Decision, Loader, VmProcess, method_pep};
use crate::scenario::MethodId;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &NativeCode,
    family: Family::C2,
    class: Class::OutOfBounds,
    decision: Some(Decision::UcoMethodEntry),
    upstream: &[129857],
    title: "repair that fails: hand out GetNativeCode(), the portable entry point's address",
    source: include_str!("issue_129857_native_code.rs"),
};

/// On this platform a method's native code *is* the address of its portable
/// entry point (upstream saw `nativeCode = pep = 0x409e8a8`), far past the end
/// of the table: the unmanaged call is out of bounds.
#[derive(Debug)]
struct NativeCode;

impl Loader for NativeCode {
    fn id(&self) -> &'static str {
        "issue-129857-native-code"
    }

    fn uco_method_entry(
        &self,
        process: &mut VmProcess<'_>,
        method: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        method_pep(process, method).map(FunctionPointer::from)
    }
}
