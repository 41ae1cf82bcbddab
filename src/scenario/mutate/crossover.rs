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
        layout.structs = spliced(dice, layout.structs.as_slice(), more.structs.as_slice());
        layout.methods = spliced(dice, layout.methods.as_slice(), more.methods.as_slice());
        layout.sites = spliced(dice, layout.sites.as_slice(), more.sites.as_slice());
        if more.assemblies.len() > layout.assemblies.len() {
            layout.assemblies.clone_from(&more.assemblies);
        }
    }
    child.script = spliced(dice, &child.script, &other.script);
    fixup(&mut child);
    child
}

/// The front of one list and the back of the other, no longer than the longer one.
fn spliced<T: Clone, L: FromIterator<T>>(dice: &mut Dice, one: &[T], other: &[T]) -> L {
    let most = one.len().max(other.len());
    let front = &one[..dice.below(one.len() + 1)];
    let back = &other[dice.below(other.len() + 1)..];
    front.iter().chain(back).take(most).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::text;

    /// A scenario of three methods, the names of which start with `prefix`, that are touched.
    fn touches(prefix: char, kept: &[u16]) -> Scenario {
        let numbers = || kept.iter();
        let methods: String = numbers()
            .map(|i| {
                format!("{prefix}{i} = {{ in = \"A\", code = \"r2r\", signature = \"void ()\" }}\n")
            })
            .collect();
        let events: String =
            numbers().map(|i| format!("    {{ touch = \"{prefix}{i}\" }},\n")).collect();
        let text = format!(
            "calliper = 1\ntitle = \"\"\n[assemblies]\nA = {{}}\n[methods]\n{methods}[script]\n\
             events = [\n    {{ load = \"A\" }},\n{events}]\n"
        );
        text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn methods(scenario: &Scenario) -> String {
        let names: Vec<&str> = scenario.layout.methods.iter().map(|m| m.name.as_str()).collect();
        names.join(" ")
    }

    #[test]
    fn a_child_has_the_front_of_one_and_the_back_of_the_other() {
        let (one, other) = (touches('M', &[0, 1, 2]), touches('N', &[0, 1, 2]));
        let children: Vec<String> =
            (0..1000).map(|seed| methods(&crossover(&one, &other, seed))).collect();
        for wanted in ["M0 M1 M2", "M0 N2", "M0 M1 N1", "N0 N1 N2"] {
            assert!(children.iter().any(|child| child == wanted), "no child has {wanted}");
        }
        assert!(children.iter().all(|child| !child.contains("N0 M")));
    }
}
