//! dotnet/runtime#129857, first repair that was tried: translate a virtual IP.

use super::fault;
use super::issue_129857::actual_code;
use crate::engine::Trap;
use crate::image::words::FunctionPointer;
use crate::loader::{VmProcess, images};
use crate::scenario::MethodId;

fault! {
    /// The result is translated with `ExecutionManager::GetWasmFunctionTableIndexFromVirtualIP` if
    /// it is a virtual IP. It never is (`IsVirtualIP=0`: 0x1924 has neither the top bit nor bit 0
    /// set), so the managed thunk's index goes out as before and traps as before.
    id: "issue-129857-virtual-ip",
    title: "repair that fails: translate _pActualCode as if it were a virtual IP",
    family: CallingConvention,
    class: SignatureMismatch,
    upstream: [129857, 128423],

    impl Loader {
        fn uco_method_entry(
            &self,
            process: &mut VmProcess<'_>,
            method: MethodId,
        ) -> Result<FunctionPointer, Trap> {
            let result = actual_code(process, method)?;
            Ok(match result.as_virtual_ip() {
                Some(ip) => images::table_index_of_virtual_ip(process.vm(), ip)
                    .map_or(result, FunctionPointer::from),
                None => result,
            })
        }
    }
}
