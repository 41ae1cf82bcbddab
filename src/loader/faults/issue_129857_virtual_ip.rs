//! dotnet/runtime#129857, first repair that was tried: translate a virtual IP.

use super::issue_129857::actual_code;
use super::{Family, Fault};
use crate::engine::Trap;
use crate::loader::words::FunctionPointer;
use crate::loader::{Decision, Loader, VmProcess, images};
use crate::scenario::MethodId;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &VirtualIp,
    family: Family::C2,
    class: Class::SignatureMismatch,
    decision: Some(Decision::UcoMethodEntry),
    upstream: &[129857, 128423],
    title: "repair that fails: translate _pActualCode as if it were a virtual IP",
    source: include_str!("issue_129857_virtual_ip.rs"),
};

/// The result is translated with
/// `ExecutionManager::GetWasmFunctionTableIndexFromVirtualIP` if it is a
/// virtual IP. It never is (`IsVirtualIP=0`: 0x1924 has neither the top bit nor
/// bit 0 set), so the managed thunk's index goes out as before and traps as before.
#[derive(Debug)]
struct VirtualIp;

impl Loader for VirtualIp {
    fn id(&self) -> &'static str {
        "issue-129857-virtual-ip"
    }

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
