//! Which method a call means, and what it passes: the scenario's own meaning,
//! worked out from layout and script alone.

#![deny(clippy::wildcard_enum_match_arm)]

use super::action::{Action, Given, Receiver, Subject, VariableKind};
use super::layout::{ClassId, ClassKind, Layout, MethodId, SiteId};
use super::meaning::{class_at, receiver};
use super::method::{Convention, Slot};
use super::script::{Call, Event};
use super::types::Signature;
use super::{Scenario, VariableId};
use crate::index::IndexVec;

/// What a pointer variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The method that it leads to.
    pub method: MethodId,
    /// What it is.
    pub kind: HeldKind,
}

/// A function pointer or a delegate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldKind {
    /// A function pointer; whether its receivers are boxed.
    Pointer {
        /// `ldvirtftn` gives a pointer that unboxes.
        boxed: bool,
    },
    Delegate {
        /// What it is bound to, if it is closed.
        on: Option<u32>,
    },
}

impl Held {
    /// How it can be called.
    pub fn variable_kind(self, layout: &Layout) -> VariableKind {
        match self.kind {
            HeldKind::Delegate { .. } => VariableKind::Delegate,
            HeldKind::Pointer { .. } => match layout.method(self.method).convention {
                Convention::UnmanagedCallersOnly => VariableKind::UnmanagedPointer,
                Convention::Managed | Convention::PInvoke => VariableKind::ManagedPointer,
            },
        }
    }

    /// The signature that it is called with.
    pub fn signature(self, layout: &Layout) -> Signature {
        match self.kind {
            HeldKind::Delegate { on } => layout.invoke_signature(self.method, on.is_some()),
            HeldKind::Pointer { .. } => layout.pointer_signature(self.method),
        }
    }
}

/// What one call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The method that runs.
    pub method: MethodId,
    /// The `this` that it sees, if it is an instance method.
    pub this: Option<u32>,
    /// An argument in front of the call's own: what a closed static delegate is bound to.
    pub bound: Option<u32>,
    /// How many of the call's own arguments come before the parameters: the
    /// receiver, for an open instance delegate.
    pub skipped: usize,
}

/// The method that runs when `method`'s slot is called on an instance of `class`.
pub fn dispatch(layout: &Layout, class: ClassId, method: MethodId) -> MethodId {
    let overriding = |ancestor: ClassId| {
        layout.methods.position(|candidate| {
            candidate.class == Some(ancestor) && candidate.slot == Slot::Overrides(method)
        })
    };
    // Up to the class that declares the slot.
    layout
        .ancestry(class)
        .take_while(|&ancestor| layout.method(method).class != Some(ancestor))
        .find_map(overriding)
        .unwrap_or(method)
}

/// An instance of `class` has the slot that `method` is the first in.
pub fn has_slot(layout: &Layout, class: ClassId, method: MethodId) -> bool {
    let Some(declaring) = layout.method(method).class else { return false };
    if layout.class(declaring).kind != ClassKind::Interface {
        return layout.ancestry(class).any(|ancestor| ancestor == declaring);
    }
    let implements = |ancestor: ClassId| {
        layout.methods.iter().any(|m| {
            let Slot::Overrides(slot) = m.slot else { return false };
            m.class == Some(ancestor) && layout.method(slot).class == Some(declaring)
        })
    };
    layout.ancestry(class).any(implements)
}

/// What `method` is when it is called on the object at `object`.
fn on_object(layout: &Layout, method: MethodId, object: u32) -> MethodId {
    match class_at(layout, object) {
        Some(class) => dispatch(layout, class, method),
        None => method,
    }
}

/// The first method of a virtual method's slot.
pub fn slot_of(layout: &Layout, method: MethodId) -> MethodId {
    match layout.method(method).slot {
        Slot::Overrides(first) => first,
        Slot::None | Slot::Virtual => method,
    }
}

/// What a site that takes gives.
pub fn taken(layout: &Layout, site: SiteId, on: Option<u32>) -> Option<Held> {
    let action = &layout.sites.get(site)?.action;
    let method = action.named()?;
    Some(match action.parts().gives? {
        Given::Pointer => Held { method, kind: HeldKind::Pointer { boxed: false } },
        Given::PointerOfReceiver => {
            let method = on_object(layout, method, on.unwrap_or(0));
            Held { method, kind: HeldKind::Pointer { boxed: true } }
        }
        Given::Delegate { closed } => {
            let on = on.filter(|_| closed);
            let method = match on {
                Some(object) if layout.method(method).is_virtual() => {
                    on_object(layout, slot_of(layout, method), object)
                }
                Some(_) | None => method,
            };
            Held { method, kind: HeldKind::Delegate { on } }
        }
    })
}

