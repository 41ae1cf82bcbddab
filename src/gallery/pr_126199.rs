//! dotnet/runtime#126199: an open virtual delegate's compiled target gets its arguments one slot
//! off.

use super::fault;
use crate::engine::Trap;
use crate::loader::VmProcess;
use crate::loader::entry;
use crate::loader::interpreter::{self, Arguments};
use crate::image::words::{ObjectAddress, PepAddress};

fault! {
    /// The interpreter keeps the delegate in the first argument slot. With a target that is
    /// interpreted it shifts the others down; with one that is compiled (`targetIp == NULL`) it
    /// wrote the null target over the slot and left the others where they were. The mend is
    /// `ShiftDelegateCallArgs`.
    id: "pr-126199",
    title: "an open virtual delegate's compiled target gets its arguments one slot off",
    family: NoByteCode,
    class: WrongArguments,
    upstream: [126199],

    impl Loader {
        fn open_virtual_call(
            &self,
            process: &mut VmProcess<'_>,
            target: PepAddress,
            arguments: &mut Arguments,
        ) -> Result<(), Trap> {
            let (callee, _) = interpreter::owner(process, target)?;
            entry::do_prestub(process, callee)?;
            if target.words(process)?.interpreter_data == 0 {
                let receiver = arguments.this.replace(ObjectAddress::default());
                arguments.put_first(receiver.unwrap_or_default().get());
            }
            Ok(())
        }
    }
}
