//! The JIT's side: the type that a call site's `call_indirect` names.
//!
//! `jit/codegenwasm.cpp` (`genCallInstruction`) builds it from the result and
//! from every ABI segment of every argument, in argument order, where the
//! shadow stack pointer is the first argument
//! (`WellKnownArg::WasmShadowStackPointer`) and the portable entry point the
//! last (`WellKnownArg::WasmPortableEntryPoint`); `jit/lowerwasm.cpp`
//! (`LowerPEPCall`) adds the latter only when the call is not unmanaged.

use super::{FuncType, Shape, ValType};
use crate::scenario::{Layout, Signature, StructShape, Type};

/// How the JIT passes one value.
enum Passing {
    /// In these wasm values.
    ByValue(&'static [ValType]),
    /// By the address of a copy that the caller owns.
    ByReference,
}

/// The type that a call with this signature names.
pub fn call_type(layout: &Layout, signature: &Signature, shape: Shape) -> FuncType {
    let result = signature.ret.map(|ty| passing(layout, ty));
    // One wasm value comes back in the result; anything else needs a buffer.
    let (result, return_buffer) = match result {
        None => (None, false),
        Some(Passing::ByValue([one])) => (Some(*one), false),
        Some(_) => (None, true),
    };

    let mut params = Vec::new();
    let mut segment = |ty| params.push(ty);
    if shape == Shape::Managed {
        segment(ValType::I32); // WasmShadowStackPointer
        if signature.instance {
            segment(ValType::I32); // ThisPointer
        }
    }
    if return_buffer {
        segment(ValType::I32); // RetBuffer
    }
    if signature.context {
        segment(ValType::I32); // InstParam
    }
    if signature.continuation {
        segment(ValType::I32); // AsyncContinuation
    }
    for &ty in &signature.params {
        match passing(layout, ty) {
            Passing::ByValue(values) => values.iter().copied().for_each(&mut segment),
            Passing::ByReference => segment(ValType::I32),
        }
    }
    if shape == Shape::Managed {
        segment(ValType::I32); // WasmPortableEntryPoint
    }
    FuncType { params, result }
}

fn passing(layout: &Layout, ty: Type) -> Passing {
    use ValType::{F32, F64, I32, I64, V128};
    match ty {
        Type::Bool | Type::Char | Type::I8 | Type::U8 | Type::I16 | Type::U16 => {
            Passing::ByValue(&[I32])
        }
        Type::I32 | Type::U32 | Type::NInt | Type::NUInt | Type::Pointer | Type::Object => {
            Passing::ByValue(&[I32])
        }
        Type::I64 | Type::U64 => Passing::ByValue(&[I64]),
        Type::F32 => Passing::ByValue(&[F32]),
        Type::F64 => Passing::ByValue(&[F64]),
        Type::Int128 => Passing::ByValue(&[I64, I64]),
        Type::Vector128 => Passing::ByValue(&[V128]),
        Type::Vector256 => Passing::ByValue(&[V128; 2]),
        Type::Vector512 => Passing::ByValue(&[V128; 4]),
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(field) => passing(layout, field),
            StructShape::Opaque { .. } | StructShape::Empty => Passing::ByReference,
        },
    }
}
