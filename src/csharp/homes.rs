//! Which project refers to which, and where each call site stands.
//!
//! Assemblies of a scenario may call each other both ways, but projects cannot refer to each
//! other both ways. What a class needs of its base and its interfaces decides first; then each
//! call site stands in its own assembly if that closes no circle, and else in the application,
//! which refers to all of them: the call itself stays the same.

use crate::index::IndexVec;
use crate::scenario::{AssemblyId, ClassId, ClassKind, Layout, MethodId, Slot};

/// Who refers to whom.
#[derive(Debug)]
pub(super) struct Homes {
    /// For each assembly, the others that its project refers to.
    references: IndexVec<AssemblyId, Vec<AssemblyId>>,
    /// Interfaces that all assemblies share, as one behind their own implements them.
    shared: IndexVec<ClassId, bool>,
}

impl Homes {
    pub fn new(layout: &Layout) -> Self {
        let references = layout.assemblies.map(|_| Vec::new());
        let mut homes = Homes { references, shared: layout.classes.map(|_| false) };
        for method in &layout.methods {
            let (Some(interface), Some(class)) = (interface_of(layout, method.slot), method.class)
            else {
                continue;
            };
            if layout.class(interface).assembly > layout.class(class).assembly {
                homes.shared[interface] = true;
            }
        }
        for class in &layout.classes {
            if let Some(base) = class.base {
                homes.refer(class.assembly, layout.class(base).assembly);
            }
        }
        for method in &layout.methods {
            if let Some(interface) = interface_of(layout, method.slot)
                && !homes.is_shared(interface)
            {
                homes.refer(method.assembly, layout.class(interface).assembly);
            }
        }
        homes
    }

    /// The interface is declared where every assembly sees it.
    pub fn is_shared(&self, class: ClassId) -> bool {
        self.shared[class]
    }

    /// The assemblies that an assembly's project refers to, in order.
    pub fn references(&self, assembly: AssemblyId) -> &[AssemblyId] {
        &self.references[assembly]
    }

    /// Lets `from` refer to all of `to`, unless that closes a circle.
    pub fn admit(&mut self, from: AssemblyId, to: &[AssemblyId]) -> bool {
        let circle = to.iter().any(|&other| other != from && self.reaches(other, from));
        if !circle {
            to.iter().for_each(|&other| self.refer(from, other));
        }
        !circle
    }

    fn refer(&mut self, from: AssemblyId, to: AssemblyId) {
        let references = &mut self.references[from];
        if from != to && !references.contains(&to) {
            references.push(to);
            references.sort_unstable();
        }
    }

    fn reaches(&self, from: AssemblyId, to: AssemblyId) -> bool {
        let mut seen = self.references.map(|_| false);
        let mut pending = vec![from];
        while let Some(at) = pending.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                pending.extend(self.references(at));
            }
        }
        false
    }
}

/// The interface whose method a slot overrides.
fn interface_of(layout: &Layout, slot: Slot) -> Option<ClassId> {
    let Slot::Overrides(first) = slot else { return None };
    declaring(layout, first).filter(|&c| layout.class(c).kind == ClassKind::Interface)
}

fn declaring(layout: &Layout, method: MethodId) -> Option<ClassId> {
    layout.method(method).class
}

/// Interfaces that a class implements itself, in order.
pub(super) fn interfaces(layout: &Layout, class: ClassId) -> Vec<ClassId> {
    let own = layout.methods.iter().filter(|m| m.class == Some(class));
    let mut found: Vec<ClassId> = own.filter_map(|m| interface_of(layout, m.slot)).collect();
    found.sort_unstable();
    found.dedup();
    found
}