/// What a variable holds may be called at a site that does this.
pub fn fits(layout: &Layout, action: &Action, held: Held) -> bool {
    match action.parts().subject {
        Subject::Method(_) => false,
        Subject::Variable(kind, signature) => {
            kind == held.variable_kind(layout) && *signature == held.signature(layout)
        }
    }
}

/// The action needs an object that is an instance of a class with a slot: which slot.
pub fn needs_object(layout: &Layout, action: &Action) -> Option<MethodId> {
    match action.parts().receiver {
        Receiver::Passed => None,
        Receiver::Dispatched(method) => {
            layout.method(method).is_virtual().then(|| slot_of(layout, method))
        }
    }
}

/// The object there is an instance of a class with the slot.
pub fn is_receiver(layout: &Layout, object: u32, slot: MethodId) -> bool {
    class_at(layout, object).is_some_and(|class| {
        let declaring = layout.method(slot).class;
        has_slot(layout, class, slot) || declaring == Some(class)
    })
}

/// What a call means, given what its variable holds, which must be what the site calls.
pub fn target(layout: &Layout, call: &Call, held: Option<Held>) -> Option<Target> {
    let plain = |method| Target { method, this: call.this, bound: None, skipped: 0 };
    let unboxed = |method| {
        let this = call.this.map(|object| receiver(layout, method, object));
        Target { this, ..plain(method) }
    };
    let parts = layout.sites.get(call.site)?.action.parts();
    if parts.gives.is_some() {
        return None;
    }
    Some(match (parts.subject, parts.receiver) {
        (Subject::Method(_), Receiver::Dispatched(method)) => {
            if !layout.method(method).is_virtual() {
                return Some(unboxed(method));
            }
            let object = call.this.unwrap_or(0);
            let method = on_object(layout, slot_of(layout, method), object);
            Target { this: Some(receiver(layout, method, object)), ..plain(method) }
        }
        (Subject::Method(method), Receiver::Passed) => plain(method),
        (Subject::Variable(..), _) => {
            let Held { method, kind } = held?;
            match kind {
                HeldKind::Pointer { boxed: false } => plain(method),
                HeldKind::Pointer { boxed: true } => unboxed(method),
                HeldKind::Delegate { on } => invoked(layout, call, method, on),
            }
        }
    })
}

fn invoked(layout: &Layout, call: &Call, method: MethodId, on: Option<u32>) -> Target {
    let instance = layout.method(method).signature.instance;
    let plain = Target { method, this: None, bound: None, skipped: 0 };
    match (instance, on) {
        (true, Some(object)) => Target { this: Some(receiver(layout, method, object)), ..plain },
        (false, bound) => Target { bound, ..plain },
        (true, None) => {
            let object = call.args.first().map_or(0, |&word| word as u32);
            if !layout.method(method).is_virtual() {
                return Target { this: Some(object), skipped: 1, ..plain };
            }
            let method = on_object(layout, slot_of(layout, method), object);
            let this = Some(receiver(layout, method, object));
            Target { method, this, bound: None, skipped: 1 }
        }
    }
}

/// Walks a script and says what each variable holds as it goes.
#[derive(Debug)]
pub struct Variables<'s> {
    layout: &'s Layout,
    held: IndexVec<VariableId, Option<Held>>,
}

impl<'s> Variables<'s> {
    /// Before the script's first event.
    pub fn new(scenario: &'s Scenario) -> Self {
        Self { layout: &scenario.layout, held: scenario.variables.map(|_| None) }
    }

    /// After this event. Only a take changes anything.
    pub fn step(&mut self, event: &Event) {
        if let Event::Take { site, into, on } = event
            && let Some(held) = self.held.get_mut(*into)
        {
            *held = taken(self.layout, *site, *on);
        }
    }

    /// What a variable holds.
    pub fn held(&self, variable: VariableId) -> Option<Held> {
        self.held.get(variable).copied().flatten()
    }

    /// What a call's variable holds.
    pub fn of(&self, call: &Call) -> Option<Held> {
        self.held(call.pointer?)
    }

    /// What a call means.
    pub fn target(&self, call: &Call) -> Option<Target> {
        target(self.layout, call, self.of(call))
    }
}
