//! Scenarios from random bytes, and valid ones from broken ones.
//!
//! [`generate`] builds a scenario that is valid by construction from whatever
//! bytes there are, none included. Its [weights] lean towards programs in
//! which most calls return, around near misses: methods whose wasm types agree
//! and whose meanings do not. [`fixup`] repairs a scenario that a mutation
//! broke, so that no input of a fuzzer is wasted.

mod dice;
mod emitter;
mod fixup;
mod layout;
mod script;
pub mod weights;

use arbitrary::{Arbitrary, Unstructured};

use super::Scenario;
use dice::Dice;

pub use fixup::{fixup, fixup_script};

/// Builds a valid scenario. When the bytes run out, the first and most
/// ordinary choice is made everywhere.
pub fn generate(bytes: &mut Unstructured<'_>) -> Scenario {
    let mut dice = Dice::new(bytes);
    let layout = layout::layout(&mut dice);
    let (variables, script) = script::script(&mut dice, &layout);
    Scenario { title: "generated".into(), layout, variables, script, ..Scenario::default() }
}

/// Gives a generated scenario another script from more bytes: modules depend on
/// the layout alone, so that engines need not compile again.
pub fn regenerate_script(bytes: &mut Unstructured<'_>, scenario: &mut Scenario) {
    let (variables, script) = script::script(&mut Dice::new(bytes), &scenario.layout);
    (scenario.variables, scenario.script) = (variables, script);
}

impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(generate(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::meaning::mix;
    use super::super::targets::callees;
    use super::super::validate::validate;
    use super::super::{Action, Caller, Event};
    use super::*;

    /// Scenarios within which everything must have occurred.
    const ENOUGH: u64 = 1000;

    fn seeded(seed: u64) -> Scenario {
        let bytes: Vec<u8> = (0..mix(seed, 0) % 500).map(|i| mix(seed, i) as u8).collect();
        generate(&mut Unstructured::new(&bytes))
    }

    #[test]
    fn every_byte_string_gives_a_valid_scenario() {
        assert_eq!(validate(&generate(&mut Unstructured::new(&[]))), Ok(()));
        for byte in 0..=255u8 {
            assert_eq!(validate(&generate(&mut Unstructured::new(&[byte; 300]))), Ok(()));
        }
        for seed in 0..5000 {
            let scenario = seeded(seed);
            assert_eq!(validate(&scenario), Ok(()), "{scenario:?}");
            let mut fixed = scenario.clone();
            fixup(&mut fixed);
            assert_eq!(fixed, scenario);
            let mut other = scenario.clone();
            regenerate_script(&mut Unstructured::new(&mix(seed, 1).to_le_bytes()), &mut other);
            assert_eq!(validate(&other), Ok(()), "{other:?}");
            assert_eq!(other.layout, scenario.layout);
        }
    }

    #[test]
    fn every_script_calls_something() {
        for seed in 0..2000 {
            let scenario = seeded(seed);
            assert!(callees(&scenario).iter().flatten().next().is_some(), "{scenario:?}");
            assert!(scenario.script.len() <= weights::MAX_EVENTS);
        }
    }

    #[test]
    fn every_kind_occurs() {
        let mut seen = BTreeSet::new();
        for seed in 0..ENOUGH {
            let scenario = seeded(seed);
            for (event, callee) in scenario.script.iter().zip(callees(&scenario)) {
                let kind = match event {
                    Event::Load(_) => "load".to_owned(),
                    Event::Reset(_) | Event::Recycle { .. } => "reset".into(),
                    Event::Prepare(_) => "prepare".into(),
                    Event::Touch(_) => "touch".into(),
                    Event::Take { site, .. } => site_kind(&scenario, site.index()),
                    Event::Call(call) => {
                        let method = scenario.layout.method(callee.expect("a valid call"));
                        seen.insert(format!(
                            "callee {:?} {:?} {}",
                            method.convention, method.code, method.reverse_thunk
                        ));
                        site_kind(&scenario, call.site.index())
                    }
                };
                seen.insert(kind);
            }
        }
        // load, prepare, touch; sites: 2 callers of 5 actions, and native code;
        // callees: 3 managed, 3 UCO with a reverse thunk, 2 without.
        assert_eq!(seen.len(), 3 + (2 * 5 + 1) + (3 + 3 + 2), "{seen:#?}");
    }

    fn site_kind(scenario: &Scenario, site: usize) -> String {
        let site = &scenario.layout.sites[site];
        let action = match &site.action {
            Action::Direct { binding, .. } => format!("direct {binding:?}"),
            Action::ManagedCalli(_) => "calli".into(),
            Action::UnmanagedCalli(_) => "unmanaged".into(),
            Action::Ldftn(_) => "ldftn".into(),
            other => format!("{other:?}"),
        };
        let caller = match site.caller {
            Caller::ReadyToRun(_) => "r2r",
            Caller::Interpreter(_) => "interpreter",
            Caller::Native => "native",
        };
        format!("site {caller} {action}")
    }
}
