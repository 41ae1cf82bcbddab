//! What a planted mutant of the model must not survive: a replay of the corpus, and a campaign of
//! ten seconds. `ci/mutants` runs it under every mutant. It is a binary of its own, which is run
//! when it is named only: the other tests replay and fuzz as well.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calliper::{
    CampaignPlan, EngineKind, Fixed, Loaders, ReplayPlan, collect, replay, run_campaign,
};

#[test]
fn nothing_is_found_where_nothing_is_planted() {
    replay_is_as_expected();
    campaign_finds_nothing();
}

fn replay_is_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = collect(&[root.join("corpus/regressions")]);
    assert!(corpus.errors.is_empty(), "{:?}", corpus.errors);
    let plan = ReplayPlan { loaders: Loaders::Named, engines: EngineKind::available() };
    for outcome in replay(&plan, corpus.cases, |_| ()) {
        assert!(outcome.is_as_expected(), "{}: {:#?}", outcome.case.name, outcome.runs);
    }
}

fn campaign_finds_nothing() {
    let (mut plan, found) = (CampaignPlan::new(&Fixed), AtomicBool::new(false));
    plan.engines = EngineKind::available();
    plan.time = Some(Duration::from_secs(10));
    let outcome = run_campaign(&plan, &found, &mut |status| {
        // It ends with the first.
        found.fetch_or(status.findings > 0, Ordering::Relaxed);
    });
    let outcome = outcome.expect("nothing is written");
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}
