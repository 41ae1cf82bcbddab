//! WebAssembly function types, as `call_indirect` compares them.

use std::fmt;

/// A wasm value type that a lowered signature can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValType {
    /// Also every pointer: the target is wasm32.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
}

impl ValType {
    /// Bytes in memory.
    pub fn size(self) -> u32 {
        match self {
            ValType::I32 | ValType::F32 => 4,
            ValType::I64 | ValType::F64 => 8,
            ValType::V128 => 16,
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
        })
    }
}

/// A function type. CoreCLR never returns more than one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncType {
    /// Parameters in order.
    pub params: Vec<ValType>,
    /// The result, if any.
    pub result: Option<ValType>,
}

impl FuncType {
    /// A type from its parts.
    pub fn new(params: impl Into<Vec<ValType>>, result: Option<ValType>) -> Self {
        Self { params: params.into(), result }
    }
}

impl fmt::Display for FuncType {
    /// `(i32 i64)->i32`, and `()` for no result, as the upstream threads write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, p) in self.params.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{p}")?;
        }
        match self.result {
            Some(r) => write!(f, ")->{r}"),
            None => f.write_str(")->()"),
        }
    }
}
