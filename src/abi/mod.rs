//! Lowering of signatures to wasm types and thunk keys, as each upstream party computes it.
//!
//! * The JIT ([`jit`]; `jit/codegenwasm.cpp` `genCallInstruction`, `getWasmTypeSymbol`): the type
//!   that a call site names.
//! * crossgen2 ([`crossgen`]; `tools/Common/JitInterface/WasmLowering.cs`): the type of a body or
//!   thunk, its key, and the argument layout that is raised back from a key.
//! * The VM ([`vm`]; `vm/wasm/helpers.cpp` `GetSignatureKey`, `vm/callingconvention.h`
//!   `ArgIterator`): the key that it looks thunks up by, and the interpreter's argument slots.
//!
//! They are kept apart on purpose: half of the upstream bug family (families
//! hidden-arguments and key-or-layout) is one of them disagreeing with another.

pub mod crossgen;
pub mod jit;
pub mod vm;
pub mod wasm;

pub use wasm::{FuncType, ValType};

/// Which of the two shapes a call or a body has
/// (`LoweringFlags.IsUnmanagedCallersOnly` in WasmLowering.cs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `(sp, [this], [retbuf], args..., pep)`.
    Managed,
    /// `([retbuf], args...)`: UCO bodies, native functions, unmanaged call sites.
    Unmanaged,
}

#[cfg(test)]
mod tests;
