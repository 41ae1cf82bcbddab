//! What a planted mutant of the model must not survive: a replay of the corpus, and a campaign of
//! ten seconds. `ci/mutants` runs it under every mutant. It is a binary of its own, which is run when
//! it is named only: the other tests replay and fuzz as well.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calliper::campaign;
use calliper::engine::EngineKind;
use calliper::loader::Fixed;
use calliper::replay::{self, DEFAULT_PATH, Loaders};

#[test]
fn nothing_is_found_where_nothing_is_planted() {
    replay_is_as_expected();
    campaign_finds_nothing();
}

fn replay_is_as_expected() {
    let corpus = replay::collect(&[Path::new(env!("CARGO_MANIFEST_DIR")).join(DEFAULT_PATH)]);
    assert!(corpus.errors.is_empty(), "{:?}", corpus.errors);
    let plan = replay::Plan { loaders: Loaders::Named, engines: EngineKind::available() };
    for outcome in replay::replay(&plan, corpus.cases, |_| ()) {
        assert!(outcome.is_as_expected(), "{}: {:#?}", outcome.case.name, outcome.runs);
    }
}

fn campaign_finds_nothing() {
    let (mut plan, found) = (campaign::Plan::new(&Fixed), AtomicBool::new(false));
    plan.engines = EngineKind::available();
    plan.time = Some(Duration::from_secs(10));
    let mut end_with_the_first = |status: &campaign::Status| {
        found.fetch_or(status.findings > 0, Ordering::Relaxed);
    };
    let outcome =
        campaign::run(&plan, &found, &mut end_with_the_first).expect("nothing is written");
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}
