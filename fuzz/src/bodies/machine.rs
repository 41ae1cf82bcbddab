//! What is asked of an engine, and the vocabulary of answers.

use calliper::inside::{FuncType, TableIndex, Trap, ValType};

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

    /// An `i32`.
    pub fn word(word: u32) -> Self {
        Self { ty: ValType::I32, bits: word.into() }
    }

    /// Zero of this type.
    pub fn zero(ty: ValType) -> Self {
        Self { ty, bits: 0 }
    }
}

/// Why a call ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// As emitted code can end.
    Trap(Trap),
    DivisionByZero,
    IntegerOverflow,
    BadConversion,
}

/// How a call ended.
pub(super) type Ending = Result<Option<Value>, Stop>;

/// Which of the two instances of the bodies.
#[derive(Clone, Copy)]
pub(super) enum Called {
    Directly,
    ByTheHarness,
}

/// The harness and the bodies, twice: to be called directly, and to be called by the harness.
pub(super) trait Machine {
    /// A function in the store.
    type Function;

    /// The table slot of the one callee.
    fn slot(&self) -> TableIndex;

    /// Linear memory of the harness.
    fn memory(&mut self) -> &mut [u8];

    /// A body.
    fn body(&mut self, called: Called, name: &str) -> Self::Function;

    /// A function that keeps its operands and answers zero.
    fn recorder(&mut self, ty: &FuncType) -> Self::Function;

    /// What a recorder kept last.
    fn recorded(&mut self) -> Vec<Value>;

    /// Puts the one callee into its slot.
    fn set_callee(&mut self, callee: Self::Function);

    /// The function in a table slot.
    fn function(&mut self, slot: TableIndex) -> Option<Self::Function>;

    /// Calls a function, whose result is of type `result`.
    fn call(
        &mut self,
        function: Self::Function,
        operands: &[Value],
        result: Option<ValType>,
    ) -> Ending;

    /// Calls a callee by the function in a table slot.
    fn enter(
        &mut self,
        callee: Self::Function,
        caller: TableIndex,
        arguments: [u32; 3],
    ) -> Result<(), Stop> {
        self.set_callee(callee);
        let caller = self.function(caller).ok_or(Stop::Trap(Trap::NullElement))?;
        self.call(caller, &arguments.map(Value::word), None).map(|_| ())
    }

    /// The operands with which the function in a table slot calls a callee of type `ty`.
    fn operands(&mut self, caller: TableIndex, arguments: [u32; 3], ty: &FuncType) -> Vec<Value> {
        let recorder = self.recorder(ty);
        self.enter(recorder, caller, arguments).expect("the callee is of the caller's type");
        self.recorded()
    }

    /// Calls a body.
    fn direct(&mut self, body: &str, operands: &[Value], ty: &FuncType) -> Ending {
        let body = self.body(Called::Directly, body);
        self.call(body, operands, ty.result)
    }

    /// Calls a body by the function in a table slot.
    fn through(&mut self, body: &str, caller: TableIndex, arguments: [u32; 3]) -> Result<(), Stop> {
        let body = self.body(Called::ByTheHarness, body);
        self.enter(body, caller, arguments)
    }
}

/// Types and values as an engine's crate has them, and back. What differs is how floats are made of
/// bits, and become bits.
macro_rules! conversions {
    ($engine:ident, from bits: $f32:path, $f64:path; to bits: $bits_of_f32:path, $bits_of_f64:path) => {
        fn val_type(ty: ValType) -> $engine::ValType {
            match ty {
                ValType::I32 => $engine::ValType::I32,
                ValType::I64 => $engine::ValType::I64,
                ValType::F32 => $engine::ValType::F32,
                ValType::F64 => $engine::ValType::F64,
                ValType::V128 => $engine::ValType::V128,
            }
        }

        fn val(Value { ty, bits }: Value) -> $engine::Val {
            match ty {
                ValType::I32 => $engine::Val::I32(bits as i32),
                ValType::I64 => $engine::Val::I64(bits as i64),
                ValType::F32 => $engine::Val::F32($f32(bits as u32)),
                ValType::F64 => $engine::Val::F64($f64(bits as u64)),
                ValType::V128 => $engine::Val::V128(bits.into()),
            }
        }

        fn value(val: &$engine::Val) -> Value {
            let (ty, bits) = match *val {
                $engine::Val::I32(value) => (ValType::I32, (value as u32).into()),
                $engine::Val::I64(value) => (ValType::I64, (value as u64).into()),
                $engine::Val::F32(value) => (ValType::F32, $bits_of_f32(value).into()),
                $engine::Val::F64(value) => (ValType::F64, $bits_of_f64(value).into()),
                $engine::Val::V128(value) => (ValType::V128, value.as_u128()),
                ref other => unreachable!("{other:?} in a lowered signature"),
            };
            Value { ty, bits }
        }
    };
}
pub(super) use conversions;
