//! Rules for assemblies, types, methods and call sites.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::action::{Subject, VariableKind};
use super::super::{
    AssemblyId, CallerKind, ClassId, ClassKind, Code, Convention, Form, Layout, MAX_ITEMS,
    MAX_PARAMS, MAX_STRUCT_SIZE, Method, MethodId, ObjectClass, Signature, Site, Slot, StructId,
    StructShape, Type, rules,
};
use super::names::{is_identifier, not_a_name, show};
use super::{MAX_SYMBOL, Part, Place, Problem, limit};
use crate::index::{Id, IndexVec};

/// Words of the signature language that no struct may be called, besides
/// [`Type::PRIMITIVES`].
const RESERVED_TYPE_NAMES: [&str; 7] =
    ["void", "instance", "generic", "async", "Vector128", "Vector256", "Vector512"];

type Checked = Result<(), Problem>;

/// What is wrong with an item by itself: the part, and the message.
pub(crate) type Rules = Result<(), (Part, String)>;

fn broken(part: Part, message: impl Into<String>) -> Rules {
    Err((part, message.into()))
}

pub(super) fn check(layout: &Layout) -> Checked {
    check_names("assembly", &layout.assemblies, |a| &a.name, Place::Assembly)?;
    check_names("struct", &layout.structs, |s| &s.name, Place::Struct)?;
    for (id, item) in layout.structs.enumerated() {
        check_struct_name(id, &item.name)?;
        check_shape(id, item.shape)?;
    }
    check_names("class", &layout.classes, |c| &c.name, Place::Class)?;
    for (id, class) in layout.classes.enumerated() {
        at(Place::Class(id), class_rules(layout, id, class))?;
    }
    check_names("method", &layout.methods, |m| &m.name, Place::Method)?;
    for (id, method) in layout.methods.enumerated() {
        at(Place::Method(id), method_rules(layout, id, method))?;
    }
    check_names("site", &layout.sites, |s| &s.name, Place::Site)?;
    for (id, site) in layout.sites.enumerated() {
        at(Place::Site(id), site_rules(layout, site))?;
    }
    Ok(())
}

fn at(place: Place, rules: Rules) -> Checked {
    rules.map_err(|(part, message)| Problem::new(place, part, message))
}

/// The count, spelling and uniqueness of the names of one kind of item.
pub(super) fn check_names<I: Id, T>(
    kind: &str,
    items: &IndexVec<I, T>,
    name: impl Fn(&T) -> &str,
    place: impl Fn(I) -> Place,
) -> Checked {
    // The place of the first item too many.
    limit(
        place(I::from(MAX_ITEMS)),
        &format!("declarations of kind {kind}"),
        items.len(),
        MAX_ITEMS,
    )?;
    for (id, item) in items.enumerated() {
        let own = name(item);
        let wrong = |message| Err(Problem::new(place(id), Part::Name, message));
        if !is_identifier(own) {
            return wrong(not_a_name(kind, own));
        }
        if items.before(id).iter().any(|other| name(other) == own) {
            return wrong(format!("a second {kind} {}; expected each name once", show(own)));
        }
    }
    Ok(())
}

/// An identifier that means nothing else in a signature.
pub(crate) fn is_struct_name(name: &str) -> bool {
    let primitives = Type::PRIMITIVES.iter().map(|&(_, spelling)| spelling);
    is_identifier(name) && !primitives.chain(RESERVED_TYPE_NAMES).any(|taken| taken == name)
}

fn check_struct_name(id: StructId, name: &str) -> Checked {
    if !is_struct_name(name) {
        let message = format!("{} means something else; expected a name of its own", show(name));
        return Err(Problem::new(Place::Struct(id), Part::Name, message));
    }
    Ok(())
}

