//! Scenarios from random bytes, and valid ones from broken ones.
//!
//! [`generate`] builds a scenario that is valid by construction from whatever
//! bytes there are, none included. Its [weights] lean towards programs in
//! which most calls return, around near misses: methods whose wasm types agree
//! and whose meanings do not. [`fixup()`] repairs a scenario that a mutation
//! broke, so that no input of a fuzzer is wasted.

mod dice;
mod emitter;
mod families;
mod fixup;
mod layout;
mod script;
mod signatures;
mod sites;
pub mod weights;

use arbitrary::{Arbitrary, Unstructured};

use super::Scenario;
use dice::Dice;

pub use fixup::{fixup, fixup_script};

/// Builds a valid scenario. When the bytes run out, the first and most
/// ordinary choice is made everywhere.
pub fn generate(bytes: &mut Unstructured<'_>) -> Scenario {
    let mut dice = Dice::new(bytes);
    let mut layout = layout::layout(&mut dice);
    let interpreter_only = dice.rarely(weights::INTERPRETER_ONLY);
    if interpreter_only {
        fixup::give_reverse_thunks(&mut layout);
    }
    let (variables, script) = script::script(&mut dice, &layout);
    let title = "generated".into();
    Scenario { title, interpreter_only, layout, variables, script, ..Scenario::default() }
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
mod tests;
