//! Writes scripts that are valid at every step, for the generator and the repairer.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::action::Action;
use super::super::meaning::{class_at, mix, object_address};
use super::super::state::{State, bases};
use super::super::targets::{
    Held, Target, fits, is_receiver, needs_object, slot_of, taken, target,
};
use super::super::{
    AssemblyId, Call, ClassId, Event, Layout, MAX_DEPTH, MAX_ITEMS, MethodId, SiteId, VariableId,
    meaning,
};
use crate::index::IndexVec;

/// A receiver where none is wished for and any will do.
const RECEIVER: u32 = 0x7415_0000;

/// A script under construction. What an event needs (a load, a pointer) is
/// put before it; an event that cannot be made valid is left out.
pub(super) struct Emitter<'l> {
    layout: &'l Layout,
    /// The most events.
    most: usize,
    state: State<'l>,
    /// Names of the variables that have a value.
    names: IndexVec<VariableId, String>,
    script: Vec<Event>,
}

impl<'l> Emitter<'l> {
    pub(super) fn new(layout: &'l Layout, most: usize) -> Self {
        Emitter {
            layout,
            most,
            state: State::new(layout),
            names: IndexVec::default(),
            script: Vec::new(),
        }
    }

    /// Names of the variables, and the events.
    pub(super) fn finish(self) -> (IndexVec<VariableId, String>, Vec<Event>) {
        (self.names, self.script)
    }

    pub(super) fn is_full(&self) -> bool {
        self.script.len() >= self.most
    }

    /// What each variable holds that has a value.
    pub(super) fn variables(&self) -> &IndexVec<VariableId, Held> {
        self.state.holds()
    }

    /// What the last event was about: a method, and what a take gave.
    pub(super) fn last_subject(&self) -> Option<(MethodId, Option<Held>)> {
        match self.script.last()? {
            Event::Touch(method) | Event::Prepare(method) => Some((*method, None)),
            Event::Take { into, .. } => {
                let held = self.state.held(*into)?;
                Some((held.method, Some(held)))
            }
            Event::Load(_) | Event::Reset(_) | Event::Recycle { .. } | Event::Call(_) => None,
        }
    }

    /// Loads an assembly, once, behind those that its classes' bases are in.
    pub(super) fn load(&mut self, id: AssemblyId) {
        for need in self.unloaded(&[id]) {
            if !self.is_full() {
                self.state.load(need);
                self.script.push(Event::Load(need));
            }
        }
    }

    /// Assemblies that have to be loaded for these, in order.
    fn unloaded(&self, needs: &[AssemblyId]) -> Vec<AssemblyId> {
        let mut all: Vec<AssemblyId> = Vec::new();
        for &id in needs {
            self.add_unloaded(id, &mut all);
        }
        all
    }

    fn add_unloaded(&self, id: AssemblyId, all: &mut Vec<AssemblyId>) {
        if self.state.is_loaded(id) || all.contains(&id) {
            return;
        }
        // A base is in the same assembly or an earlier one.
        let assemblies = bases(self.layout, id).map(|base| self.layout.class(base).assembly);
        for base in assemblies.filter(|&base| base != id) {
            self.add_unloaded(base, all);
        }
        all.push(id);
    }

    /// An event about one method.
    pub(super) fn about(&mut self, id: MethodId, event: Event) {
        let allowed = self.state.may_use(id).is_ok();
        if allowed && self.emit(&[self.layout.method(id).assembly], event) {
            self.state.use_method(id);
        }
    }

    /// Resets a method's entry point, if that may be.
    pub(super) fn reset(&mut self, id: MethodId) {
        if self.state.may_reset(id).is_ok() {
            self.about(id, Event::Reset(id));
        }
    }

    /// Gives a dynamic method's MethodDesc to another one, if that is unused.
    pub(super) fn recycle(&mut self, from: MethodId, to: MethodId) {
        if self.state.may_recycle(from, to).is_err() {
            return;
        }
        let needs = [from, to].map(|id| self.layout.method(id).assembly);
        if self.emit(&needs, Event::Recycle { from, to }) {
            self.state.recycle(from, to);
        }
    }

    /// Takes a pointer into an existing variable, or into a new one with a
    /// name that `name` would like to be.
    pub(super) fn take(
        &mut self,
        id: SiteId,
        into: Option<VariableId>,
        name: Option<&str>,
        on: Option<u32>,
    ) -> Option<VariableId> {
        let layout = self.layout;
        let site = layout.site(id);
        let on = self.taken_from(&site.action, on)?;
        let held = taken(layout, id, on)?;
        let named = site.action.named()?;
        let known = into.filter(|&variable| self.state.held(variable).is_some());
        let last = VariableId::from(MAX_ITEMS - 1);
        let next = self.variables().next_id().min(last);
        let into = known.unwrap_or(next);
        let mut needs = vec![layout.method(named).assembly, layout.method(held.method).assembly];
        needs.extend(site.caller.assembly());
        needs.extend(self.class_assembly(on));
        self.state.may_use(named).and_then(|()| self.state.may_use(held.method)).ok()?;
        if !self.emit(&needs, Event::Take { site: id, into, on }) {
            return None;
        }
        self.state.use_method(named);
        self.state.use_method(held.method);
        if into == self.variables().next_id() {
            self.names.push(self.new_name(name));
        }
        self.state.hold(into, held);
        Some(into)
    }

    /// The object that a take looks at, if it does, one that is wished for if possible. `None` if
    /// it needs one and there is none.
    fn taken_from(&self, action: &Action, wish: Option<u32>) -> Option<Option<u32>> {
        match action.parts().takes_from_object() {
            true => self.receiver(action, wish).map(Some),
            false => Some(None),
        }
    }

