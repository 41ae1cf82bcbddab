//! dotnet/runtime#120153: a boxed receiver's slot holds the method itself.

use super::fault;

fault! {
    /// Dispatch on a boxed struct must go through an unboxing stub, which moves `this` from the box
    /// to the value in it. Without one the method sees the box: four bytes off, and the same type
    /// to wasm.
    id: "pr-120153",
    title: "a boxed receiver's slot holds the method itself",
    family: DeclaredShape,
    class: WrongArguments,
    upstream: [120153, 132787, 133218],

    impl Loader {
        fn unboxes(&self) -> bool {
            false
        }
    }
}
