//! Rules for assemblies, types, methods and call sites.

use super::super::{
    Action, AssemblyId, Caller, Code, Convention, Layout, MAX_ITEMS, MAX_PARAMS, MAX_STRUCT_SIZE,
    Method, MethodId, Signature, Site, SiteId, StructId, StructShape, Type,
};
use super::names::{is_identifier, not_a_name, show};
use super::{Part, Place, Problem, limit};

/// Words of the signature language that no struct may be called, besides
/// [`Type::PRIMITIVES`].
const RESERVED_TYPE_NAMES: [&str; 3] = ["void", "instance", "Vector128"];

type Checked = Result<(), Problem>;

pub(super) fn check(layout: &Layout) -> Checked {
    check_names("assembly", &layout.assemblies, |a| &a.name, |i| Place::Assembly(AssemblyId(i)))?;
    check_names("struct", &layout.structs, |s| &s.name, |i| Place::Struct(StructId(i)))?;
    for (id, item) in (0..).map(StructId).zip(&layout.structs) {
        check_struct_name(id, &item.name)?;
        check_shape(id, item.shape)?;
    }
    check_names("method", &layout.methods, |m| &m.name, |i| Place::Method(MethodId(i)))?;
    for (id, method) in (0..).map(MethodId).zip(&layout.methods) {
        check_method(layout, id, method)?;
    }
    check_names("site", &layout.sites, |s| &s.name, |i| Place::Site(SiteId(i)))?;
    for (id, site) in (0..).map(SiteId).zip(&layout.sites) {
        check_site(layout, id, site)?;
    }
    Ok(())
}

/// The count, spelling and uniqueness of the names of one kind of item.
pub(super) fn check_names<T>(
    kind: &str,
    items: &[T],
    name: impl Fn(&T) -> &str,
    place: impl Fn(u16) -> Place,
) -> Checked {
    // The place of the first item too many, which is a small number.
    let most = u16::try_from(MAX_ITEMS).unwrap_or(u16::MAX);
    limit(place(most), &format!("declarations of kind {kind}"), items.len(), MAX_ITEMS)?;
    for (i, item) in (0u16..).zip(items) {
        let own = name(item);
        let wrong = |message| Err(Problem::new(place(i), Part::Name, message));
        if !is_identifier(own) {
            return wrong(not_a_name(kind, own));
        }
        if items[..usize::from(i)].iter().any(|other| name(other) == own) {
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
        StructShape::Wraps(_) => Ok(()),
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

fn check_method(layout: &Layout, id: MethodId, method: &Method) -> Checked {
    let place = Place::Method(id);
    let wrong = |part, message: &str| Err(Problem::new(place, part, message.into()));
    check_assembly(layout, place, method.assembly)?;
    check_signature(layout, place, &method.signature)?;
    if method.convention == Convention::Managed {
        if method.reverse_thunk {
            return wrong(
                Part::ReverseThunk,
                "a managed method with a reverse thunk; expected none, or `uco = true`",
            );
        }
        return Ok(());
    }
    check_unmanaged(layout, place, "an UnmanagedCallersOnly method", &method.signature)?;
    if method.code == Code::Interpreted && !method.reverse_thunk {
        return wrong(
            Part::ReverseThunk,
            "an interpreted UnmanagedCallersOnly method without a reverse thunk; expected one, \
             as nothing else can enter it",
        );
    }
    Ok(())
}

fn check_site(layout: &Layout, id: SiteId, site: &Site) -> Checked {
    let place = Place::Site(id);
    let wrong = |part, message: &str| Err(Problem::new(place, part, message.into()));
    match site.caller {
        Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) => {
            check_assembly(layout, place, assembly)?;
        }
        Caller::Native => {
            if !matches!(site.action, Action::UnmanagedCalli(_)) {
                return wrong(
                    Part::Target,
                    "a managed action in native code; expected an unmanaged call",
                );
            }
        }
    }
    match &site.action {
        Action::ManagedCalli(signature) => check_signature(layout, place, signature),
        Action::UnmanagedCalli(signature) => {
            check_signature(layout, place, signature)?;
            check_unmanaged(layout, place, "an unmanaged call", signature)
        }
        &(Action::Ldftn(method) | Action::Direct { callee: method, .. })
            if method.index() >= layout.methods.len() =>
        {
            wrong(
                Part::Target,
                "the site names a method that does not exist; expected one that does",
            )
        }
        Action::Ldftn(_) => Ok(()),
        &Action::Direct { callee, .. } => {
            let callee = layout.method(callee);
            if callee.convention == Convention::Managed {
                return Ok(());
            }
            let message = format!(
                "a direct call of {}, which is UnmanagedCallersOnly; expected a managed method",
                show(&callee.name)
            );
            wrong(Part::Target, &message)
        }
    }
}

fn check_assembly(layout: &Layout, place: Place, id: AssemblyId) -> Checked {
    if id.index() < layout.assemblies.len() {
        return Ok(());
    }
    let message = format!(
        "assembly {} does not exist; expected one of the {} declared",
        id.0,
        layout.assemblies.len()
    );
    Err(Problem::new(place, Part::Assembly, message))
}

fn check_signature(layout: &Layout, place: Place, signature: &Signature) -> Checked {
    let count = signature.params.len();
    if count > MAX_PARAMS {
        let message = format!("{count} parameters; expected at most {MAX_PARAMS}");
        return Err(Problem::new(place, Part::Param(MAX_PARAMS), message));
    }
    for (part, ty) in types_of(signature) {
        if matches!(ty, Type::Struct(id) if id.index() >= layout.structs.len()) {
            let message = "a struct that does not exist; expected a declared one".into();
            return Err(Problem::new(place, part, message));
        }
    }
    Ok(())
}

/// Native code has no object references and no receivers.
fn check_unmanaged(layout: &Layout, place: Place, what: &str, signature: &Signature) -> Checked {
    if signature.instance {
        let message = format!("{what} with `instance`; expected a static signature");
        return Err(Problem::new(place, Part::Signature, message));
    }
    for (part, ty) in types_of(signature) {
        if holds_object(layout, ty) {
            let message = format!("{what} with an `object`; expected blittable types only");
            return Err(Problem::new(place, part, message));
        }
    }
    Ok(())
}

fn types_of(signature: &Signature) -> impl Iterator<Item = (Part, Type)> {
    let params = signature.params.iter().enumerate().map(|(i, &ty)| (Part::Param(i), ty));
    signature.ret.map(|ty| (Part::Ret, ty)).into_iter().chain(params)
}

/// The type is an object reference, or wraps one.
pub(crate) fn holds_object(layout: &Layout, ty: Type) -> bool {
    match ty {
        Type::Object => true,
        Type::Struct(id) => match layout.structs.get(id.index()).map(|s| s.shape) {
            Some(StructShape::Wraps(inner)) => holds_object(layout, inner),
            _ => false,
        },
        _ => false,
    }
}
