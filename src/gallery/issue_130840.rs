//! dotnet/runtime#130840: an open instance delegate's receiver is read from the next slot.

use super::fault;
use crate::image::words::ObjectAddress;
use crate::loader::interpreter::Arguments;

fault! {
    /// Entered from R2R code through `ExecuteInterpretedMethodWithArgs_PortableEntryPoint`,
    /// `INTOP_CALLDELEGATE` looks for the receiver at `callArgsOffset + INTERP_STACK_SLOT_SIZE`,
    /// one slot too far: upstream saw `0x614F646C` there.
    id: "issue-130840",
    title: "an open instance delegate's receiver is read from the next slot",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [130840],

    impl Loader {
        fn open_receiver(&self, arguments: &mut Arguments) -> ObjectAddress {
            arguments.take_first();
            ObjectAddress::new(arguments.clone().take_first())
        }
    }
}
