//! Scenarios judged per second, engine by engine, for the seed's program under the fixed loader.
//!
//! `cargo bench` prints one table, measured in one run on one core, and the two bars that the
//! design sets. It reports; it does not fail.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