fn check_shape(id: StructId, shape: StructShape) -> Checked {
    let wrong = |part, message| Err(Problem::new(Place::Struct(id), part, message));
    match shape {
        StructShape::Wraps(Type::Struct(inner)) if inner >= id => wrong(
            Part::Wraps,
            "the struct wraps one that is not declared before it; expected an earlier struct"
                .into(),
        ),
        StructShape::Wraps(_) | StructShape::Empty => Ok(()),
        StructShape::Opaque { align, .. } if ![1, 2, 4, 8, 16].contains(&align) => {
            wrong(Part::Align, format!("alignment {align}; expected 1, 2, 4, 8 or 16"))
        }
        StructShape::Opaque { size, .. } if !(1..=MAX_STRUCT_SIZE).contains(&size) => {
            wrong(Part::Size, format!("size {size}; expected 1 to {MAX_STRUCT_SIZE}"))
        }
        StructShape::Opaque { size, align } if size % align != 0 => {
            wrong(Part::Size, format!("size {size}; expected a multiple of the alignment {align}"))
        }
        // A field as wide as the alignment and another one do not fit in less.
        StructShape::Opaque { size, align } if size < 2 * align => wrong(
            Part::Size,
            format!(
                "size {size} has no room for two fields at alignment {align}; expected at least \
                 {}, or `wraps` for a struct of one field",
                2 * align
            ),
        ),
        StructShape::Opaque { .. } => Ok(()),
    }
}

pub(crate) fn class_rules(layout: &Layout, id: ClassId, class: &ObjectClass) -> Rules {
    assembly_rule(layout, class.assembly)?;
    let Some(base) = class.base else { return Ok(()) };
    if class.kind != ClassKind::Class {
        return broken(Part::Class, "a base of what is no class; expected none");
    }
    match layout.classes.get(base) {
        // Assemblies are loaded one after the other, each behind the bases of its classes.
        Some(other) if other.assembly > class.assembly => {
            broken(Part::Class, "a base in a later assembly; expected the same or an earlier one")
        }
        Some(other) if base < id && other.kind == ClassKind::Class => Ok(()),
        _ => broken(Part::Class, "no class that is declared before; expected an earlier class"),
    }
}

/// What a method may be.
pub(crate) fn method_rules(layout: &Layout, id: MethodId, method: &Method) -> Rules {
    assembly_rule(layout, method.assembly)?;
    signature_rules(layout, &method.signature)?;
    class_of_method_rules(layout, method)?;
    slot_rules(layout, id, method)?;
    form_rules(method)?;
    symbol_rule(method.symbol.as_deref())?;
    match method.convention {
        Convention::Managed => managed_rules(method),
        Convention::UnmanagedCallersOnly => uco_rules(layout, method),
        Convention::PInvoke => pinvoke_rules(layout, method),
    }
}

fn class_of_method_rules(layout: &Layout, method: &Method) -> Rules {
    let Some(class) = method.class else { return Ok(()) };
    match layout.classes.get(class) {
        None => broken(Part::Class, "a class that does not exist; expected a declared one"),
        Some(class) if class.assembly != method.assembly => broken(
            Part::Class,
            format!(
                "{} is in another assembly; expected a class of the method's",
                show(&class.name)
            ),
        ),
        Some(class) if class.kind == ClassKind::Interface && !method.is_virtual() => {
            broken(Part::Class, "a method of an interface; expected it to be `virtual`")
        }
        Some(_) if method.convention != Convention::Managed => {
            broken(Part::Class, "a class of what is no managed method; expected none")
        }
        Some(_) => Ok(()),
    }
}

fn slot_rules(layout: &Layout, id: MethodId, method: &Method) -> Rules {
    let first = match method.slot {
        Slot::None => return Ok(()),
        Slot::Virtual => None,
        Slot::Overrides(first) => Some(first),
    };
    let Some(class) = method.class else {
        return broken(Part::Whole, "a virtual method of no class; expected `class`");
    };
    let Signature { instance, context, continuation, .. } = method.signature;
    if !instance || context || continuation || method.code == Code::Native {
        return broken(
            Part::Signature,
            "a virtual method that is static, generic, async or native; expected an `instance` one",
        );
    }
    let Some(first) = first else {
        return if layout.class(class).kind == ClassKind::Struct {
            broken(Part::Class, "a struct has no slots of its own; expected `overrides`")
        } else {
            Ok(())
        };
    };
    let declaring = layout.methods.get(first).filter(|m| m.slot == Slot::Virtual);
    let Some((other, declaring)) = declaring.and_then(|m| Some((m, m.class?))) else {
        return broken(Part::Class, "overrides no virtual method; expected one that is `virtual`");
    };
    let kind = layout.classes.get(declaring).map(|c| c.kind);
    let above = layout.ancestry(class).skip(1).any(|ancestor| ancestor == declaring);
    let interface =
        kind == Some(ClassKind::Interface) && layout.class(class).kind != ClassKind::Interface;
    if !above && !interface {
        let name = show(&other.name);
        return broken(
            Part::Class,
            format!("{name} is of no base class or interface; expected a method of one"),
        );
    }
    if other.signature != method.signature {
        let name = show(&other.name);
        return broken(
            Part::Signature,
            format!("another signature than {name}; expected the same"),
        );
    }
    let twice = (layout.methods.before(id).iter())
        .any(|m| m.class == method.class && m.slot == method.slot);
    if twice {
        let name = show(&other.name);
        return broken(Part::Class, format!("a second override of {name}; expected one a class"));
    }
    Ok(())
}

