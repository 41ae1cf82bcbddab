//! dotnet/runtime#130386: a cold default constructor is handed to a typed call.

use super::fault;

fault! {
    /// The second of the two places that #130386 mended: `CallDefaultConstructor` (behind
    /// `Activator.CreateInstance`) hands a cold entry point to a call of the type of `vTp`.
    id: "pr-130386-default-constructor",
    title: "a cold default constructor is handed to a typed call",
    family: ColdSlot,
    class: NullSlot,
    upstream: [130386],

    impl Loader {
        fn ensures_default_constructor(&self) -> bool {
            false
        }
    }
}
