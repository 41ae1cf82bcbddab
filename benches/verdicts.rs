//! Scenarios judged per second, engine by engine, under the fixed loader: the seed's program,
//! scenarios of the regression corpus in turn, and a long script on all engines together;
//! and whole campaigns, generation and mutation included.
//!
//! `cargo bench` prints two tables, measured in one run on one core, and the bars that the
//! design sets. It reports; it does not fail.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use calliper::inside::{CampaignStatus, DEFAULT_PATH, names, read};
use calliper::{CampaignPlan, EngineKind, Fixed, Judge, Scenario, collect, run_campaign};

/// The seed's program.
const SEED: &str = "corpus/regressions/issue-129857.toml";

/// A script of 64 events over 8 methods in 2 assemblies.
const LONG: &str = "corpus/regressions/programs/sixty-four-events.toml";

/// Scenarios of the corpus that take turns: fewer than engines keep modules for.
const AT_MOST: usize = 48;

/// How long each row is measured.
const TIME: Duration = Duration::from_secs(2);

/// How many times as long a campaign is measured, whose first second is not like the others.
const CAMPAIGN_TIMES: u32 = 5;

/// The paper engine's bar, in scenarios a second.
const PAPER_BAR: f64 = 100_000.0;

/// The bar for the long script on every engine together, in scenarios a second.
const LONG_BAR: f64 = 10_000.0;

/// How many times faster than compiling per case the module cache must be.
const CACHE_BAR: f64 = 20.0;

/// The bar of a campaign on every engine, in scenarios a second.
const CAMPAIGN_BAR: f64 = 5_000.0;

/// How many times faster than compiling per case such a campaign must be.
const CAMPAIGN_CACHE_BAR: f64 = 30.0;

/// As the program has it.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo test --benches` runs this too, only to see that it works.
    let time = if std::env::args().any(|a| a == "--bench") { TIME } else { Duration::ZERO };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path| Arc::new(read(&root.join(path)).expect("it is in the corpus"));
    let corpus = collect(&[root.join(DEFAULT_PATH)]);
    let corpus: Vec<_> = corpus.cases.into_iter().map(|c| c.scenario).take(AT_MOST).collect();

    println!("scenario to verdict, fixed loader, one core");
    println!("{:<36}  {:>14}  {:>12}", "", "scenarios/s", "each");
    let rates = measure(SEED, &[read(SEED)], time);
    let title = format!("{}: {} scenarios in turn", DEFAULT_PATH, corpus.len());
    let corpus_rates = measure(&title, &corpus, time);

    let long = measure(LONG, &[read(LONG)], time);

    println!();
    bar("paper, the seed's program, scenarios a second", Some(rates.paper), PAPER_BAR);
    for (what, rates) in [("the seed's program", &rates), ("the corpus", &corpus_rates)] {
        for (name, gain) in &rates.cache_gains {
            bar(&format!("{name}, {what}, cached over per case"), Some(*gain), CACHE_BAR);
        }
    }
    bar("all engines together, 64 events, scenarios a second", long.together, LONG_BAR);
    campaigns(time);
}

/// Campaigns under the fixed loader.
fn campaigns(time: Duration) {
    println!("\ncampaigns: fresh, mutated and crossed scenarios (fixed loader, one core)");
    println!("{:<34}  {:>14}  {:>12}  {:>12}", "", "scenarios/s", "events each", "modules kept");
    let row = |label: &str, engines: &[EngineKind], keep_modules: bool| {
        let status = campaign(engines, keep_modules, time);
        let events = status.events as f64 / status.runs.max(1) as f64;
        let kept = 100.0 * status.cache_hit_rate();
        println!("{label:<34}  {:>14.0}  {events:>12.1}  {kept:>10.1} %", status.rate());
        status.rate()
    };
    let all = EngineKind::by_default();
    let paper = row("paper", &[EngineKind::PAPER], true);
    let kept = row("every engine, modules kept", &all, true);
    let per_case = row("every engine, compiling per case", &all, false);
    println!();
    bar("paper campaign, scenarios a second", Some(paper), PAPER_BAR);
    bar("campaign on every engine, scenarios a second", Some(kept), CAMPAIGN_BAR);
    bar("campaign on every engine, kept over per case", Some(kept / per_case), CAMPAIGN_CACHE_BAR);
}

fn campaign(engines: &[EngineKind], keep_modules: bool, time: Duration) -> CampaignStatus {
    let mut plan = CampaignPlan::new(&Fixed);
    plan.engines = engines.to_vec();
    plan.keep_modules = keep_modules;
    plan.time = (!time.is_zero()).then_some(time * CAMPAIGN_TIMES);
    plan.runs = time.is_zero().then_some(10);
    let outcome = run_campaign(&plan, &AtomicBool::new(false), &mut |_| {});
    outcome.expect("nothing is written").status
}

/// Scenarios a second.
struct Rates {
    paper: f64,
    /// Of each engine that compiles: how many times faster it is with its modules kept.
    cache_gains: Vec<(&'static str, f64)>,
    /// Of all engines by default, if there is more than one.
    together: Option<f64>,
}

/// One block of the table.
fn measure(title: &str, scenarios: &[Arc<Scenario>], time: Duration) -> Rates {
    println!("{title}");
    let row = |label: &str, judge: Judge| {
        let rate = rate(judge, scenarios, time);
        println!("  {label:<34}  {rate:>14.0}  {:>9.2} µs", 1e6 / rate);
        rate
    };
    let (mut paper, mut cache_gains) = (0.0, vec![]);
    for kind in EngineKind::available() {
        let name = kind.name();
        if kind.compiles() {
            let kept = row(&format!("{name}, module cache"), Judge::new(&[kind]));
            let per_case = Judge::compiling_each_run(&[kind]);
            let compiling = row(&format!("{name}, compiling per case"), per_case);
            cache_gains.push((name, kept / compiling));
            continue;
        }
        let rate = row(name, Judge::new(&[kind]));
        if kind == EngineKind::PAPER {
            paper = rate;
        }
    }
    let all = EngineKind::by_default();
    let label = format!("{} together", names(&all));
    let together = (all.len() > 1).then(|| row(&label, Judge::new(&all)));
    Rates { paper, cache_gains, together }
}

/// Scenarios a second, after a warm-up.
fn rate(mut judge: Judge, scenarios: &[Arc<Scenario>], time: Duration) -> f64 {
    let mut turn = scenarios.iter().cycle();
    let mut once = || {
        let scenario = turn.next().expect("there is a scenario");
        let verdicts = judge.judge(scenario, &Fixed).expect("engines take what is emitted");
        assert!(verdicts.iter().all(|v| v.findings.is_empty()), "the fixed loader agrees");
    };
    let warm = Instant::now();
    while warm.elapsed() <= time / 10 {
        once();
    }
    let (started, mut count) = (Instant::now(), 0u32);
    loop {
        once();
        count += 1;
        // The clock is read seldom enough not to be measured.
        if (count.is_multiple_of(64) || count < 64) && started.elapsed() >= time {
            return f64::from(count) / started.elapsed().as_secs_f64();
        }
    }
}

/// One bar: what it is, what it must be, and whether it is.
fn bar(label: &str, value: Option<f64>, least: f64) {
    let Some(value) = value else { return };
    let word = if value >= least { "pass" } else { "FAIL" };
    println!("{word}: {label}: {value:.1} (bar: at least {least})");
}