fn form_rules(method: &Method) -> Rules {
    let Signature { instance, context, continuation, ret, .. } = method.signature;
    let hidden = instance || context || continuation;
    match method.form {
        Form::Ordinary => Ok(()),
        _ if method.class.is_some() || method.convention != Convention::Managed => {
            broken(Part::Form, "such a method belongs to no class of the scenario; expected none")
        }
        Form::StringConstructor if hidden || ret != Some(Type::Object) => broken(
            Part::Signature,
            "a string constructor; expected what it really is, `object (...)`",
        ),
        Form::StringConstructor if method.code == Code::Native => {
            broken(Part::Code, "a native string constructor; expected managed code")
        }
        Form::StringConstructor => Ok(()),
        Form::Dynamic if hidden || method.code != Code::Interpreted => {
            broken(Part::Form, "a dynamic method; expected a static one that is interpreted")
        }
        Form::Dynamic => Ok(()),
    }
}

/// The name of a method in metadata: identifiers joined by dots and, before a nested type, plus
/// signs.
pub(crate) fn is_symbol(symbol: &str) -> bool {
    symbol.len() <= MAX_SYMBOL
        && symbol.split(['.', '+']).count() >= 2
        && symbol.split(['.', '+']).all(is_identifier)
        && symbol.rfind('.') > symbol.rfind('+')
}

fn symbol_rule(symbol: Option<&str>) -> Rules {
    match symbol {
        Some(symbol) if !is_symbol(symbol) => broken(
            Part::Symbol,
            format!("{} is no symbol; expected one such as `A.B.Outer+Inner.Method`", show(symbol)),
        ),
        _ => Ok(()),
    }
}

fn managed_rules(method: &Method) -> Rules {
    if method.reverse_thunk {
        return broken(
            Part::ReverseThunk,
            "a managed method with a reverse thunk; expected none, or `uco = true`",
        );
    }
    let Signature { context, continuation, .. } = method.signature;
    if method.code == Code::Native && (context || continuation) {
        return broken(Part::Code, "a generic or async FCall; expected managed code");
    }
    Ok(())
}

fn uco_rules(layout: &Layout, method: &Method) -> Rules {
    unmanaged_rules(layout, "an UnmanagedCallersOnly method", &method.signature)?;
    if method.code == Code::Native {
        return broken(Part::Code, "a native UnmanagedCallersOnly method; expected managed code");
    }
    let entered = matches!(method.code, Code::ReadyToRun | Code::Both);
    if !entered && !method.reverse_thunk {
        return broken(
            Part::ReverseThunk,
            "an interpreted UnmanagedCallersOnly method without a reverse thunk; expected one, \
             as nothing else can enter it",
        );
    }
    Ok(())
}

fn pinvoke_rules(layout: &Layout, method: &Method) -> Rules {
    unmanaged_rules(layout, "a P/Invoke", &method.signature)?;
    if method.reverse_thunk {
        return broken(Part::ReverseThunk, "a P/Invoke with a reverse thunk; expected none");
    }
    if method.code != Code::Native {
        return broken(Part::Code, "a P/Invoke whose target is managed; expected `native` code");
    }
    Ok(())
}

