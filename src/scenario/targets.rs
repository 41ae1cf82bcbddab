//! Which method a call means, and what it passes: the scenario's own meaning,
//! worked out from layout and script alone.

use super::layout::{Action, ClassId, ClassKind, Layout, MethodId, RuntimePath, Slot};
use super::meaning::{class_at, receiver};
use super::script::{Call, Event};
use super::{Scenario, SiteId};

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
    /// A delegate.
    Delegate {
        /// What it is bound to, if it is closed.
        on: Option<u32>,
    },
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
        let position = layout.methods.iter().position(|candidate| {
            candidate.class == Some(ancestor) && candidate.slot == Slot::Overrides(method)
        })?;
        Some(MethodId(position as u16))
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

fn is_virtual(layout: &Layout, method: MethodId) -> bool {
    layout.method(method).slot != Slot::None
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
    match layout.sites.get(site.index())?.action {
        Action::Ldftn(method) => Some(Held { method, kind: HeldKind::Pointer { boxed: false } }),
        Action::Ldvirtftn(method) => {
            let method = on_object(layout, method, on.unwrap_or(0));
            Some(Held { method, kind: HeldKind::Pointer { boxed: true } })
        }
        Action::NewDelegate { method, closed } => {
            let on = on.filter(|_| closed);
            let method = match on {
                Some(object) if is_virtual(layout, method) => {
                    on_object(layout, slot_of(layout, method), object)
                }
                _ => method,
            };
            Some(Held { method, kind: HeldKind::Delegate { on } })
        }
        _ => None,
    }
}

/// What a call means, given what its variable holds.
pub fn target(layout: &Layout, call: &Call, held: Option<Held>) -> Option<Target> {
    let plain = |method| Target { method, this: call.this, bound: None, skipped: 0 };
    let dispatched = |method| {
        let object = call.this.unwrap_or(0);
        let method = on_object(layout, method, object);
        Target { this: Some(receiver(layout, method, object)), ..plain(method) }
    };
    Some(match layout.sites.get(call.site.index())?.action {
        Action::Direct { callee, .. } | Action::PInvoke { callee, .. } => plain(callee),
        Action::Virtual { method, .. } => dispatched(method),
        Action::Runtime { path: RuntimePath::Finalizer, callee } => dispatched(callee),
        // `MethodBase.Invoke` of a virtual method dispatches on the receiver.
        Action::Runtime { path: RuntimePath::Reflection, callee } if is_virtual(layout, callee) => {
            dispatched(slot_of(layout, callee))
        }
        Action::Runtime { path: RuntimePath::Reflection, callee } => {
            let this = call.this.map(|object| receiver(layout, callee, object));
            Target { this, ..plain(callee) }
        }
        Action::Runtime { callee, .. } => plain(callee),
        Action::ManagedCalli(_) | Action::UnmanagedCalli(_) => {
            let Held { method, kind: HeldKind::Pointer { boxed } } = held? else { return None };
            let unboxed = |object| receiver(layout, method, object);
            let this = if boxed { call.this.map(unboxed) } else { call.this };
            Target { this, ..plain(method) }
        }
        Action::Invoke(_) => {
            let Held { method, kind: HeldKind::Delegate { on } } = held? else { return None };
            invoked(layout, call, method, on)
        }
        Action::Ldftn(_) | Action::Ldvirtftn(_) | Action::NewDelegate { .. } => return None,
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
            if !is_virtual(layout, method) {
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
    held: Vec<Option<Held>>,
}

impl<'s> Variables<'s> {
    /// Before the script's first event.
    pub fn new(scenario: &'s Scenario) -> Self {
        Self { layout: &scenario.layout, held: vec![None; scenario.variables.len()] }
    }

    /// After this event. Only a take changes anything.
    pub fn step(&mut self, event: &Event) {
        if let Event::Take { site, into, on } = event
            && let Some(held) = self.held.get_mut(into.index())
        {
            *held = taken(self.layout, *site, *on);
        }
    }

    /// What a variable holds.
    pub fn held(&self, variable: super::VariableId) -> Option<Held> {
        self.held.get(variable.index()).copied().flatten()
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

/// The method that each event calls, nested calls left out.
pub fn callees(scenario: &Scenario) -> Vec<Option<MethodId>> {
    let mut variables = Variables::new(scenario);
    let step = |event: &Event| {
        variables.step(event);
        match event {
            Event::Call(call) => variables.target(call).map(|target| target.method),
            _ => None,
        }
    };
    scenario.script.iter().map(step).collect()
}
