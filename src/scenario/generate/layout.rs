//! Layouts: what there is to call, and the places that call it.

use super::super::validate::holds_object;
use super::super::{
    Action, Assembly, AssemblyId, Binding, Caller, Code, Convention, Layout, Method, MethodId,
    Signature, Site, Struct, StructId, StructShape, Type,
};
use super::dice::Dice;
use super::fixup::make_unmanaged;
use super::weights::{self, By, Kinship};

/// A valid layout with a call of every method.
pub(super) fn layout(dice: &mut Dice<'_, '_>) -> Layout {
    let mut layout = Layout::default();
    let assemblies = dice.weighted(&weights::ASSEMBLIES);
    layout.assemblies =
        ["A", "B", "C"].iter().take(assemblies).map(|&a| Assembly { name: a.into() }).collect();
    for i in 0..dice.below(weights::MAX_STRUCTS + 1) {
        let shape = shape(dice, i);
        layout.structs.push(Struct { name: format!("S{i}"), shape });
    }
    for i in 0..1 + dice.below(weights::MAX_METHODS) {
        let method = method(dice, &layout, i);
        layout.methods.push(method);
    }
    for (id, method) in (0..).map(MethodId).zip(layout.methods.clone()) {
        sites(dice, &mut layout, id, &method);
        if dice.percent(weights::MORE_SITES) {
            sites(dice, &mut layout, id, &method);
        }
    }
    layout
}

fn shape(dice: &mut Dice<'_, '_>, earlier: usize) -> StructShape {
    if !dice.percent(weights::WRAPPER) {
        let (size, align) = dice.weighted(&weights::OPAQUE);
        return StructShape::Opaque { size, align };
    }
    if earlier > 0 && dice.percent(weights::WRAPS_STRUCT) {
        return StructShape::Wraps(struct_type(dice, earlier));
    }
    StructShape::Wraps(dice.weighted(&weights::WRAPPED))
}

/// One of the first `count` structs.
fn struct_type(dice: &mut Dice<'_, '_>, count: usize) -> Type {
    Type::Struct(StructId(dice.below(count) as u16))
}

fn method(dice: &mut Dice<'_, '_>, layout: &Layout, i: usize) -> Method {
    let convention = dice.weighted(&weights::CONVENTION);
    let code = dice.weighted(&weights::CODE);
    let uco = convention == Convention::UnmanagedCallersOnly;
    let reverse_thunk = uco && (code == Code::Interpreted || dice.percent(weights::REVERSE_THUNK));
    let assembly = AssemblyId(dice.below(layout.assemblies.len()) as u16);
    let mut signature = signature(dice, layout, convention);
    if uco {
        make_unmanaged(layout, &mut signature);
    }
    let name = format!("M{i}");
    Method { name, assembly, convention, code, reverse_thunk, signature, ..Method::default() }
}

fn signature(dice: &mut Dice<'_, '_>, layout: &Layout, convention: Convention) -> Signature {
    if layout.methods.is_empty() {
        return fresh(dice, layout);
    }
    let kinship = dice.weighted(&weights::KINSHIP);
    let kin = &layout.methods[dice.below(layout.methods.len())];
    match kinship {
        Kinship::Fresh => fresh(dice, layout),
        Kinship::Same => kin.signature.clone(),
        Kinship::Padded => padded(kin, convention),
        Kinship::Respelled => respelled(dice, layout, &kin.signature),
    }
}

fn fresh(dice: &mut Dice<'_, '_>, layout: &Layout) -> Signature {
    let count = dice.weighted(&weights::PARAMS);
    let params = (0..count).map(|_| any_type(dice, layout)).collect();
    let ret = dice.percent(weights::RESULT).then(|| any_type(dice, layout));
    // Without bytes the answer is yes, and static is the ordinary case.
    let instance = !dice.percent(100 - weights::INSTANCE);
    Signature { instance, ret, params, ..Signature::default() }
}

fn any_type(dice: &mut Dice<'_, '_>, layout: &Layout) -> Type {
    if !layout.structs.is_empty() && dice.percent(weights::STRUCT_TYPE) {
        return struct_type(dice, layout.structs.len());
    }
    dice.weighted(&weights::PRIMITIVE)
}

