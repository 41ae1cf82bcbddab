//! Scenarios judged per second, engine by engine, for the seed's program under the fixed loader;
//! and scenarios per second of whole campaigns, generation and mutation included.
//!
//! `cargo bench` prints two tables, measured in one run on one core, and the bars that the
//! design sets. It reports; it does not fail.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use calliper::campaign::{self, Plan, Status};
use calliper::judge::{EngineKind, Judge};
use calliper::loader::Fixed;
use calliper::replay;
use calliper::scenario::Scenario;

/// How long each row is measured.
const TIME: Duration = Duration::from_secs(2);

/// The paper engine's bar, in scenarios a second.
const PAPER_BAR: f64 = 100_000.0;

/// How many times faster than compiling per case the module cache must be.
const CACHE_BAR: f64 = 20.0;

/// The bar of a campaign on every engine, in scenarios a second.
const CAMPAIGN_BAR: f64 = 5_000.0;

/// How many times faster than compiling per case such a campaign must be.
const CAMPAIGN_CACHE_BAR: f64 = 30.0;

fn main() {
    // `cargo test --benches` runs this too, only to see that it works.
    let time = if std::env::args().any(|a| a == "--bench") { TIME } else { Duration::ZERO };
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/regressions/issue-129857.toml");
    let scenario = Arc::new(replay::read(&seed).expect("the seed's program is in the corpus"));
    let engine = |name: &str| EngineKind::available().into_iter().find(|kind| kind.name() == name);

    println!("scenario to verdict: {} (fixed loader, one core)", seed.display());
    println!("{:<34}  {:>14}  {:>12}", "", "scenarios/s", "each");
    let measure = |label: &str, judge: Option<Judge>| {
        let rate = judge.map(|judge| rate(judge, &scenario, time));
        match rate {
            Some(rate) => println!("{label:<34}  {rate:>14.0}  {:>9.2} µs", 1e6 / rate),
            None => println!("{label:<34}  not in this build"),
        }
        rate
    };
    let cached = |name: &str| engine(name).map(|kind| Judge::new(&[kind]));
    let paper = measure("paper", cached("paper"));
    measure("wasmi", cached("wasmi"));
    let wasmtime = measure("wasmtime, module cache", cached("wasmtime"));
    let per_case = engine("wasmtime").map(|kind| Judge::compiling_each_run(&[kind]));
    let compiling = measure("wasmtime, compiling per case", per_case);

    println!();
    if let Some(paper) = paper {
        bar("paper, scenarios a second", paper, PAPER_BAR);
    }
    if let (Some(cached), Some(compiling)) = (wasmtime, compiling) {
        bar("wasmtime, cached over per case", cached / compiling, CACHE_BAR);
    }
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
    let all = EngineKind::available();
    let paper = row("paper", &[EngineKind::Paper], true);
    let kept = row("every engine, modules kept", &all, true);
    let per_case = row("every engine, compiling per case", &all, false);
    println!();
    bar("paper campaign, scenarios a second", paper, PAPER_BAR);
    bar("campaign on every engine, scenarios a second", kept, CAMPAIGN_BAR);
    bar("campaign on every engine, kept over per case", kept / per_case, CAMPAIGN_CACHE_BAR);
}

fn campaign(engines: &[EngineKind], keep_modules: bool, time: Duration) -> Status {
    let mut plan = Plan::new(&Fixed);
    plan.engines = engines.to_vec();
    plan.keep_modules = keep_modules;
    plan.time = (!time.is_zero()).then_some(time * 2);
    plan.runs = time.is_zero().then_some(10);
    let outcome = campaign::run(&plan, &AtomicBool::new(false), &mut |_| {});
    outcome.expect("nothing is written").status
}

/// Scenarios a second, after a warm-up.
fn rate(mut judge: Judge, scenario: &Arc<Scenario>, time: Duration) -> f64 {
    let mut once = || {
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
fn bar(label: &str, value: f64, least: f64) {
    let word = if value >= least { "pass" } else { "FAIL" };
    println!("{word}: {label}: {value:.1} (bar: at least {least})");
}
