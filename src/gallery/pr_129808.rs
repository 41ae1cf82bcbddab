//! dotnet/runtime#129808: reflection does not run a method that is compiled only.

use super::fault;
use crate::engine::Trap;
use crate::loader::interpreter::{self, Arguments};
use crate::image::words::{Address, PepAddress};
use crate::loader::{VmProcess, entry};

fault! {
    /// `CallDescrWorkerInternal` looks for byte code; a method that is R2R only has none, so that
    /// the target is null and the method never runs. The result area aliases the arguments: the
    /// caller sees its first argument again (`InterlockedTest.TestCompareExchangeUnextended`).
    id: "pr-129808",
    title: "reflection does not run a method that is compiled only",
    family: NoByteCode,
    class: WrongCallee,
    upstream: [129808, 129766],

    impl Loader {
        fn reflected_call(
            &self,
            process: &mut VmProcess<'_>,
            target: PepAddress,
            arguments: &Arguments,
            ret: Address,
        ) -> Result<bool, Trap> {
            let (callee, _) = interpreter::owner(process, target)?;
            entry::do_prestub(process, callee)?;
            if target.words(process)?.interpreter_data != 0 {
                return Ok(false);
            }
            process.write(ret.get(), arguments.values.get(..8).unwrap_or_default())?;
            Ok(true)
        }
    }
}
