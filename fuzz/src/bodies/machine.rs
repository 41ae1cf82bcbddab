//! What is asked of an engine, and the vocabulary of answers.

use calliper::inside::{FuncType, TableIndex, ValType};

/// A wasm value, bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub ty: ValType,
    /// The lowest bits of it.
    pub bits: u128,
}

impl Value {
    /// The value at the start of these bytes.
    pub fn read(ty: ValType, bytes: &[u8]) -> Self {
        let mut all = [0; 16];
        let size = ty.size() as usize;
        all[..size].copy_from_slice(&bytes[..size]);
        Self { ty, bits: u128::from_le_bytes(all) }
    }
}

/// Why a call ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    SignatureMismatch,
    NullElement,
    TableOutOfBounds,
    MemoryOutOfBounds,
    Unreachable,
    DivisionByZero,
    IntegerOverflow,
    BadConversion,
    StackExhausted,
}

/// How a call ended.
pub(super) type Ending = Result<Option<Value>, Stop>;

/// The harness and the bodies, twice: to be called directly, and to be called by the harness.
pub(super) trait Machine {
    /// The table slot of the one callee.
    fn slot(&mut self) -> TableIndex;

    /// Linear memory of the harness.
    fn memory(&mut self) -> &mut [u8];

    /// The operands with which the function in a table slot calls a callee of type `ty`.
    fn operands(&mut self, caller: TableIndex, arguments: [u32; 3], ty: &FuncType) -> Vec<Value>;

    /// Calls a body.
    fn direct(&mut self, body: &str, operands: &[Value], ty: &FuncType) -> Ending;

    /// Calls a body by the function in a table slot.
    fn through(&mut self, body: &str, caller: TableIndex, arguments: [u32; 3]) -> Result<(), Stop>;
}
