//! dotnet/runtime#130384: R2R code calls a native function by the managed convention.

use super::fault;
use crate::abi::Shape;

fault! {
    /// Before inlined P/Invokes, compiled code called the target of a P/Invoke as it calls
    /// everything: `(sp, args..., pep)`. The C function takes `(args...)`.
    id: "pr-130384",
    title: "R2R code calls a native function by the managed convention",
    family: CallingConvention,
    class: SignatureMismatch,
    upstream: [130384],

    impl Compiler {
        fn pinvoke_shape(&self) -> Shape {
            Shape::Managed
        }
    }
}
