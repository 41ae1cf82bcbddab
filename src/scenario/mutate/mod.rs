//! Structure-aware mutation: valid scenarios from valid ones.
//!
//! A [`ScenarioMutator`] is a mutator of the [`mutatis`] crate. Each
//! [`Mutation`], as often as its [weights] say, is a change that means something to a loader:
//! another order, another kind of callee, a pointer that is taken earlier. Where
//! a change is "something else of this type", the mutators that `mutatis` derives for the
//! scenario's types make it, so that they cover what the model will have next.
//! Whatever a change breaks is [repaired](super::generate::fixup()) afterwards.
//!
//! Most mutations keep the layout: modules stay as they are compiled, which is
//! what makes a run cost microseconds.

mod crossover;
mod layout;
mod script;
pub mod weights;

use std::sync::Arc;

use mutatis::{Candidates, Context, DefaultMutate, Mutate, Result, Session};

use super::Scenario;
use super::generate::{fixup, fixup_script};

pub use crossover::crossover;

/// A named change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// An event moves elsewhere.
    Reorder,
    /// An event happens once more, elsewhere.
    Duplicate,
    /// An event does not happen.
    Drop,
    /// Some events of another scenario, or of another place, happen.
    Splice,
    /// Some event happens.
    Insert,
    /// A callee makes a call before it returns.
    Nest,
    /// An event does something else, or does it to something else.
    Retarget,
    /// A pointer is taken earlier.
    TakeEarlier,
    /// An image is loaded later.
    LoadLater,
    /// A callee has other code.
    Code,
    /// Something else about a callee changes.
    Method,
    /// There is another class, or a class is something else.
    Class,
    /// A callee is entered otherwise.
    Convention,
    /// A callee, and who calls it, has another signature.
    Signature,
    /// A callee is defined in another assembly.
    Assembly,
    /// A site does something else, or does it to another callee.
    Redirect,
    /// A site is someone else's.
    Caller,
    /// A value type is laid out otherwise.
    Struct,
    /// A method gets a twin that differs in one thing, with sites of its own.
    Twin,
    /// A site gets an echo that differs in one thing.
    Echo,
    /// A site or a method is no more.
    Prune,
}

impl Mutation {
    /// The layout stays as it is.
    pub fn keeps_layout(self) -> bool {
        match self {
            Mutation::Reorder
            | Mutation::Duplicate
            | Mutation::Drop
            | Mutation::Splice
            | Mutation::Insert
            | Mutation::Nest
            | Mutation::Retarget
            | Mutation::TakeEarlier
            | Mutation::LoadLater => true,
            Mutation::Code
            | Mutation::Method
            | Mutation::Class
            | Mutation::Convention
            | Mutation::Signature
            | Mutation::Assembly
            | Mutation::Redirect
            | Mutation::Caller
            | Mutation::Struct
            | Mutation::Twin
            | Mutation::Echo
            | Mutation::Prune => false,
        }
    }
}

/// What may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    All,
    /// What happens, but not the modules that it happens in.
    Script,
    Layout,
}

impl Scope {
    fn has(self, mutation: Mutation) -> bool {
        match self {
            Scope::All => true,
            Scope::Script => mutation.keeps_layout(),
            Scope::Layout => !mutation.keeps_layout(),
        }
    }
}

/// Makes a valid scenario another valid one.
#[derive(Clone, Debug, Default)]
pub struct ScenarioMutator {
    scope: Scope,
    donor: Option<Arc<Scenario>>,
    /// What the last mutation was made of.
    #[cfg(test)]
    applied: Vec<Mutation>,
}

impl ScenarioMutator {
    /// A mutator of what `scope` says.
    pub fn new(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// The scenario that [`Mutation::Splice`] takes events from, instead of the one that is
    /// mutated.
    pub fn set_donor(&mut self, donor: Option<Arc<Scenario>>) {
        self.donor = donor;
    }

    fn weights(&self) -> impl Iterator<Item = (Mutation, u32)> + use<> {
        let scope = self.scope;
        weights::MUTATIONS.into_iter().filter(move |&(mutation, _)| scope.has(mutation))
    }

    /// Applies a mutation and perhaps more, then repairs.
    fn apply(
        &mut self,
        first: Mutation,
        context: &mut Context,
        scenario: &mut Scenario,
    ) -> Result<()> {
        #[cfg(test)]
        self.applied.clear();
        let mut next = first;
        loop {
            #[cfg(test)]
            self.applied.push(next);
            self.change(next, context, scenario)?;
            if context.rng().gen_u8() >= weights::ANOTHER {
                break;
            }
            next = script::any(context);
        }
        repair(first, scenario);
        Ok(())
    }

    fn change(
        &self,
        mutation: Mutation,
        context: &mut Context,
        scenario: &mut Scenario,
    ) -> Result<()> {
        if mutation.keeps_layout() {
            let donor = self.donor.as_deref().map(|donor| donor.script.as_slice());
            script::change(mutation, context, &mut scenario.script, donor)
        } else {
            layout::change(mutation, context, scenario);
            Ok(())
        }
    }
}

/// Makes a scenario valid again whose first change was this.
fn repair(first: Mutation, scenario: &mut Scenario) {
    scenario.script.truncate(weights::MAX_EVENTS);
    if first.keeps_layout() {
        fixup_script(scenario);
    } else {
        fixup(scenario);
    }
}

impl Mutate<Scenario> for ScenarioMutator {
    fn mutate(&mut self, candidates: &mut Candidates<'_>, scenario: &mut Scenario) -> Result<()> {
        for (mutation, weight) in self.weights() {
            candidates
                .mutation_group(weight, |context, _| self.apply(mutation, context, scenario))?;
        }
        Ok(())
    }

    fn mutation_count(&self, _: &Scenario, _: bool) -> Option<u32> {
        Some(self.weights().map(|(_, weight)| weight).sum())
    }
}

impl DefaultMutate for Scenario {
    type DefaultMutate = ScenarioMutator;
}

/// One mutation of a valid scenario, chosen by a seed.
pub fn mutate(scenario: &mut Scenario, seed: u64) {
    // There always is a candidate, and none fails.
    let _ = Session::new().seed(seed).mutate(scenario);
}

/// Changes a value in some way that its type allows, or not if it allows none.
fn derived<T: DefaultMutate>(context: &mut Context, value: &mut T) {
    let _ = Session::new().seed(context.rng().gen_u64()).mutate(value);
}

#[cfg(test)]
mod tests;
