//! Campaigns: what they reach, what they find, and that a seed decides everything.

use std::sync::atomic::AtomicBool;

use crate::campaign::coverage::Cell;
use crate::campaign::{self, CampaignOutcome, CampaignPlan, Guidance};
use crate::engine::{EngineKind, Trap};
use crate::gallery::Fault;
use crate::image::words::FunctionPointer;
use crate::loader::{Fixed, Loader, VmProcess};
use crate::scenario::MethodId;

/// Faults of all kinds that a short campaign surely finds.
const FAULTS: [&str; 6] = [
    "issue-129857",
    "issue-129857-native-code",
    "pr-129766",
    "pr-131246",
    "pr-130384-stack-pointer",
    "pr-129173",
];

fn run(
    loader: &'static dyn Loader,
    runs: u64,
    change: impl FnOnce(&mut CampaignPlan),
) -> CampaignOutcome {
    let mut plan = CampaignPlan::new(loader);
    plan.runs = Some(runs);
    change(&mut plan);
    campaign::run(&plan, &AtomicBool::new(false), &mut |_| {}).expect("nothing is written")
}

#[test]
fn a_campaign_reaches_most_cells_and_no_alarm() {
    let outcome = run(&Fixed, 300_000, |_| {});
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    let status = outcome.status;
    assert_eq!(status.runs, 300_000);
    // What is possible is neither too narrow nor far too wide.
    let mut reached = Cell::all().filter(|cell| outcome.map.count(cell.number()) > 0);
    let astray = reached.find(|cell| !cell.is_possible());
    assert_eq!(astray, None);
    assert!(status.covered * 3 >= status.possible * 2, "{status:?}");
    // Most programs have to get to their end to test more than one call.
    assert_eq!(status.completed, status.runs, "nothing traps under the fixed loader");
    // It is lower at the start, when rounds are short (`weights::EMITTED`).
    assert!(status.cache_hit_rate() >= 0.9, "{status:?}");
}

#[test]
fn guidance_reaches_more_than_generation_alone() {
    let guided = run(&Fixed, 20_000, |_| {}).status.covered;
    let alone = run(&Fixed, 20_000, |plan| plan.guidance = Guidance::None).status.covered;
    assert!(guided > alone, "{guided} and {alone}");
}

#[test]
fn faults_are_found_from_nothing() {
    for id in FAULTS {
        let fault = Fault::find(id).expect("it is in the gallery");
        let loader = fault.loader;
        for seed in 0..3 {
            let outcome = run(loader, 20_000, |plan| plan.seed = seed);
            let classes: Vec<_> = outcome.findings.iter().map(|(f, _)| f.target.class).collect();
            assert!(classes.contains(&fault.class), "{} with seed {seed}: {classes:?}", fault.id());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_findings() {
    let fault = Fault::find("issue-129857").expect("the seed").loader;
    let tell = |seed| {
        let outcome = run(fault, 10_000, |plan| plan.seed = seed);
        let cells: Vec<u32> = (0..Cell::COUNT).map(|number| outcome.map.count(number)).collect();
        let findings: Vec<_> = outcome.findings.into_iter().map(|(found, _)| found).collect();
        (format!("{findings:#?}"), cells, outcome.status.corpus)
    };
    assert!(tell(7) == tell(7));
    assert!(tell(7).1 != tell(8).1);
}

#[test]
fn engines_agree_and_modules_are_kept() {
    let outcome = run(&Fixed, 3_000, |plan| plan.engines = EngineKind::available());
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert!(outcome.status.cache_hit_rate() >= 0.95, "{:?}", outcome.status);
}

#[test]
fn layouts_are_tried_on_paper_before_they_are_compiled() {
    assert_eq!(run(&Fixed, 1_000, |_| {}).status.screened, 0, "nothing is compiled");
    // It takes hundreds of layouts, as not one in thousands of scripts for another one shows it.
    let fault = Fault::find("pr-132965").expect("it is in the gallery");
    for seed in 0..2 {
        let outcome = run(fault.loader, 4_000, |plan| {
            plan.seed = seed;
            plan.engines = EngineKind::by_default();
        });
        assert!(outcome.status.screened > 1_000, "{:?}", outcome.status);
        let classes: Vec<_> = outcome.findings.iter().map(|(f, _)| f.target.class).collect();
        assert!(classes.contains(&fault.class), "seed {seed}: {classes:?}");
    }
}

#[test]
fn jobs_share_one_campaign() {
    let outcome = run(&Fixed, 50_000, |plan| plan.jobs = 4);
    assert!(outcome.findings.is_empty());
    assert_eq!(outcome.status.runs, 50_000);
    assert!(outcome.status.covered >= 2_000, "{:?}", outcome.status);
}

/// A loader with a defect of Calliper's own.
#[derive(Debug)]
struct Panics;

impl Loader for Panics {
    fn id(&self) -> &'static str {
        "panics"
    }

    fn uco_method_entry(
        &self,
        _: &mut VmProcess<'_>,
        _: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        panic!("on purpose")
    }
}

#[test]
fn a_panic_is_a_finding_and_does_not_end_the_campaign() {
    for engines in [vec![EngineKind::PAPER], EngineKind::by_default()] {
        let outcome = run(&Panics, 2_000, |plan| plan.engines = engines);
        assert_eq!(outcome.status.runs, 2_000);
        let [(found, _)] = outcome.findings.as_slice() else { panic!("{:#?}", outcome.findings) };
        assert_eq!(found.target.fingerprint, "engine-divergence.panic");
        assert!(found.hits > 10, "{}", found.hits);
    }
}
