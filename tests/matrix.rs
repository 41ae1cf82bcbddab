//! Every scenario of the corpus against every fault: what finds what.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Instant;

use calliper::{
    EngineKind, EngineVerdict, Expected, Fault, FindingClass, Loaders, ReplayOutcome, ReplayPlan,
    collect, replay,
};

use crate::util::{CORPUS, names, root};

/// Runs everything once, whichever test comes first.
fn outcomes() -> &'static [ReplayOutcome] {
    static OUTCOMES: OnceLock<Vec<ReplayOutcome>> = OnceLock::new();
    OUTCOMES.get_or_init(run)
}

/// One of so many scenarios runs on the engines as well that run when they are named.
const SHARE: usize = 8;

fn run() -> Vec<ReplayOutcome> {
    let corpus = collect(&[root().join(CORPUS)]);
    assert!(corpus.errors.is_empty(), "{:?}", corpus.errors);
    let cases = corpus.cases.into_iter().enumerate();
    let (every, by_default): (Vec<_>, Vec<_>) = cases.partition(|(at, _)| at.is_multiple_of(SHARE));
    let mut outcomes = Vec::new();
    for (engines, cases) in
        [(EngineKind::available(), every), (EngineKind::by_default(), by_default)]
    {
        let started = Instant::now();
        let on = names(&engines);
        let plan = ReplayPlan { loaders: Loaders::Every, engines };
        let outcome = replay(&plan, cases.into_iter().map(|(_, case)| case).collect(), |_| ());
        let runs: usize = outcome.iter().map(|o| o.runs.len()).sum();
        let (scenarios, took) = (outcome.len(), started.elapsed());
        println!("{scenarios} scenarios, {runs} runs on each of {on} in {took:.1?}");
        outcomes.extend(outcome);
    }
    outcomes.sort_by(|one, other| one.case.name.cmp(&other.case.name));
    outcomes
}

/// Fault to the scenarios that it breaks, with the class that each shows.
fn found(outcomes: &[ReplayOutcome]) -> BTreeMap<&'static str, Vec<(&str, FindingClass)>> {
    let mut found: BTreeMap<&'static str, Vec<(&str, FindingClass)>> = BTreeMap::new();
    for outcome in outcomes {
        for run in &outcome.runs {
            if let Some(class) = run.verdicts[0].headline() {
                found.entry(run.loader).or_default().push((&outcome.case.name, class));
            }
        }
    }
    found
}

#[test]
fn the_matrix() {
    let outcomes = outcomes();
    let found = found(outcomes);
    for fault in Fault::all() {
        println!("{} ({})", fault.id(), fault.class);
        for (scenario, class) in found.get(fault.id()).into_iter().flatten() {
            println!("    {class:<20} {scenario}");
        }
    }
    for outcome in outcomes {
        for run in &outcome.runs {
            let name = &outcome.case.name;
            let given: Vec<_> = run.verdicts.iter().map(EngineVerdict::headline).collect();
            assert!(run.is_as_expected(), "{name} under {}: {given:?}", run.loader);
            let same = given.iter().all(|class| *class == given[0]);
            assert!(same, "{name} under {}: engines give {given:?}", run.loader);
        }
    }
    let mut lonely = Vec::new();
    for fault in Fault::all() {
        let own = format!("gallery/{}", fault.id());
        let by = &found[fault.id()];
        if by.iter().all(|(scenario, _)| *scenario == own) {
            lonely.push(fault.id());
        }
        assert!(by.len() < outcomes.len(), "{} breaks every scenario", fault.id());
    }
    assert!(lonely.is_empty(), "faults that only their own scenario finds: {lonely:?}");
}

#[test]
fn each_fault_has_a_scenario_that_shows_its_class_and_one_that_it_does_not_break() {
    let outcomes = outcomes();
    let run = |scenario: &str, loader: &str| {
        let outcome = outcomes.iter().find(|o| o.case.name == scenario)?;
        outcome.runs.iter().find(|run| run.loader == loader)
    };
    for fault in Fault::all() {
        let shows = outcomes
            .iter()
            .flat_map(|o| &o.runs)
            .any(|run| run.loader == fault.id() && run.expected == Expected::Finding(fault.class));
        assert!(shows, "no scenario names {} with its class {}", fault.id(), fault.class);
        if let Some(healthy) = run(&format!("gallery/{}.healthy", fault.id()), fault.id()) {
            for verdict in &healthy.verdicts {
                assert_eq!(verdict.headline(), None, "{} on {}", fault.id(), verdict.engine);
            }
        } else {
            // The seed and its failed repairs have theirs in a directory of their own.
            assert!(fault.id().starts_with("issue-129857"), "{} has none", fault.id());
        }
    }
}
