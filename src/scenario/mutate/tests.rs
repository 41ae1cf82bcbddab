//! Mutation keeps scenarios valid, does everything it says, and mostly keeps the layout.

use std::collections::BTreeMap;

use arbitrary::Unstructured;

use super::super::generate::generate;
use super::super::meaning::mix;
use super::super::validate::validate;
use super::super::{Event, Scenario, text};
use super::*;

/// Percentage of mutated scenarios whose layout stays the same.
const LAYOUT_KEPT: u32 = 80;

/// Seeds with which a mutation is tried before it counts as one that does not do something.
const TRIES: u64 = 20_000;

/// One mutation, and the repair after it.
struct Only(Mutation);

impl Mutate<Scenario> for Only {
    fn mutate(&mut self, candidates: &mut Candidates<'_>, scenario: &mut Scenario) -> Result<()> {
        candidates.mutation(|context| {
            ScenarioMutator::default().change(self.0, context, scenario)?;
            repair(self.0, scenario);
            Ok(())
        })
    }
}

/// Asserts that a mutation can make `after` of `before`, both in text form without header.
#[track_caller]
pub(super) fn assert_becomes(mutation: Mutation, before: &str, after: &str) {
    let read = |text: &str| {
        let text = format!("calliper = 1\ntitle = \"\"\n{text}");
        text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    };
    let (before, after) = (read(before), read(after));
    let mut products = BTreeMap::new();
    for seed in 0..TRIES {
        let mut scenario = before.clone();
        Session::new().seed(seed).mutate_with(&mut Only(mutation), &mut scenario).expect("it can");
        if scenario == after {
            return;
        }
        *products.entry(text::print(&scenario)).or_insert(0) += 1;
    }
    let mut products: Vec<(String, i32)> = products.into_iter().collect();
    products.sort_by_key(|(_, times)| -times);
    products.truncate(20);
    let products: String =
        products.iter().map(|(text, n)| format!("{n} times\n{text}\n")).collect();
    panic!("{mutation:?} does not give\n{}\nbut\n{products}", text::print(&after));
}

fn seeded(seed: u64) -> Scenario {
    let bytes: Vec<u8> = (0..mix(seed, 0) % 500).map(|i| mix(seed, i) as u8).collect();
    generate(&mut Unstructured::new(&bytes))
}

#[test]
fn mutated_scenarios_are_valid() {
    let mut session = Session::new().seed(1);
    for seed in 0..200 {
        let mut scenario = seeded(seed);
        let mut mutator = ScenarioMutator::default();
        mutator.set_donor((seed % 2 == 0).then(|| Arc::new(seeded(seed + 1))));
        for _ in 0..50 {
            let before = scenario.clone();
            session.mutate_with(&mut mutator, &mut scenario).expect("it always can");
            let applied = &mutator.applied;
            assert_eq!(validate(&scenario), Ok(()), "{applied:?} of {before:?}");
        }
    }
}

#[test]
fn crossed_scenarios_are_valid_and_mix_both() {
    let mut mixed = 0;
    for seed in 0..2000 {
        let (one, other) = (seeded(seed), seeded(seed + 1));
        let child = crossover(&one, &other, seed);
        assert_eq!(validate(&child), Ok(()), "{one:?} with {other:?}");
        let has = |parent: &Scenario| child.script.iter().any(|e| parent.script.contains(e));
        mixed += usize::from(has(&one) && has(&other));
    }
    assert!(mixed > 1000, "{mixed}");
}

#[test]
fn a_shared_layout_survives_crossover() {
    for seed in 0..200 {
        let one = seeded(seed);
        let mut other = one.clone();
        let mut mutator = ScenarioMutator::new(Scope::Script);
        Session::new().seed(seed).mutate_with(&mut mutator, &mut other).expect("it can");
        assert_eq!(crossover(&one, &other, seed).layout, one.layout);
    }
}

#[test]
fn every_mutation_occurs_and_changes_something() {
    let mut changed: BTreeMap<Mutation, (u32, u32)> = BTreeMap::new();
    let mut kept = 0;
    let mut mutator = ScenarioMutator::default();
    let mut session = Session::new().seed(2);
    const ROUNDS: u32 = 10_000;
    for seed in 0..ROUNDS {
        let before = seeded(u64::from(seed % 500));
        let mut scenario = before.clone();
        session.mutate_with(&mut mutator, &mut scenario).expect("it always can");
        kept += u32::from(scenario.layout == before.layout);
        assert!(!mutator.applied[0].keeps_layout() || scenario.layout == before.layout);
        if let [only] = mutator.applied[..] {
            let (all, some) = changed.entry(only).or_default();
            *all += 1;
            *some += u32::from(scenario != before);
        }
    }
    assert_eq!(changed.len(), weights::MUTATIONS.len(), "{changed:?}");
    for (mutation, &(all, some)) in &changed {
        assert!(some * 4 >= all, "{mutation:?} changed something in {some} of {all} cases");
    }
    // A layout mutation that finds nothing to change keeps the layout as well.
    let kept = kept * 100 / ROUNDS;
    assert!((LAYOUT_KEPT..LAYOUT_KEPT + 8).contains(&kept), "{kept} %");
}

#[test]
fn the_stated_share_is_what_the_table_says() {
    let sum = |keeps: bool| -> u32 {
        let rows = weights::MUTATIONS.iter().filter(|(m, _)| m.keeps_layout() == keeps);
        rows.map(|(_, weight)| weight).sum()
    };
    assert_eq!((sum(true), sum(false)), (LAYOUT_KEPT, 100 - LAYOUT_KEPT));
}

#[test]
fn the_same_seed_gives_the_same_scenario() {
    for seed in 0..500 {
        let (mut one, mut other) = (seeded(seed), seeded(seed));
        mutate(&mut one, seed);
        mutate(&mut other, seed);
        assert_eq!(one, other);
    }
}

#[test]
fn a_scenario_without_anything_stays_valid() {
    for seed in 0..500 {
        let mut scenario = Scenario::default();
        mutate(&mut scenario, seed);
        assert_eq!(validate(&scenario), Ok(()));
    }
}

#[test]
fn pointers_are_taken_earlier_and_images_loaded_later() {
    let position = |scenario: &Scenario, wanted: fn(&Event) -> bool| {
        scenario.script.iter().position(wanted).unwrap_or(usize::MAX)
    };
    let (mut earlier, mut later) = (0, 0);
    let mut mutator = ScenarioMutator::new(Scope::Script);
    let mut session = Session::new().seed(3);
    for seed in 0..20_000 {
        let before = seeded(seed % 500);
        let mut scenario = before.clone();
        session.mutate_with(&mut mutator, &mut scenario).expect("it always can");
        let take = |event: &Event| matches!(event, Event::Take { .. });
        let load = |event: &Event| matches!(event, Event::Load(_));
        match mutator.applied[..] {
            [Mutation::TakeEarlier] => {
                earlier += u32::from(position(&scenario, take) < position(&before, take));
            }
            [Mutation::LoadLater] => {
                later += u32::from(
                    position(&scenario, load) > position(&before, load)
                        || scenario.script != before.script,
                );
            }
            _ => {}
        }
    }
    assert!(earlier > 100 && later > 100, "{earlier} and {later}");
}
