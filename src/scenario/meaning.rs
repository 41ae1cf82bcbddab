//! What argument words stand for, and what a method answers.
//!
//! These are definitions, not resolutions: the method bodies that run on an
//! engine and the reference that predicts them must agree on them, as a caller
//! and a callee agree on a program's source.

use super::layout::{ClassId, ClassKind, Layout, MethodId};
use super::types::{Signature, StructShape, Type};

/// Where the instance of class 0 lies; the others follow, [`OBJECT_SIZE`] bytes each.
const OBJECTS: u32 = 0x2000;
/// Bytes of an object: its MethodTable pointer, and fields that nothing writes to.
pub const OBJECT_SIZE: u32 = 32;
/// Where the generic context of method 0 lies; the others follow, 16 bytes each.
const CONTEXTS: u32 = OBJECTS + OBJECT_SIZE * super::MAX_ITEMS as u32;
/// The continuation that a suspended runtime-async method is resumed with.
pub const CONTINUATION: u32 = CONTEXTS + 16 * super::MAX_ITEMS as u32;
/// The first address behind everything whose address is its identity.
pub const IDENTITIES_END: u32 = CONTINUATION + 0x100;

/// The address of a class's instance. Addresses of objects are part of what a
/// scenario means, as they are what a receiver is told by.
pub fn object_address(class: ClassId) -> u32 {
    OBJECTS + OBJECT_SIZE * u32::from(class.0)
}

/// The class whose instance lies at this address.
pub fn class_at(layout: &Layout, address: u32) -> Option<ClassId> {
    let offset = address.checked_sub(OBJECTS)?;
    let class = ClassId(u16::try_from(offset / OBJECT_SIZE).ok()?);
    let known = layout.classes.get(class)?;
    (offset % OBJECT_SIZE == 0 && known.kind != ClassKind::Interface).then_some(class)
}

/// The context argument that a shared generic method is called with.
pub fn context_address(method: MethodId) -> u32 {
    CONTEXTS + 16 * u32::from(method.0)
}

/// The receiver that a method sees when it is called on an object: the object,
/// or the value inside its box.
pub fn receiver(layout: &Layout, method: MethodId, object: u32) -> u32 {
    let class = layout.method(method).class.map(|class| layout.class(class).kind);
    if class == Some(ClassKind::Struct) { object + 4 } else { object }
}

/// Mixes one word into a running hash (the finaliser of SplitMix64).
pub fn mix(hash: u64, word: u64) -> u64 {
    let mut z = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Appends the bytes of a value of type `ty` that `word` stands for, padded
/// with zeros to a multiple of 8.
///
/// A primitive of up to 64 bits is the word's low bytes, so `0x11` is 17. Small
/// integers are widened to 32 bits, as the stack machine of C# holds them: a
/// `sbyte` is sign-extended, a `byte` zero-extended, a `bool` is bit 0. A
/// larger value starts with the word itself, so that it can be recognised in a
/// memory dump, and goes on with words mixed from it.
pub fn push_value(layout: &Layout, ty: Type, word: u64, out: &mut Vec<u8>) {
    let size = stack_size(layout, ty) as usize;
    let start = out.len();
    let first = normalise(layout, ty, word);
    out.extend_from_slice(&first.to_le_bytes());
    if size <= 8 {
        // What lies behind the value is zero already.
        return;
    }
    let mut chunk = 1;
    while out.len() - start < size {
        out.extend_from_slice(&mix(word, chunk).to_le_bytes());
        chunk += 1;
    }
    out[start + size..].fill(0);
}

/// The word with the bits that its type does not have removed, so that equal
/// values are equal words. A value of more than 8 bytes keeps every bit.
pub fn normalise(layout: &Layout, ty: Type, word: u64) -> u64 {
    match ty {
        Type::Bool => word & 1,
        Type::I8 => u64::from(word as i8 as u32),
        Type::U8 => u64::from(word as u8),
        Type::I16 => u64::from(word as i16 as u32),
        Type::U16 | Type::Char => u64::from(word as u16),
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => normalise(layout, inner, word),
            StructShape::Opaque { size, .. } if size < 8 => word & ((1 << (size * 8)) - 1),
            StructShape::Empty => word & 0xff,
            StructShape::Opaque { .. } => word,
        },
        _ if stack_size(layout, ty) == 4 => u64::from(word as u32),
        _ => word,
    }
}

/// Bytes a value takes on the evaluation stack: its size, and 4 at least for a
/// primitive or a struct that wraps one.
pub fn stack_size(layout: &Layout, ty: Type) -> u32 {
    match ty {
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => stack_size(layout, inner),
            StructShape::Opaque { size, .. } => size,
            StructShape::Empty => 1,
        },
        Type::I64 | Type::U64 | Type::F64 => 8,
        Type::Int128 | Type::Vector128 => 16,
        Type::Vector256 => 32,
        Type::Vector512 => 64,
        _ => 4,
    }
}

/// Bytes that [`push_value`] appends for a type.
pub fn padded_size(layout: &Layout, ty: Type) -> u32 {
    stack_size(layout, ty).next_multiple_of(8)
}

/// Bytes of what a caller passes on purpose: `this` first, then each parameter, each padded to 8.
pub fn passed_size(layout: &Layout, signature: &Signature) -> u32 {
    let this = if signature.instance { 8 } else { 0 };
    this + signature.params.iter().map(|&p| padded_size(layout, p)).sum::<u32>()
}

/// Bytes of everything a method sees: `this`, the hidden context and
/// continuation, then each parameter, each padded to 8. Bodies record exactly this, in this order.
pub fn arguments_size(layout: &Layout, signature: &Signature) -> u32 {
    let hidden = u32::from(signature.context) + u32::from(signature.continuation);
    passed_size(layout, signature) + 8 * hidden
}

/// Appends the result of a method that saw `arguments` (as
/// [`arguments_size`] lays them out). It depends on who was called and on
/// every byte it was given. Nothing is appended for `void`.
///
/// Floating-point results are made normal numbers, so that no engine may
/// change them as a NaN.
pub fn push_result(layout: &Layout, method: MethodId, arguments: &[u8], out: &mut Vec<u8>) {
    if let Some((ty, word)) = result_word(layout, method, arguments) {
        push_value(layout, ty, word, out);
    }
}

/// The type of what [`push_result`] appends, and the word that stands for it.
pub fn result_word(layout: &Layout, method: MethodId, arguments: &[u8]) -> Option<(Type, u64)> {
    let ty = layout.method(method).signature.ret?;
    let mut hash = mix(0xca11_15e2, u64::from(method.0));
    for word in arguments.chunks_exact(8) {
        hash = mix(hash, u64::from_le_bytes(word.try_into().expect("chunks of eight")));
    }
    Some((ty, tame(layout, ty, hash)))
}

/// Keeps a floating-point word away from NaNs and infinities: a value in [1, 2).
pub fn tame(layout: &Layout, ty: Type, word: u64) -> u64 {
    match ty {
        Type::F32 => (word & 0x007f_ffff) | 0x3f80_0000,
        Type::F64 => (word & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000,
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => tame(layout, inner, word),
            StructShape::Opaque { .. } | StructShape::Empty => word,
        },
        _ => word,
    }
}
