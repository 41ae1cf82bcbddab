//! The VM's side: the key it looks thunks up by, and where the interpreter keeps arguments.
//!
//! `vm/wasm/helpers.cpp` (`GetSignatureKey`) walks a `MetaSig`; the argument
//! slots follow `ArgIterator` and the interpreter's 8-byte stack slots.

use std::fmt::Write;

use crate::scenario::{Layout, Method, Signature, StructShape, Type};

/// The calling convention that a metadata signature declares.
///
/// An `[UnmanagedCallersOnly]` method's is `Default`: the attribute does not
/// stand in its signature, so its key comes out managed (`GetSignatureKey`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataConvention {
    /// `IMAGE_CEE_CS_CALLCONV_DEFAULT`.
    Default,
    /// C, STDCALL, FASTCALL or UNMANAGED.
    Unmanaged,
}

/// `GetSignatureKey`: prefix, result, `T`, `i` for a context, `a` for a
/// continuation, arguments, and `p` only for DEFAULT.
pub fn signature_key(
    prefix: char,
    layout: &Layout,
    signature: &Signature,
    convention: MetadataConvention,
) -> String {
    let mut key = String::with_capacity(signature.params.len() + 4);
    key.push(prefix);
    match signature.ret {
        None => key.push('v'),
        Some(ty) if returns_by_buffer(layout, ty) => {
            let _ = write!(key, "S{}", layout.size_align(ty).0);
        }
        Some(ty) => push_code(layout, ty, &mut key),
    }
    if signature.instance {
        key.push('T');
    }
    if signature.context {
        key.push('i');
    }
    if signature.continuation {
        key.push('a');
    }
    for &ty in &signature.params {
        push_code(layout, ty, &mut key);
    }
    if convention == MetadataConvention::Default {
        key.push('p');
    }
    key
}

/// Whether a result travels through a return buffer (`ArgIterator::HasRetBuffArg`).
pub fn returns_by_buffer(layout: &Layout, ty: Type) -> bool {
    matches!(
        innermost(layout, ty),
        Type::Struct(_) | Type::Int128 | Type::Vector256 | Type::Vector512
    )
}

/// The type at the bottom of single-field structs (`MethodTable::IsWasmSingleField...` chain).
fn innermost(layout: &Layout, mut ty: Type) -> Type {
    while let Type::Struct(id) = ty {
        match layout.structs[id].shape {
            StructShape::Wraps(inner) => ty = inner,
            StructShape::Opaque { .. } | StructShape::Empty => break,
        }
    }
    ty
}

fn push_code(layout: &Layout, ty: Type, key: &mut String) {
    let inner = innermost(layout, ty);
    match inner {
        Type::I64 | Type::U64 => key.push('l'),
        Type::F32 => key.push('f'),
        Type::F64 => key.push('d'),
        Type::Vector128 => key.push('V'),
        Type::Vector256 => key.push_str("V2"),
        Type::Vector512 => key.push_str("V4"),
        Type::Int128 => key.push_str("l2"),
        Type::Struct(_) => {
            let (size, align) = layout.size_align(inner);
            let _ = write!(key, "{}{size}", if align > 8 { 'A' } else { 'S' });
        }
        _ => key.push('i'),
    }
}

/// Where the interpreter finds one argument, relative to its argument area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes from the start of the area, a multiple of 8.
    pub offset: u32,
    /// Bytes the value takes, not padded.
    pub size: u32,
}

/// The interpreter's argument area: `this` first, then the hidden context and
/// continuation, then the parameters, each on 8-byte slots and 16-aligned if its
/// type is aligned to more than 8.
pub fn argument_slots(layout: &Layout, signature: &Signature) -> (Vec<Slot>, u32) {
    let mut slots = Vec::with_capacity(signature.params.len() + 1);
    let mut end = 0u32;
    for hidden in [signature.instance, signature.context, signature.continuation] {
        if hidden {
            slots.push(Slot { offset: end, size: 4 });
            end += 8;
        }
    }
    for &ty in &signature.params {
        let (size, align) = layout.size_align(ty);
        let inner = innermost(layout, ty);
        // Small primitives are widened to a 32-bit word on the interpreter's stack.
        let size = if matches!(inner, Type::Struct(_)) { size } else { size.max(4) };
        let offset = end.next_multiple_of(if align > 8 { 16 } else { 8 });
        slots.push(Slot { offset, size });
        end = offset + size.next_multiple_of(if align > 8 { 16 } else { 8 });
    }
    (slots, end.next_multiple_of(16))
}

/// The key of `g_ReverseThunks`: `{Method}#{argc}:{Assembly}:{Namespace}:{Type}`
/// (helpers.cpp). A nested type's namespace is the one of the type around it (#130740).
pub fn reverse_thunk_key(layout: &Layout, method: &Method) -> String {
    let symbol = method.symbol.as_deref().map(str::to_owned);
    let symbol = symbol.unwrap_or_else(|| format!("Program.{}", method.name));
    let (type_name, name) = symbol.rsplit_once('.').unwrap_or(("", &symbol));
    // The namespace ends where the outermost type begins.
    let (outer, nested) = type_name.split_once('+').unwrap_or((type_name, ""));
    let (namespace, outer) = outer.rsplit_once('.').unwrap_or(("", outer));
    let innermost =
        if nested.is_empty() { outer } else { nested.rsplit('+').next().unwrap_or(outer) };
    let assembly = &layout.assemblies[method.assembly].name;
    format!("{name}#{}:{assembly}:{namespace}:{innermost}", method.signature.params.len())
}
