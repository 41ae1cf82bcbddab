//! How values move between wasm operands and memory, by C# type or by key token.

use super::code::Op;
use super::function::Assembler;
use crate::abi::ValType;
use crate::abi::crossgen::Token;
use crate::scenario::{Layout, StructShape, Type};

/// How a value of a C# type is held by compiled code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// One operand.
    Scalar(ValType),
    /// Two `i64` operands.
    Pair,
    /// This many `v128` operands.
    Vectors(u32),
    /// The address of this many bytes.
    Reference(u32),
}

/// How compiled code holds a value of type `ty`.
pub fn held(layout: &Layout, ty: Type) -> Held {
    match ty {
        Type::I64 | Type::U64 => Held::Scalar(ValType::I64),
        Type::F32 => Held::Scalar(ValType::F32),
        Type::F64 => Held::Scalar(ValType::F64),
        Type::Vector128 => Held::Scalar(ValType::V128),
        Type::Int128 => Held::Pair,
        Type::Vector256 => Held::Vectors(2),
        Type::Vector512 => Held::Vectors(4),
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => held(layout, inner),
            StructShape::Opaque { size, .. } => Held::Reference(size),
            StructShape::Empty => Held::Reference(1),
        },
        _ => Held::Scalar(ValType::I32),
    }
}

/// How a thunk, which knows only the key, holds an argument.
pub fn held_token(token: Token) -> Held {
    match token {
        Token::I | Token::Continuation => Held::Scalar(ValType::I32),
        Token::L => Held::Scalar(ValType::I64),
        Token::F => Held::Scalar(ValType::F32),
        Token::D => Held::Scalar(ValType::F64),
        Token::V => Held::Scalar(ValType::V128),
        Token::L2 => Held::Pair,
        Token::Vectors(n) => Held::Vectors(n),
        Token::S(size) | Token::A(size) => Held::Reference(size),
    }
}

impl Held {
    /// Parameters it takes in a lowered signature.
    pub fn operands(self) -> u32 {
        match self {
            Held::Scalar(_) | Held::Reference(_) => 1,
            Held::Pair => 2,
            Held::Vectors(n) => n,
        }
    }

    /// A result of this kind comes back through a buffer, and of how many bytes.
    pub fn return_buffer(self) -> Option<u32> {
        match self {
            Held::Scalar(_) => None,
            Held::Pair => Some(16),
            Held::Vectors(n) => Some(16 * n),
            Held::Reference(size) => Some(size),
        }
    }
}

impl Assembler {
    /// Stores the parameter(s) from `param` on to `base + offset`; copies what a reference refers
    /// to.
    pub fn spill(&mut self, held: Held, param: u32, base: u32, offset: u32) {
        match held {
            Held::Scalar(ty) => {
                self.store_local(ty, base, offset, param);
            }
            Held::Pair => {
                self.store_local(ValType::I64, base, offset, param);
                self.store_local(ValType::I64, base, offset + 8, param + 1);
            }
            Held::Vectors(n) => {
                for i in 0..n {
                    self.store_local(ValType::V128, base, offset + 16 * i, param + i);
                }
            }
            Held::Reference(size) => {
                self.address(base, offset).get(param).constant(size).op(Op::MemoryCopy);
            }
        }
    }

    /// Pushes the operand(s) for a value that lies at `base + offset`; for a
    /// reference, that address.
    pub fn unspill(&mut self, held: Held, base: u32, offset: u32) {
        match held {
            Held::Scalar(ty) => {
                self.load(ty, base, offset);
            }
            Held::Pair => {
                self.load(ValType::I64, base, offset).load(ValType::I64, base, offset + 8);
            }
            Held::Vectors(n) => {
                for i in 0..n {
                    self.load(ValType::V128, base, offset + 16 * i);
                }
            }
            Held::Reference(_) => {
                self.address(base, offset);
            }
        }
    }
}
