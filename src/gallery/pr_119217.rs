//! dotnet/runtime#119217: a JIT helper's cell holds a raw function pointer.

use super::fault;
use crate::image::helpers::Helper;
use crate::image::words::{FunctionPointer, PepAddress};

fault! {
    /// Native pointers used to be told from entry points by their low bit; wasm function pointers
    /// are ordinals from 1, so that tags collide with them. Native helpers need an entry point of
    /// their own: the JIT always dereferences the cell twice, and with a raw index in it loads from
    /// an address as small as that.
    id: "pr-119217",
    title: "a JIT helper's cell holds a raw function pointer",
    family: CallingConvention,
    class: OutOfBounds,
    upstream: [119217],

    impl Loader {
        fn jit_helper_cell(&self, _: PepAddress, helper: Helper) -> FunctionPointer {
            helper.slot().into()
        }
    }
}
