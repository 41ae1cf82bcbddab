//! dotnet/runtime#120319: a pointer to shared generic code is not to its instantiating stub.

use super::fault;

fault! {
    /// A generic virtual method over `<string>` fails in the interpreter: the entry point of the
    /// instantiating stub's MethodDesc is not to be had. Who gets the shared method's own entry
    /// point instead calls it without a context.
    id: "issue-120319",
    title: "a pointer to shared generic code is not to its instantiating stub",
    family: HiddenArguments,
    class: SignatureMismatch,
    upstream: [120319],

    impl Loader {
        fn instantiates(&self) -> bool {
            false
        }
    }
}
