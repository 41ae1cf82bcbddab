//! dotnet/runtime#129850: R2R code drops this when it calls shared generic code.

use super::fault;

fault! {
    /// After the inlined P/Invokes, the first NullReferenceException came from inside
    /// `Dictionary<__Canon,__Canon>.Initialize`: its caller had passed no receiver. Formatting that
    /// exception failed the same way, and recursed until the stack was used up.
    id: "issue-129850-this",
    title: "R2R code drops this when it calls shared generic code",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [129850],

    impl Compiler {
        fn passes_this_to_shared_code(&self) -> bool {
            false
        }
    }
}
