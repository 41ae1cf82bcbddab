//! Scripts: what happens to a layout, in which order.

use super::super::meaning::{object_address, tame};
use super::super::targets::fits;
use super::super::{
    AssemblyId, Call, Event, Form, Layout, MAX_DEPTH, MethodId, SiteId, Type, VariableId,
};
use super::dice::Dice;
use super::emitter::Emitter;
use super::weights::{self, Opening, Step};
use crate::index::IndexVec;

/// Names of variables, and at most [`weights::MAX_EVENTS`] events.
pub(super) fn script(
    dice: &mut Dice<'_, '_>,
    layout: &Layout,
) -> (IndexVec<VariableId, String>, Vec<Event>) {
    let mut writer = Writer::new(dice, layout);
    writer.open();
    let steps = writer.dice.weighted(&weights::STEPS);
    // One of the first steps is a call while there is still room for the loads
    // and the pointer that it needs: no script goes without.
    let sure = writer.dice.below(steps.min(4));
    for step in 0..steps {
        if writer.emitter.is_full() {
            break;
        }
        if step == sure {
            writer.sure_call();
        } else {
            let step = writer.dice.weighted(&weights::STEP);
            writer.take_step(step);
        }
    }
    writer.emitter.finish()
}

/// A script under construction.
struct Writer<'l, 'd, 'u, 'b> {
    dice: &'d mut Dice<'u, 'b>,
    layout: &'l Layout,
    emitter: Emitter<'l>,
    calls: Vec<SiteId>,
    takes: Vec<SiteId>,
    dynamic: Vec<MethodId>,
}

impl<'l, 'd, 'u, 'b> Writer<'l, 'd, 'u, 'b> {
    fn new(dice: &'d mut Dice<'u, 'b>, layout: &'l Layout) -> Self {
        let sites = layout.sites.enumerated();
        let (takes, calls): (Vec<_>, Vec<_>) = sites.partition(|(_, site)| site.action.takes());
        let ids = |sites: Vec<(SiteId, _)>| sites.into_iter().map(|(id, _)| id).collect();
        let methods = layout.methods.enumerated();
        let dynamic = methods.filter(|(_, m)| m.form == Form::Dynamic).map(|(id, _)| id).collect();
        let emitter = Emitter::new(layout, weights::MAX_EVENTS);
        Writer { dice, layout, emitter, calls: ids(calls), takes: ids(takes), dynamic }
    }

    fn open(&mut self) {
        match self.dice.weighted(&weights::OPENING) {
            Opening::LoadAll => {
                let count = self.layout.assemblies.len();
                let first = self.dice.below(count);
                for i in 0..count {
                    self.emitter.load(AssemblyId::from((first + i) % count));
                }
            }
            Opening::None => {}
            Opening::Early(step) => {
                self.take_step(step);
                self.related_call();
            }
        }
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Load => {
                let assembly = self.dice.id_of(&self.layout.assemblies);
                self.emitter.load(assembly);
            }
            Step::Prepare => {
                let method = self.any_method();
                self.emitter.about(method, Event::Prepare(method));
            }
            Step::Touch => {
                let method = self.any_method();
                self.emitter.about(method, Event::Touch(method));
            }
            Step::Reset => {
                let method = self.any_method();
                self.emitter.reset(method);
            }
            Step::Recycle => self.recycle(),
            Step::Take => self.take(),
            Step::Call => {
                if let Some(site) = self.dice.one_of(&self.calls) {
                    self.call(site);
                }
            }
        }
    }

    fn any_method(&mut self) -> MethodId {
        self.dice.id_of(&self.layout.methods)
    }

    fn recycle(&mut self) {
        let from = self.dice.one_of(&self.dynamic);
        let to = self.dice.one_of(&self.dynamic);
        if let (Some(from), Some(to)) = (from, to) {
            self.emitter.recycle(from, to);
        }
    }

    fn take(&mut self) {
        let Some(site) = self.dice.one_of(&self.takes) else { return };
        let new = self.dice.percent(weights::NEW_VARIABLE);
        let old = self.dice.id_of(self.emitter.variables());
        let on = self.receiver();
        self.emitter.take(site, (!new).then_some(old), None, Some(on));
    }

    /// A call of what the last event was about.
    fn related_call(&mut self) {
        let Some((method, held)) = self.emitter.last_subject() else { return };
        let layout = self.layout;
        let related = |&&site: &&SiteId| {
            let action = &layout.site(site).action;
            match held {
                Some(held) => fits(layout, action, held),
                None => action.named() == Some(method),
            }
        };
        if let Some(&site) = self.calls.iter().rfind(related) {
            self.call(site);
        }
    }

    /// A call of some site, of the first one that can be called.
    fn sure_call(&mut self) {
        let first = self.dice.below(self.calls.len());
        for i in 0..self.calls.len() {
            let site = self.calls[(first + i) % self.calls.len()];
            if self.call(site) {
                return;
            }
        }
    }

    /// True if it could be made.
    fn call(&mut self, site: SiteId) -> bool {
        let wish = self.wish(site, 1);
        self.emitter.call(&wish)
    }

    /// A call with everything that one could wish for.
    fn wish(&mut self, site: SiteId, depth: usize) -> Call {
        let pointer = self.dice.id_of(self.emitter.variables());
        let this = Some(self.receiver());
        let layout = self.layout;
        let params = layout.site(site).signature(layout).map_or(&[][..], |s| &s.params);
        let args = params.iter().map(|&ty| self.argument(ty)).collect();
        let mut inside = Vec::new();
        if depth < MAX_DEPTH && self.dice.rarely(weights::INSIDE) {
            for _ in 0..1 + usize::from(self.dice.rarely(weights::INSIDE_TWICE)) {
                if let Some(site) = self.dice.one_of(&self.calls) {
                    inside.push(self.wish(site, depth + 1));
                }
            }
        }
        Call { site, pointer: Some(pointer), this, args, inside }
    }

    /// An object, or any word.
    fn receiver(&mut self) -> u32 {
        let classes = &self.layout.classes;
        if !classes.is_empty() && self.dice.percent(weights::INSTANCE_OF_CLASS) {
            return object_address(self.dice.id_of(classes));
        }
        self.dice.word() as u32
    }

    fn argument(&mut self, ty: Type) -> u64 {
        if ty == Type::Object {
            return self.receiver().into();
        }
        let word = self.dice.word();
        let extreme = self.dice.rarely(weights::EXTREME_WORD);
        let word = match extreme {
            true => weights::EXTREMES[word as usize % weights::EXTREMES.len()],
            false => word,
        };
        // An engine may change the bits of a NaN.
        tame(self.layout, ty, word)
    }
}
