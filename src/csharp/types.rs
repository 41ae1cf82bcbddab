//! Types and values in C#.

#![allow(clippy::wildcard_enum_match_arm, reason = "these are matches on types")]

use std::fmt::Write as _;

use super::Source;
use crate::scenario::meaning::{class_at, stack_size};
use crate::scenario::{ClassId, Layout, MethodId, Signature, StructId, StructShape, Type};

/// What an async method has for a pointer, which C# does not let it have.
pub(super) fn without_pointer(ty: Type) -> Type {
    if ty == Type::Pointer { Type::NInt } else { ty }
}

/// What stands inside of all the structs of one field, and how many there are.
pub(super) fn innermost(layout: &Layout, ty: Type) -> (Type, usize) {
    match ty {
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => {
                let (leaf, depth) = innermost(layout, inner);
                (leaf, depth + 1)
            }
            StructShape::Opaque { .. } | StructShape::Empty => (ty, 0),
        },
        _ => (ty, 0),
    }
}

/// A value of this type has nothing in it.
pub(super) fn is_empty(layout: &Layout, ty: Type) -> bool {
    let shape = |id: StructId| layout.structs[id].shape;
    matches!(innermost(layout, ty).0, Type::Struct(id) if shape(id) == StructShape::Empty)
}

/// A parameter as a member of a `See` chain. Code that awaits may not look at a pointer.
pub(super) fn see(layout: &Layout, ty: Type, name: &str, awaiting: bool) -> String {
    let (leaf, depth) = innermost(layout, ty);
    if is_empty(layout, ty) {
        ".SeeNothing()".into()
    } else if awaiting && depth > 0 && leaf == Type::Pointer {
        format!(".See((uint)Value.Word({name}))")
    } else {
        format!(".See({name}{})", ".Value".repeat(depth))
    }
}

