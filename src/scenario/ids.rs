//! Every id in a scenario that stands for an item of its layout, for whoever renumbers items.
//!
//! With [`Action::subject_mut`](super::Action::subject_mut), this is the one place that knows where
//! ids are. It names every variant, so that a new one cannot be forgotten.

#![deny(clippy::wildcard_enum_match_arm)]

use super::action::SubjectMut;
use super::{
    AssemblyId, Call, ClassId, Event, Layout, Method, MethodId, ObjectClass, Scenario, Signature,
    Site, SiteId, Slot, Struct, StructId, StructShape, Type,
};
use strum::EnumCount;

/// An id, to be changed.
#[derive(Debug)]
pub enum AnyId<'a> {
    /// Of an assembly.
    Assembly(&'a mut AssemblyId),
    /// Of a value type.
    Struct(&'a mut StructId),
    /// Of a class.
    Class(&'a mut ClassId),
    /// Of a method.
    Method(&'a mut MethodId),
    /// Of a call site.
    Site(&'a mut SiteId),
}

/// What a scenario has lists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumCount)]
pub enum Item {
    Assembly,
    Struct,
    Class,
    Method,
    Site,
}

impl Item {
    /// Every kind, from what refers to what is referred to.
    pub const ALL: [Item; Item::COUNT] =
        [Item::Site, Item::Method, Item::Class, Item::Struct, Item::Assembly];

    /// How many a scenario has.
    pub fn count(self, scenario: &Scenario) -> usize {
        let layout = &scenario.layout;
        match self {
            Item::Assembly => layout.assemblies.len(),
            Item::Struct => layout.structs.len(),
            Item::Class => layout.classes.len(),
            Item::Method => layout.methods.len(),
            Item::Site => layout.sites.len(),
        }
    }

    /// The word of an id of this kind.
    fn word<'a>(self, id: AnyId<'a>) -> Option<&'a mut u16> {
        match (self, id) {
            (Item::Assembly, AnyId::Assembly(id)) => Some(&mut id.0),
            (Item::Struct, AnyId::Struct(id)) => Some(&mut id.0),
            (Item::Class, AnyId::Class(id)) => Some(&mut id.0),
            (Item::Method, AnyId::Method(id)) => Some(&mut id.0),
            (Item::Site, AnyId::Site(id)) => Some(&mut id.0),
            _ => None,
        }
    }
}

/// Removes an item. Ids of those behind it follow; what referred to it refers to the
/// next one now, and must be [repaired](super::generate::fixup).
pub fn remove(scenario: &mut Scenario, item: Item, index: usize) {
    let layout = &mut scenario.layout;
    match item {
        Item::Assembly => drop(layout.assemblies.remove(index.into())),
        Item::Struct => drop(layout.structs.remove(index.into())),
        Item::Class => drop(layout.classes.remove(index.into())),
        Item::Method => drop(layout.methods.remove(index.into())),
        Item::Site => drop(layout.sites.remove(index.into())),
    }
    visit(scenario, &mut |id| {
        if let Some(word) = item.word(id)
            && usize::from(*word) > index
        {
            *word -= 1;
        }
    });
}

/// Shows every id of an item.
pub fn visit(scenario: &mut Scenario, see: &mut dyn FnMut(AnyId<'_>)) {
    let layout = &mut scenario.layout;
    layout.structs.iter_mut().for_each(|item| in_struct(item, see));
    layout.classes.iter_mut().for_each(|class| in_class(class, see));
    layout.methods.iter_mut().for_each(|method| in_method(method, see));
    layout.sites.iter_mut().for_each(|site| in_site(site, see));
    scenario.script.iter_mut().for_each(|event| in_event(event, see));
}

fn in_struct(item: &mut Struct, see: &mut dyn FnMut(AnyId<'_>)) {
    match &mut item.shape {
        StructShape::Opaque { size: _, align: _ } | StructShape::Empty => {}
        StructShape::Wraps(ty) => in_type(ty, see),
    }
}

fn in_type(ty: &mut Type, see: &mut dyn FnMut(AnyId<'_>)) {
    if let Type::Struct(id) = ty {
        see(AnyId::Struct(id));
    }
}

fn in_signature(signature: &mut Signature, see: &mut dyn FnMut(AnyId<'_>)) {
    let Signature { instance: _, context: _, continuation: _, ret, params } = signature;
    params.iter_mut().chain(ret).for_each(|ty| in_type(ty, see));
}

fn in_class(class: &mut ObjectClass, see: &mut dyn FnMut(AnyId<'_>)) {
    let ObjectClass { name: _, assembly, base, kind: _ } = class;
    see(AnyId::Assembly(assembly));
    if let Some(base) = base {
        see(AnyId::Class(base));
    }
}

fn in_method(method: &mut Method, see: &mut dyn FnMut(AnyId<'_>)) {
    let Method { assembly, class, slot, signature, .. } = method;
    see(AnyId::Assembly(assembly));
    if let Some(class) = class {
        see(AnyId::Class(class));
    }
    match slot {
        Slot::None | Slot::Virtual => {}
        Slot::Overrides(method) => see(AnyId::Method(method)),
    }
    in_signature(signature, see);
}

/// Shows every id of a site.
pub fn in_site(site: &mut Site, see: &mut dyn FnMut(AnyId<'_>)) {
    let Site { name: _, caller, action } = site;
    if let Some(assembly) = caller.assembly_mut() {
        see(AnyId::Assembly(assembly));
    }
    match action.subject_mut() {
        SubjectMut::Method(method) => see(AnyId::Method(method)),
        SubjectMut::Signature(signature) => in_signature(signature, see),
    }
}

/// Gives a method another signature. Sites that state the old one state the new one.
pub fn restate(layout: &mut Layout, method: MethodId, new: Signature) {
    let old = std::mem::replace(&mut layout.methods[method].signature, new.clone());
    let stated = layout.sites.iter_mut().filter_map(|site| site.action.stated_mut());
    stated.filter(|stated| **stated == old).for_each(|stated| stated.clone_from(&new));
}

/// Gives every method and every site that states a signature another one.
pub fn restate_all(layout: &mut Layout, old: &Signature, new: &Signature) {
    let methods = layout.methods.iter_mut().map(|method| &mut method.signature);
    let sites = layout.sites.iter_mut().filter_map(|site| site.action.stated_mut());
    methods.chain(sites).filter(|stated| *stated == old).for_each(|stated| stated.clone_from(new));
}

fn in_event(event: &mut Event, see: &mut dyn FnMut(AnyId<'_>)) {
    match event {
        Event::Load(assembly) => see(AnyId::Assembly(assembly)),
        Event::Prepare(method) | Event::Touch(method) | Event::Reset(method) => {
            see(AnyId::Method(method));
        }
        Event::Recycle { from, to } => {
            see(AnyId::Method(from));
            see(AnyId::Method(to));
        }
        Event::Take { site, into: _, on: _ } => see(AnyId::Site(site)),
        Event::Call(call) => in_call(call, see),
    }
}

fn in_call(call: &mut Call, see: &mut dyn FnMut(AnyId<'_>)) {
    let Call { site, pointer: _, this: _, args: _, inside } = call;
    see(AnyId::Site(site));
    inside.iter_mut().for_each(|call| in_call(call, see));
}
