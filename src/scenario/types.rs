//! Source-level types and signatures, as C# spells them.
//!
//! Nothing here knows how a type is lowered to wasm: that is the `abi` room's
//! business, and each upstream party there computes it for itself.

use mutatis::Mutate;
use serde::{Deserialize, Serialize};

use super::StructId;

/// A C# type that can stand in a signature.
///
/// Pointers, by-refs, function pointers and native integers are 4 bytes wide:
/// the target is wasm32.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Mutate,
)]
pub enum Type {
    /// `bool`: one byte, 0 or 1.
    Bool,
    /// `char`: an unsigned 16-bit code unit.
    Char,
    /// `sbyte`.
    I8,
    /// `byte`.
    U8,
    /// `short`.
    I16,
    /// `ushort`.
    U16,
    /// `int`.
    I32,
    /// `uint`.
    U32,
    /// `nint`.
    NInt,
    /// `nuint`.
    NUInt,
    /// Any unmanaged pointer, spelled `void*`.
    Pointer,
    /// Any object reference, spelled `object`. Not blittable.
    Object,
    /// `long`.
    I64,
    /// `ulong`.
    U64,
    /// `float`.
    F32,
    /// `double`.
    F64,
    /// `Int128`: two `i64` by value as a parameter, a return buffer as a result.
    Int128,
    /// `Vector128<int>`: one `v128`.
    Vector128,
    /// `Vector256<int>`: two `v128` as a parameter, a return buffer as a result.
    Vector256,
    /// `Vector512<int>`: four `v128` as a parameter, a return buffer as a result.
    Vector512,
    /// A value type of the scenario's own.
    Struct(StructId),
}

impl Type {
    /// Every primitive type with its C# spelling, in declaration order.
    pub const PRIMITIVES: [(Type, &'static str); 20] = [
        (Type::Bool, "bool"),
        (Type::Char, "char"),
        (Type::I8, "sbyte"),
        (Type::U8, "byte"),
        (Type::I16, "short"),
        (Type::U16, "ushort"),
        (Type::I32, "int"),
        (Type::U32, "uint"),
        (Type::NInt, "nint"),
        (Type::NUInt, "nuint"),
        (Type::Pointer, "void*"),
        (Type::Object, "object"),
        (Type::I64, "long"),
        (Type::U64, "ulong"),
        (Type::F32, "float"),
        (Type::F64, "double"),
        (Type::Int128, "Int128"),
        (Type::Vector128, "Vector128<int>"),
        (Type::Vector256, "Vector256<int>"),
        (Type::Vector512, "Vector512<int>"),
    ];
}

/// What a value type is made of, as far as the calling convention cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum StructShape {
    /// Two or more fields: only size and alignment matter.
    Opaque {
        /// Bytes, a multiple of `align`, at most [`MAX_STRUCT_SIZE`](super::MAX_STRUCT_SIZE).
        size: u32,
        /// Bytes: 1, 2, 4, 8 or 16.
        align: u32,
    },
    /// Exactly one instance field, which fills the struct.
    Wraps(Type),
    /// No field: padded to one byte, and passed as any struct of one byte (#127361).
    Empty,
}

/// A C# method signature, without its calling convention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Signature {
    /// An instance method: a `this` comes before the parameters.
    pub instance: bool,
    /// Code shared between instantiations of a generic: takes a hidden context argument.
    pub context: bool,
    /// A runtime-async method: takes a hidden continuation argument.
    pub continuation: bool,
    /// `None` is `void`.
    pub ret: Option<Type>,
    /// Parameter types in source order, without hidden ones.
    pub params: Vec<Type>,
}

impl Signature {
    /// The same as an instance method's.
    pub fn as_instance(&self) -> Signature {
        Signature { instance: true, ..self.clone() }
    }

    /// The same without the hidden context argument.
    pub fn without_context(&self) -> Signature {
        Signature { context: false, ..self.clone() }
    }
}
