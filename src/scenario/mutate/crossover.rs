//! One scenario from two.

use super::super::Scenario;
use super::super::generate::fixup;
use crate::random::Dice;

/// A valid scenario with something of both: the first part of each of one's lists (types,
/// methods, sites, events) and the rest of the other's, or the whole layout of
/// one. Where the parents share a layout, so does the child.
pub fn crossover(one: &Scenario, other: &Scenario, seed: u64) -> Scenario {
    let dice = &mut Dice::new(seed);
    let mut child = one.clone();
    if one.layout != other.layout && dice.below(2) == 0 {
        let (layout, more) = (&mut child.layout, &other.layout);
        splice(dice, &mut layout.structs, &more.structs);
        splice(dice, &mut layout.methods, &more.methods);
        splice(dice, &mut layout.sites, &more.sites);
        if more.assemblies.len() > layout.assemblies.len() {
            layout.assemblies.clone_from(&more.assemblies);
        }
    }
    splice(dice, &mut child.script, &other.script);
    fixup(&mut child);
    child
}

/// Keeps the front of `list` and appends the back of `other`; the result is no longer than the
/// longer one.
fn splice<T: Clone>(dice: &mut Dice, list: &mut Vec<T>, other: &[T]) {
    let most = list.len().max(other.len());
    list.truncate(dice.below(list.len() + 1));
    list.extend_from_slice(&other[dice.below(other.len() + 1)..]);
    list.truncate(most);
}
