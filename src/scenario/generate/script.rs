//! Scripts: what happens to a layout, in which order.

use super::super::meaning::tame;
use super::super::validate::site_signature;
use super::super::{AssemblyId, Call, Event, Layout, MethodId, SiteId, VariableId};
use super::dice::Dice;
use super::emitter::Emitter;
use super::weights::{self, Step};

/// Names of variables, and at most [`weights::MAX_EVENTS`] events.
pub(super) fn script(dice: &mut Dice<'_, '_>, layout: &Layout) -> (Vec<String>, Vec<Event>) {
    let mut emitter = Emitter::new(layout, weights::MAX_EVENTS);
    let count = layout.assemblies.len();
    if dice.percent(weights::LOAD_FIRST) {
        let first = dice.below(count);
        for i in 0..count {
            emitter.load(AssemblyId(((first + i) % count) as u16));
        }
    }
    // One of the first steps is a call while there is still room for the loads
    // and the pointer that it needs: no script goes without.
    let sure = dice.below(weights::MIN_STEPS);
    let steps = weights::MIN_STEPS + dice.below(weights::MAX_EVENTS - weights::MIN_STEPS + 1);
    for step in 0..steps {
        if emitter.is_full() {
            break;
        }
        let step = if step == sure { Step::Call } else { dice.weighted(&weights::STEP) };
        take_step(dice, layout, &mut emitter, step);
    }
    emitter.finish()
}

fn take_step(dice: &mut Dice<'_, '_>, layout: &Layout, emitter: &mut Emitter<'_>, step: Step) {
    match step {
        Step::Load => emitter.load(AssemblyId(dice.below(layout.assemblies.len()) as u16)),
        Step::Prepare => {
            let method = any_method(dice, layout);
            emitter.about(method, Event::Prepare(method));
        }
        Step::Touch => {
            let method = any_method(dice, layout);
            emitter.about(method, Event::Touch(method));
        }
        Step::Take => {
            if let Some(site) = any_site(dice, layout, true) {
                let new = dice.percent(weights::NEW_VARIABLE);
                let old = VariableId(dice.below(emitter.variables()) as u16);
                emitter.take(site, (!new).then_some(old), None, None);
            }
        }
        Step::Call => {
            if let Some(site) = any_site(dice, layout, false) {
                call(dice, layout, emitter, site);
            }
        }
    }
}

fn any_method(dice: &mut Dice<'_, '_>, layout: &Layout) -> MethodId {
    MethodId(dice.below(layout.methods.len()) as u16)
}

/// A site that takes an address, or one that calls.
fn any_site(dice: &mut Dice<'_, '_>, layout: &Layout, takes: bool) -> Option<SiteId> {
    let wanted: Vec<SiteId> = (0..)
        .map(SiteId)
        .zip(&layout.sites)
        .filter(|(_, site)| site.action.takes() == takes)
        .map(|(id, _)| id)
        .collect();
    wanted.get(dice.below(wanted.len())).copied()
}

fn call(dice: &mut Dice<'_, '_>, layout: &Layout, emitter: &mut Emitter<'_>, site: SiteId) {
    let wish = VariableId(dice.below(emitter.variables()) as u16);
    let params = site_signature(layout, layout.site(site)).map_or(&[][..], |s| &s.params);
    let args: Vec<u64> = params
        .iter()
        .map(|&ty| {
            let word = dice.word();
            // Without bytes the answer is yes, and an ordinary word is better.
            let ordinary = dice.percent(100 - weights::EXTREME_WORD);
            let extremes = [0, 1, u64::MAX, 1 << 63, 0x8000_0000, 0x7fff_ffff_ffff_ffff];
            let word = if ordinary { word } else { extremes[word as usize % extremes.len()] };
            // An engine may change the bits of a NaN.
            tame(layout, ty, word)
        })
        .collect();
    let this = Some(dice.word() as u32);
    emitter.call(&Call { site, pointer: Some(wish), this, args, inside: Vec::new() });
}