impl Source<'_> {
    /// A type as C# spells it.
    pub fn spell(&self, ty: Type) -> String {
        match ty {
            Type::Struct(id) => self.names.structs[id].clone(),
            _ => Type::PRIMITIVES
                .iter()
                .find(|(primitive, _)| *primitive == ty)
                .map_or_else(String::new, |&(_, spelling)| spelling.into()),
        }
    }

    /// The result's type. A runtime-async method returns a task.
    pub fn spell_result(&self, signature: &Signature) -> String {
        let plain = |ty| self.spell(if signature.continuation { without_pointer(ty) } else { ty });
        match (signature.continuation, signature.ret) {
            (false, None) => "void".into(),
            (false, Some(ty)) => plain(ty),
            (true, None) => "Task".into(),
            (true, Some(ty)) => format!("Task<{}>", plain(ty)),
        }
    }

    /// The parameters' types, hidden ones left out.
    pub fn spell_params(&self, signature: &Signature) -> Vec<String> {
        let plain = |&ty| self.spell(if signature.continuation { without_pointer(ty) } else { ty });
        signature.params.iter().map(plain).collect()
    }

    /// The type of a function pointer to a static method.
    pub fn spell_pointer(&self, signature: &Signature, unmanaged: bool) -> String {
        let mut types = self.spell_params(signature);
        types.push(self.spell_result(signature));
        let kind = if unmanaged { " unmanaged" } else { "" };
        format!("delegate*{kind}<{}>", types.join(", "))
    }

    /// An expression for the value that a word stands for.
    pub fn value(&self, ty: Type, word: u64) -> String {
        let layout = self.layout;
        if let Type::Struct(id) = ty
            && let StructShape::Wraps(inner) = layout.structs[id].shape
        {
            return format!("new {} {{ Value = {} }}", self.spell(ty), self.value(inner, word));
        }
        match ty {
            Type::Bool => (word & 1 == 1).to_string(),
            Type::Char => format!("(char){word:#x}"),
            Type::I8 => format!("(sbyte){}", parenthesised(i64::from(word as i8))),
            Type::U8 => format!("(byte){word}"),
            Type::I16 => format!("(short){}", parenthesised(i64::from(word as i16))),
            Type::U16 => format!("(ushort){word}"),
            Type::I32 => int(word as u32),
            Type::U32 => format!("{word:#x}u"),
            Type::NInt => format!("(nint)({})", int(word as u32)),
            Type::NUInt => format!("(nuint){word:#x}u"),
            Type::Pointer => format!("(void*){word:#x}u"),
            Type::Object => self.object(word as u32),
            Type::I64 if word < 1000 => format!("{word}L"),
            Type::I64 if word >> 63 == 0 => format!("{word:#x}L"),
            Type::I64 => format!("unchecked((long){word:#x}UL)"),
            Type::U64 => format!("{word:#x}UL"),
            Type::F32 => float(f32::from_bits(word as u32), word as u32),
            Type::F64 => double(f64::from_bits(word), word),
            Type::Struct(_) if is_empty(layout, ty) => format!("default({})", self.spell(ty)),
            Type::Int128
            | Type::Vector128
            | Type::Vector256
            | Type::Vector512
            | Type::Struct(_) => format!("Value.Of<{}>({word:#x})", self.spell(ty)),
        }
    }

    /// An expression for the object with this word.
    pub fn object(&self, word: u32) -> String {
        match class_at(self.layout, word) {
            _ if word == 0 => "null".into(),
            Some(class) => format!("Objects.Of<{}>({word:#x})", self.class(class)),
            None => format!("Objects.Of<Known>({word:#x})"),
        }
    }

    /// What a class is called.
    pub fn class(&self, class: ClassId) -> &str {
        &self.names.classes[class]
    }

    /// The end of a body: it answers with a value of its method's result type.
    pub fn answer(&self, chain: &str, signature: &Signature) -> String {
        let Some(ty) = signature.ret else { return format!("{chain}.Done()") };
        let ty = if signature.continuation { without_pointer(ty) } else { ty };
        let (leaf, depth) = innermost(self.layout, ty);
        if signature.continuation && leaf == Type::Pointer && depth > 0 {
            return format!("{chain}.Answer<{}>()", self.spell(ty));
        }
        self.wrap(ty, &|leaf| match leaf {
            Type::Pointer => format!("{chain}.AnswerPointer()"),
            Type::Object => format!("{chain}.AnswerObject()"),
            _ => format!("{chain}.Answer<{}>()", self.spell(leaf)),
        })
    }

    /// The value of a type whose innermost field is this.
    fn wrap(&self, ty: Type, leaf: &dyn Fn(Type) -> String) -> String {
        if let Type::Struct(id) = ty
            && let StructShape::Wraps(inner) = self.layout.structs[id].shape
        {
            return format!("new {} {{ Value = {} }}", self.spell(ty), self.wrap(inner, leaf));
        }
        leaf(ty)
    }

    /// The declaration of a value type.
    pub fn struct_declaration(&self, id: StructId) -> String {
        let name = &self.names.structs[id];
        let layout = self.layout;
        let (size, align) = layout.size_align(Type::Struct(id));
        let mut out = String::new();
        match layout.structs[id].shape {
            StructShape::Wraps(inner) => {
                let _ = write!(
                    out,
                    "[StructLayout(LayoutKind.Sequential)]\npublic unsafe struct {name}\n{{\n    \
                     public {} Value;\n}}\n",
                    self.spell(inner)
                );
            }
            StructShape::Empty => {
                let _ = write!(
                    out,
                    "// No field: one byte of padding, which C# does not promise to copy. Bodies \
                     see 0 for it.\npublic struct {name}\n{{\n}}\n"
                );
            }
            StructShape::Opaque { .. } => {
                let first = match align {
                    1 => "byte",
                    2 => "ushort",
                    4 => "uint",
                    8 => "ulong",
                    _ => "Vector128<byte>",
                };
                let _ = write!(
                    out,
                    "[StructLayout(LayoutKind.Sequential, Size = {size})]\npublic unsafe struct \
                     {name}\n{{\n    public {first} First; // alignment {align}\n    public fixed \
                     byte Rest[{}];\n}}\n",
                    size - align
                );
            }
        }
        out
    }
}

/// An integer that a cast may stand before.
fn parenthesised(value: i64) -> String {
    if value < 0 { format!("({value})") } else { value.to_string() }
}

fn int(word: u32) -> String {
    match word as i32 {
        small @ -999..1000 => small.to_string(),
        1000.. => format!("{word:#x}"),
        _ => format!("unchecked((int){word:#x})"),
    }
}

fn float(value: f32, bits: u32) -> String {
    if value.is_finite() {
        return format!("{value:?}f");
    }
    format!("BitConverter.UInt32BitsToSingle({bits:#x})")
}

fn double(value: f64, bits: u64) -> String {
    if value.is_finite() {
        return format!("{value:?}");
    }
    format!("BitConverter.UInt64BitsToDouble({bits:#x})")
}

/// What `Report.Result` expects: the value's bits, or of more than 8 bytes a hash of them all.
pub(super) fn digest(layout: &Layout, method: MethodId, result: &[u8]) -> u64 {
    let size = layout.method(method).signature.ret.map_or(0, |ty| stack_size(layout, ty));
    let mut bytes = result.to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let words = bytes.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().expect("eight")));
    if size > 8 {
        words.fold(0, crate::scenario::meaning::mix)
    } else {
        words.fold(0, |_, word| word)
    }
}