/// The signature that, under the other convention, lowers to the wasm type of
/// `kin`: managed code passes the stack pointer first and the portable entry
/// point last, both `i32`. Under the same convention, `this` becomes an `int`.
fn padded(kin: &Method, convention: Convention) -> Signature {
    let Signature { instance, ret, params, .. } = &kin.signature;
    let this = instance.then_some(Type::I32);
    let static_params = this.into_iter().chain(params.iter().copied());
    let params = match (kin.convention, convention) {
        (Convention::Managed, Convention::UnmanagedCallersOnly) => {
            [Type::I32].into_iter().chain(static_params).chain([Type::I32]).collect()
        }
        (Convention::UnmanagedCallersOnly, Convention::Managed) => match params.as_slice() {
            [Type::I32, inner @ .., Type::I32] => inner.to_vec(),
            _ => params.clone(),
        },
        _ => static_params.collect(),
    };
    Signature { ret: *ret, params, ..Signature::default() }
}

/// The signature with its types replaced by ones that look alike to wasm.
fn respelled(dice: &mut Dice<'_, '_>, layout: &Layout, kin: &Signature) -> Signature {
    let mut signature = kin.clone();
    for ty in signature.params.iter_mut().chain(&mut signature.ret) {
        *ty = lookalike(dice, layout, *ty);
    }
    signature
}

fn lookalike(dice: &mut Dice<'_, '_>, layout: &Layout, ty: Type) -> Type {
    const WORDS: [Type; 10] = [
        Type::I32,
        Type::U32,
        Type::NInt,
        Type::NUInt,
        Type::Pointer,
        Type::Object,
        Type::Bool,
        Type::Char,
        Type::I8,
        Type::U16,
    ];
    match ty {
        Type::I64 => Type::U64,
        Type::U64 => Type::I64,
        Type::F32 | Type::F64 | Type::Int128 | Type::Vector128 => wrapper_of(layout, ty),
        Type::Struct(id) => match layout.structs[id.index()].shape {
            StructShape::Wraps(inner) => inner,
            StructShape::Opaque { .. } | StructShape::Empty => {
                struct_type(dice, layout.structs.len())
            }
        },
        _ => WORDS[dice.below(WORDS.len())],
    }
}

/// A struct that wraps the type, or the type itself.
fn wrapper_of(layout: &Layout, ty: Type) -> Type {
    let wraps = |s: &Struct| s.shape == StructShape::Wraps(ty);
    (0..)
        .map(StructId)
        .zip(&layout.structs)
        .find(|(_, s)| wraps(s))
        .map_or(ty, |(id, _)| Type::Struct(id))
}

/// Adds the sites that one way of reaching the method needs.
fn sites(dice: &mut Dice<'_, '_>, layout: &mut Layout, id: MethodId, method: &Method) {
    if method.convention == Convention::UnmanagedCallersOnly {
        add_site(dice, layout, method, &weights::MANAGED_BY, Action::Ldftn(id));
        let call = Action::UnmanagedCalli(method.signature.clone());
        debug_assert!(!method.signature.params.iter().any(|&p| holds_object(layout, p)));
        add_site(dice, layout, method, &weights::UNMANAGED_BY, call);
        return;
    }
    let direct = dice.percent(weights::DIRECT);
    if direct {
        let eager = !dice.percent(100 - weights::EAGER);
        let binding = if eager { Binding::Eager } else { Binding::Lazy };
        let call = Action::Direct { callee: id, binding };
        add_site(dice, layout, method, &weights::MANAGED_BY, call);
    }
    if !direct || dice.percent(weights::DIRECT_AND_POINTER) {
        add_site(dice, layout, method, &weights::MANAGED_BY, Action::Ldftn(id));
        let call = Action::ManagedCalli(method.signature.clone());
        add_site(dice, layout, method, &weights::MANAGED_BY, call);
    }
}

/// Adds a site unless there is one like it, or no room.
fn add_site(
    dice: &mut Dice<'_, '_>,
    layout: &mut Layout,
    method: &Method,
    callers: &[(By, u32)],
    action: Action,
) {
    let by = dice.weighted(callers);
    let assembly = if dice.percent(weights::SAME_ASSEMBLY) {
        method.assembly
    } else {
        AssemblyId(dice.below(layout.assemblies.len()) as u16)
    };
    let caller = match by {
        By::ReadyToRun => Caller::ReadyToRun(assembly),
        By::Interpreter => Caller::Interpreter(assembly),
        By::Native => Caller::Native,
    };
    let alike = |site: &Site| site.caller == caller && site.action == action;
    if layout.sites.len() >= weights::MAX_SITES || layout.sites.iter().any(alike) {
        return;
    }
    let kind = match (&action, caller) {
        (_, Caller::Native) => "Native",
        (Action::Direct { .. }, _) => "Direct",
        (Action::ManagedCalli(_), _) => "Calli",
        (Action::UnmanagedCalli(_), _) => "Unmanaged",
        _ => "Ldftn",
    };
    let name = format!("{kind}{}", layout.sites.len());
    layout.sites.push(Site { name, caller, action });
}
