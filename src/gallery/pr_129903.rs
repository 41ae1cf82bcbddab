//! dotnet/runtime#129903: a call of shared generic code leaves out the context argument.

use super::fault;

fault! {
    /// On wasm all virtual calls went by `ldvirtftn`, and a jump in the importer skipped the code
    /// that adds the hidden instantiation argument. Only multi-dimensional arrays' `Address`
    /// (`CORINFO_CALLCONV_PARAMTYPE`) needs it: the site is short by one `i32` against the key
    /// `iiTip`.
    id: "pr-129903",
    title: "a call of shared generic code leaves out the context argument",
    family: HiddenArguments,
    class: SignatureMismatch,
    upstream: [129903, 129622, 129064],

    impl Compiler {
        fn passes_context(&self) -> bool {
            false
        }
    }
}