    /// The receiver that is wished for, if the action can be done on it, or one that it can.
    fn receiver(&self, action: &Action, wish: Option<u32>) -> Option<u32> {
        let Some(slot) = needs_object(self.layout, action) else {
            return Some(wish.unwrap_or(RECEIVER));
        };
        self.object_with(slot, wish)
    }

    fn object_with(&self, slot: MethodId, wish: Option<u32>) -> Option<u32> {
        let good = |object: &u32| is_receiver(self.layout, *object, slot);
        let count = self.layout.classes.len();
        // The classes take turns, starting where the wish says.
        let first = wish.unwrap_or(0) as usize / meaning::OBJECT_SIZE as usize;
        let objects = (0..count).map(|i| object_address(ClassId::from((first + i) % count)));
        wish.into_iter().chain(objects).find(good)
    }

    fn class_assembly(&self, object: Option<u32>) -> Option<AssemblyId> {
        class_at(self.layout, object?).map(|class| self.layout.class(class).assembly)
    }

    fn new_name(&self, wish: Option<&str>) -> String {
        let free = |name: &str| self.names.iter().all(|taken| taken != name);
        if let Some(wish) = wish.filter(|wish| free(wish)) {
            return wish.to_owned();
        }
        let mut number = self.names.len();
        while !free(&format!("p{number}")) {
            number += 1;
        }
        format!("p{number}")
    }

    /// Makes a call like `wish`: through its pointer and on its receiver if they
    /// fit, and with its arguments as far as there are any. True if it could be made.
    pub(super) fn call(&mut self, wish: &Call) -> bool {
        let mut needs = Vec::new();
        let Some(call) = self.build(wish, 1, &mut needs) else { return false };
        // A pointer may have been taken again for a call inside, into the
        // variable of another one.
        self.still_fits(&call) && self.emit(&needs, Event::Call(call))
    }

    fn still_fits(&self, call: &Call) -> bool {
        let action = &self.layout.site(call.site).action;
        let held = |variable| self.state.held(variable);
        let fits = call.pointer.is_none_or(|variable| {
            held(variable).is_some_and(|held| fits(self.layout, action, held))
        });
        fits && call.inside.iter().all(|inner| self.still_fits(inner))
    }

    fn build(&mut self, wish: &Call, depth: usize, needs: &mut Vec<AssemblyId>) -> Option<Call> {
        let layout = self.layout;
        let site = layout.site(wish.site);
        let signature = site.signature(layout)?;
        let named = site.action.named();
        let pointer = match named {
            Some(_) => None,
            None => Some(self.pointer(&site.action, wish.pointer)?),
        };
        let held = pointer.and_then(|variable| self.state.held(variable));
        let this = match signature.instance {
            true => Some(self.receiver(&site.action, wish.this)?),
            false => None,
        };
        // Distinguishable words stand in for missing ones.
        let word =
            |i: usize| wish.args.get(i).copied().unwrap_or_else(|| mix(0x6d15_5176, i as u64));
        let args = signature.params.iter().enumerate();
        let args = args.map(|(i, &ty)| meaning::normalise(layout, ty, word(i))).collect();
        let mut call = Call { site: wish.site, pointer, this, args, inside: Vec::new() };
        let Target { method, skipped, .. } = target(layout, &call, held)?;
        let first = slot_of(layout, method);
        if skipped == 1 && layout.method(first).is_virtual() {
            let object = call.args.first().map(|&word| word as u32);
            call.args[0] = self.object_with(first, object)?.into();
        }
        let Target { method, .. } = target(layout, &call, held)?;
        needs.extend(site.caller.assembly());
        needs.extend(self.class_assembly(this));
        if let Some(&word) = call.args.first().filter(|_| skipped == 1) {
            needs.extend(self.class_assembly(u32::try_from(word).ok()));
        }
        for method in named.into_iter().chain([method]) {
            self.state.may_use(method).ok()?;
            needs.push(layout.method(method).assembly);
            // Even if the call is not made in the end: it might have been, and a dynamic method
            // that is spared for that reason does no harm.
            self.state.use_method(method);
        }
        if depth < MAX_DEPTH && !layout.method(method).is_fcall() {
            let inner = wish.inside.iter().filter_map(|inner| self.build(inner, depth + 1, needs));
            call.inside = inner.collect();
        }
        Some(call)
    }

    /// A variable whose pointer may be called there; one is taken if there is none.
    fn pointer(&mut self, action: &Action, wish: Option<VariableId>) -> Option<VariableId> {
        let layout = self.layout;
        let good = |state: &State<'_>, held: Held| {
            fits(layout, action, held) && state.may_use(held.method).is_ok()
        };
        if let Some(wish) = wish
            && self.state.held(wish).is_some_and(|held| good(&self.state, held))
        {
            return Some(wish);
        }
        let known = self.state.holds().rposition(|&held| good(&self.state, held));
        if known.is_some() {
            return known;
        }
        let takes = |id: SiteId| {
            let on = self.taken_from(&layout.site(id).action, None)?;
            taken(layout, id, on).filter(|&held| good(&self.state, held))
        };
        let site = layout.sites.ids().find(|&id| takes(id).is_some())?;
        self.take(site, None, None, None)
    }

    /// Appends the loads that are missing and the event, all or nothing.
    fn emit(&mut self, needs: &[AssemblyId], event: Event) -> bool {
        let loads = self.unloaded(needs);
        if self.script.len() + loads.len() + 1 > self.most {
            return false;
        }
        for id in loads {
            self.load(id);
        }
        self.script.push(event);
        true
    }
}
