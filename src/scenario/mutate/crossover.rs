//! One scenario from two.

use super::super::Scenario;
use super::super::generate::fixup;
use super::super::meaning::mix;

/// A valid scenario with something of both: the first part of each of one's lists (types,
/// methods, sites, events) and the rest of the other's, or the whole layout of
/// one. Where the parents share a layout, so does the child.
pub fn crossover(one: &Scenario, other: &Scenario, seed: u64) -> Scenario {
    let mut cut = Cut { seed, cuts: 0 };
    let mut child = one.clone();
    if one.layout != other.layout && cut.at(2) == 0 {
        let (layout, more) = (&mut child.layout, &other.layout);
        cut.lists(&mut layout.structs, &more.structs);
        cut.lists(&mut layout.methods, &more.methods);
        cut.lists(&mut layout.sites, &more.sites);
        if more.assemblies.len() > layout.assemblies.len() {
            layout.assemblies.clone_from(&more.assemblies);
        }
    }
    cut.lists(&mut child.script, &other.script);
    fixup(&mut child);
    child
}

/// Where lists are cut.
struct Cut {
    seed: u64,
    cuts: u64,
}

impl Cut {
    fn at(&mut self, end: usize) -> usize {
        self.cuts += 1;
        (mix(self.seed, self.cuts) % end as u64) as usize
    }

    /// Keeps the front of `list` and appends the back of `other`; the result is no
    /// longer than the longer one.
    fn lists<T: Clone>(&mut self, list: &mut Vec<T>, other: &[T]) {
        let most = list.len().max(other.len());
        list.truncate(self.at(list.len() + 1));
        list.extend_from_slice(&other[self.at(other.len() + 1)..]);
        list.truncate(most);
    }
}
