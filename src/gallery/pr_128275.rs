//! dotnet/runtime#128275: reflection counts the return buffer as an argument.

use super::fault;

fault! {
    /// Reflection's walk over the arguments gave the return buffer a slot of its own in front of
    /// them: each argument is read one slot too early.
    id: "pr-128275",
    title: "reflection counts the return buffer as an argument",
    family: HiddenArguments,
    class: WrongArguments,
    upstream: [128275],

    impl Loader {
        fn reflection_skips_return_buffer(&self) -> bool {
            false
        }
    }
}
