//! Signatures and types, spelled as in the text form and in messages.

use super::{Layout, Signature, Type};

/// What may stand before the result, in this order: a receiver, a hidden
/// context argument, a hidden continuation argument.
pub(crate) const MODIFIERS: [&str; 3] = ["instance", "generic", "async"];

/// Spells a signature as the text form has it: `instance void (int, S12)`.
pub fn spell(layout: &Layout, signature: &Signature) -> String {
    let mut out = String::new();
    let modifiers = [signature.instance, signature.context, signature.continuation];
    for (word, _) in MODIFIERS.into_iter().zip(modifiers).filter(|&(_, holds)| holds) {
        out.push_str(word);
        out.push(' ');
    }
    out.push_str(signature.ret.map_or("void", |ty| spell_type(layout, ty)));
    out.push_str(" (");
    for (i, &ty) in signature.params.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(spell_type(layout, ty));
    }
    out.push(')');
    out
}

/// Spells a type; `?` for a struct that does not exist.
pub(crate) fn spell_type(layout: &Layout, ty: Type) -> &str {
    match ty {
        Type::Struct(id) => layout.structs.get(id).map_or("?", |s| s.name.as_str()),
        _ => {
            let same = |&&(primitive, _): &&(Type, &'static str)| primitive == ty;
            Type::PRIMITIVES.iter().find(same).map_or("?", |&(_, spelling)| spelling)
        }
    }
}
