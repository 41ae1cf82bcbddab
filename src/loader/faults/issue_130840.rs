//! dotnet/runtime#130840: an open instance delegate's receiver is read from the next slot.

use super::{Family, Fault};
use crate::loader::interpreter::Arguments;
use crate::loader::{Decision, Loader};
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &OpenReceiver,
    family: Family::C4,
    class: Class::WrongArguments,
    decision: Some(Decision::OpenReceiver),
    upstream: &[130840],
    title: "an open instance delegate's receiver is read from the next slot",
    source: include_str!("issue_130840.rs"),
};

/// Entered from R2R code through `ExecuteInterpretedMethodWithArgs_PortableEntryPoint`,
/// `INTOP_CALLDELEGATE` looks for the receiver at
/// `callArgsOffset + INTERP_STACK_SLOT_SIZE`, one slot too far: upstream saw `0x614F646C` there.
#[derive(Debug)]
struct OpenReceiver;

impl Loader for OpenReceiver {
    fn id(&self) -> &'static str {
        "issue-130840"
    }

    fn open_receiver(&self, arguments: &mut Arguments) -> u32 {
        arguments.take_first();
        arguments.clone().take_first()
    }
}
