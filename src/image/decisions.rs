//! The decisions of crossgen2, the JIT and the native build that a fault can get wrong.
//!
//! The same arrangement as for the [loader's](crate::loader::Loader): the
//! defaults are right, and a fault overrides one. A compiler that is not
//! [`FixedCompiler`] emits modules of its own.

use super::declare::decisions;
use crate::abi::Shape;
use crate::abi::crossgen::Lowered;
use crate::scenario::Layout;

/// Which way a transition thunk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// An `I` thunk: R2R code calls the interpreter.
    ToInterpreter,
    /// An `M` thunk: the interpreter calls R2R code.
    FromInterpreter,
}

/// Why crossgen2 roots the two transition thunks of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A method with this signature is compiled.
    Body,
    /// A call with this signature is compiled.
    Call,
    /// A delegate's `Invoke` is compiled, or a delegate is made.
    Delegate,
    /// Code takes the address of a method with this signature.
    Pointer,
    /// A slot is called through.
    Virtual,
}

decisions! {
    /// What emits modules.
    pub trait Compiler: CompilerDecision {
        /// Tells it from other compilers: modules are cached by this, too.
        fn name(&self) -> &'static str;
    }

    impl Compiler for ComposedCompiler {
        fn name(&self) -> &'static str {
            self.name
        }
    }

    /// Where a transition thunk puts or finds `this` and each argument, and the size of the whole
    /// area: the layout that `RaiseSignature` gives a key.
    ArgumentSlots: fn argument_slots(
        layout: &Layout,
        transition: Transition,
        lowered: &Lowered,
    ) -> (Vec<u32>, u32) {
        lowered.argument_slots()
    }

    /// Whether the `I` thunk for this signature copies structs, and not the addresses that they are
    /// passed by (#132965).
    CopiesStructs: fn copies_structs(lowered: &Lowered) -> bool { true }

    /// Whether a signature's transition thunks are emitted for this reason (#132965).
    Roots: fn roots(why: Root) -> bool { true }

    /// Whether `M` thunks push the return buffer behind `this`, as `(sp, this, retbuf, ...)` wants
    /// it (#129356).
    PushesThisFirst: fn pushes_this_first() -> bool { true }

    /// Whether `M` thunks leave `__stack_pointer` as they found it (#130384).
    RestoresStackPointer: fn restores_stack_pointer() -> bool { true }

    /// Whether the prolog of a UCO body gets its stack pointer from `__stack_pointer` (#133894).
    ReadsStackPointer: fn reads_stack_pointer() -> bool { true }

    /// Whether a call of shared generic code on an instance passes `this` (#129850).
    PassesThisToSharedCode: fn passes_this_to_shared_code() -> bool { true }

    /// Whether a call of shared generic code passes the context argument (#129903).
    PassesContext: fn passes_context() -> bool { true }

    /// Whether reverse thunks give back what the UCO method returns (#129173).
    ReverseThunksReturn: fn reverse_thunks_return() -> bool { true }

    /// The shape in which R2R code calls a P/Invoke's target (#130384).
    PInvokeShape: fn pinvoke_shape() -> Shape { Shape::Unmanaged }

    /// Whether FCalls are entered through a wrapper of the managed type (`WASM_CALLABLE_FUNC`,
    /// `vm/fcall.h`).
    WrapsFCalls: fn wraps_fcalls() -> bool { true }
}

/// Several compilers in one: each decision is taken by the one that was named for it, else by
/// [`FixedCompiler`].
#[derive(Debug)]
pub struct ComposedCompiler {
    name: &'static str,
    deciders: [&'static dyn Compiler; CompilerDecision::ALL.len()],
}

impl ComposedCompiler {
    /// The right compiler, under a name that no other one may have.
    pub fn new(name: &'static str) -> Self {
        Self { name, deciders: [&FixedCompiler; CompilerDecision::ALL.len()] }
    }

    /// This decision is taken by `decider` from now on.
    pub fn ask(&mut self, decision: CompilerDecision, decider: &'static dyn Compiler) {
        self.deciders[decision as usize] = decider;
    }

    fn asked(&self, decision: CompilerDecision) -> &'static dyn Compiler {
        self.deciders[decision as usize]
    }
}

/// The compiler as it should be.
#[derive(Debug)]
pub struct FixedCompiler;

impl Compiler for FixedCompiler {
    fn name(&self) -> &'static str {
        "fixed"
    }
}
