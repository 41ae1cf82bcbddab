//! The instructions that emitted functions are made of.
//!
//! Every function body exists once, as a list of [`Op`]s. The
//! [encoder](super::encode) writes it as wasm; the paper engine executes it
//! directly. There are no branches and no loops: the operand chains of R2R
//! code and of the thunks have none, and a straight line is what a reader can
//! check against the upstream disassembly.

use crate::abi::ValType;
use crate::index::ids;

ids! {
    /// Position of a function type in [`Program::types`](super::Program::types).
    /// Two equal ids mean two equal types, whichever module they stand in.
    pub struct TypeId(u32);
}

/// A global that modules share. All but the first and last are constant for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Global {
    /// `__stack_pointer`, mutable.
    StackPointer,
    /// `__memory_base`: where the image's payload was put.
    MemoryBase,
    /// `__table_base`: the table index of the image's function 0.
    TableBase,
    /// `__async_continuation`, mutable.
    AsyncContinuation,
}

/// One wasm instruction. Offsets are static memory offsets in bytes; accesses
/// claim no alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `local.get`.
    LocalGet(u32),
    /// `local.set`.
    LocalSet(u32),
    /// `global.get`.
    GlobalGet(Global),
    /// `global.set`; only of the mutable globals.
    GlobalSet(Global),
    /// `i32.const`.
    I32Const(i32),
    /// `i32.add`, wrapping.
    I32Add,
    /// `i32.sub`, wrapping.
    I32Sub,
    /// `<type>.load`.
    Load(ValType, u32),
    /// `<type>.store`.
    Store(ValType, u32),
    /// `i32.load16_u`.
    LoadHalf(u32),
    /// `memory.copy`: pops length, source, destination.
    MemoryCopy,
    /// `memory.fill`: pops length, byte value, destination.
    MemoryFill,
    /// `call_indirect` through table 0: pops the table index, then the arguments.
    CallIndirect(TypeId),
    /// Calls the one imported host function, `(i32 function, i32, i32, i32, i32) -> i32`:
    /// the modelled VM. Only the runtime module has it.
    CallHost,
    /// `drop`.
    Drop,
    /// `select` of two `i32`: pops condition, second, first.
    Select,
    /// `unreachable`.
    Unreachable,
}
