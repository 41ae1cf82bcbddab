//! The wasm shape of a signature, from the calling convention's own definition
//! (`docs/fidelity.md`, "Lowering and keys"), independently of `abi`.

use crate::abi::{FuncType, ValType};
use crate::scenario::{Layout, Signature, StructShape, Type};

/// The function type of a managed or an unmanaged callee.
pub fn of(layout: &Layout, signature: &Signature, managed: bool) -> FuncType {
    let mut operands = Vec::new();
    let result = match signature.ret.map(|ty| words(layout, ty)) {
        Some(Words::One(ty)) => Some(ty),
        None | Some(Words::Two | Words::Vectors(_) | Words::Memory) => None,
    };
    if managed {
        operands.push(ValType::I32);
    }
    if managed && signature.instance {
        operands.push(ValType::I32);
    }
    if has_return_buffer(layout, signature) {
        operands.push(ValType::I32);
    }
    // A generic context and a continuation are words in front of the parameters.
    let hidden = usize::from(signature.context) + usize::from(signature.continuation);
    operands.extend(std::iter::repeat_n(ValType::I32, hidden));
    for &param in &signature.params {
        match words(layout, param) {
            Words::One(ty) => operands.push(ty),
            Words::Two => operands.extend([ValType::I64; 2]),
            Words::Vectors(n) => operands.extend(std::iter::repeat_n(ValType::V128, n)),
            Words::Memory => operands.push(ValType::I32),
        }
    }
    if managed {
        operands.push(ValType::I32);
    }
    FuncType { params: operands, result }
}

/// The caller passes an address for the result: it is no single wasm value.
pub fn has_return_buffer(layout: &Layout, signature: &Signature) -> bool {
    let memory = |ty| !matches!(words(layout, ty), Words::One(_));
    signature.ret.is_some_and(memory)
}

enum Words {
    One(ValType),
    Two,
    Vectors(usize),
    Memory,
}

fn words(layout: &Layout, ty: Type) -> Words {
    if let Type::Struct(id) = ty {
        return match layout.structs[id.index()].shape {
            StructShape::Opaque { .. } | StructShape::Empty => Words::Memory,
            StructShape::Wraps(field) => words(layout, field),
        };
    }
    match (ty, layout.size_align(ty).0) {
        (Type::Vector128, _) => Words::One(ValType::V128),
        (Type::Vector256 | Type::Vector512, bytes) => Words::Vectors(bytes as usize / 16),
        (Type::F32, _) => Words::One(ValType::F32),
        (Type::F64, _) => Words::One(ValType::F64),
        (_, 16) => Words::Two,
        (_, 8) => Words::One(ValType::I64),
        _ => Words::One(ValType::I32),
    }
}
