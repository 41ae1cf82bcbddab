//! dotnet/runtime#129356: the interpreter passes the return buffer before this.

use super::fault;

fault! {
    /// An instance method with a struct result wants `($sp, this, retbuf, ...)`; the
    /// interpreter-to-R2R thunk pushed the buffer first. All are `i32`: the body writes its result
    /// over the receiver (`structreturningstruct`, Runtime_53549).
    id: "pr-129356",
    title: "the interpreter passes the return buffer before this",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [129347, 129356],

    impl Compiler {
        fn pushes_this_first(&self) -> bool {
            false
        }
    }
}
