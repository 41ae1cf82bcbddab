//! dotnet/runtime#132965: a hand-written thunk shadows crossgen2's and does not copy its struct.

use super::fault;
use crate::abi::crossgen::Lowered;

fault! {
    /// Until #132965 a static table of 17 hand-written R2R-to-interpreter thunks was consulted
    /// before the registry. Some corrupted memory: here, the one for `IiiS8p` hands on the address
    /// of its struct where the interpreter expects the struct.
    id: "pr-132965",
    title: "a hand-written thunk shadows crossgen2's and does not copy its struct",
    family: MissingThunk,
    class: WrongArguments,
    upstream: [132965],

    impl Compiler {
        fn copies_structs(&self, lowered: &Lowered) -> bool {
            lowered.to_string() != "iiS8p"
        }
    }
}