/// What a call site may be.
pub(crate) fn site_rules(layout: &Layout, site: &Site) -> Rules {
    let parts = site.action.parts();
    let assembly = site.caller.assembly();
    if let Some(assembly) = assembly {
        assembly_rule(layout, assembly)?;
    }
    if !parts.kind.callers().contains(&site.caller.kind()) {
        return broken(
            Part::Target,
            match assembly {
                Some(_) => "what the runtime does by itself; expected no `in`",
                None => "a managed action in native code; expected an unmanaged call",
            },
        );
    }
    match parts.subject {
        Subject::Variable(kind, signature) => stated_rules(layout, kind, signature),
        Subject::Method(id) => match layout.methods.get(id) {
            Some(method) => named_rules(layout, site, method),
            None => broken(
                Part::Target,
                "the site names a method that does not exist; expected one that does",
            ),
        },
    }
}

/// What a site may state that it calls a variable with.
fn stated_rules(layout: &Layout, kind: VariableKind, signature: &Signature) -> Rules {
    match kind {
        VariableKind::ManagedPointer if signature.context => {
            return broken(
                Part::Signature,
                "a generic function pointer; expected none, as a stub supplies the context",
            );
        }
        VariableKind::Delegate
            if signature.instance || signature.context || signature.continuation =>
        {
            return broken(Part::Signature, "the signature of an Invoke; expected a static one");
        }
        VariableKind::ManagedPointer | VariableKind::UnmanagedPointer | VariableKind::Delegate => {}
    }
    signature_rules(layout, signature)?;
    match kind {
        VariableKind::UnmanagedPointer => unmanaged_rules(layout, "an unmanaged call", signature),
        VariableKind::ManagedPointer | VariableKind::Delegate => Ok(()),
    }
}

/// What method a site may name.
fn named_rules(layout: &Layout, site: &Site, method: &Method) -> Rules {
    if method.form == Form::Dynamic && site.caller.kind() == CallerKind::ReadyToRun {
        let name = show(&method.name);
        let message =
            format!("{name} is dynamic, which no image knows; expected `by = \"interpreter\"`");
        return broken(Part::Target, message);
    }
    rules::action(layout, &site.action, method)
        .map_err(|wanted| (Part::Target, wanted.message(&show(&method.name))))
}

fn assembly_rule(layout: &Layout, id: AssemblyId) -> Rules {
    if layout.assemblies.get(id).is_some() {
        return Ok(());
    }
    let count = layout.assemblies.len();
    let message = format!("assembly {} does not exist; expected one of the {count} declared", id.0);
    broken(Part::Assembly, message)
}

fn signature_rules(layout: &Layout, signature: &Signature) -> Rules {
    let count = signature.params.len();
    if count > MAX_PARAMS {
        let message = format!("{count} parameters; expected at most {MAX_PARAMS}");
        return broken(Part::Param(MAX_PARAMS), message);
    }
    for (part, ty) in types_of(signature) {
        if matches!(ty, Type::Struct(id) if layout.structs.get(id).is_none()) {
            return broken(part, "a struct that does not exist; expected a declared one");
        }
    }
    Ok(())
}

/// Native code has no object references, no receivers and no hidden arguments.
fn unmanaged_rules(layout: &Layout, what: &str, signature: &Signature) -> Rules {
    if signature.instance {
        let message = format!("{what} with `instance`; expected a static signature");
        return broken(Part::Signature, message);
    }
    if signature.context || signature.continuation {
        let message = format!("{what} that is generic or async; expected a plain signature");
        return broken(Part::Signature, message);
    }
    for (part, ty) in types_of(signature) {
        if holds_object(layout, ty) {
            let message = format!("{what} with an `object`; expected blittable types only");
            return broken(part, message);
        }
    }
    Ok(())
}

fn types_of(signature: &Signature) -> impl Iterator<Item = (Part, Type)> {
    let params = signature.params.iter().enumerate().map(|(i, &ty)| (Part::Param(i), ty));
    signature.ret.map(|ty| (Part::Ret, ty)).into_iter().chain(params)
}

/// The type is an object reference, or wraps one.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type holds a reference")]
pub(crate) fn holds_object(layout: &Layout, ty: Type) -> bool {
    match ty {
        Type::Object => true,
        Type::Struct(id) => match layout.structs.get(id).map(|s| s.shape) {
            Some(StructShape::Wraps(inner)) => holds_object(layout, inner),
            _ => false,
        },
        _ => false,
    }
}
