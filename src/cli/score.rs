//! `calliper score`.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::time::Duration;

use crate::campaign::Guidance;
use crate::campaign::score::{Contest, Score, Spread, control, score};
use crate::engine::{EngineKind, names};
use crate::gallery::Fault;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::engines::{engines, help, long_help};
use super::fuzz::duration;
use super::{Exit, Failure, Format, json};

/// Measure how fast every fault is found from an empty corpus
///
/// For each fault and each seed a campaign on one core runs until it has a finding of the fault's
/// class. A fault is *reached* when its decision was asked, *triggered* when its answer changed
/// something, and *detected* when there is a finding. Median and worst are over the seeds; a
/// campaign that ended without a finding is worse than any that has one.
///
/// The fixed loader is the control, with at least 20,000 scenarios, and as many as the worst campaign with a finding took, and no
/// finding. Generation without guidance is the baseline.
#[derive(clap::Args)]
#[command(after_help = examples())]
pub struct ScoreArgs {
    /// Campaigns for each fault
    #[arg(long, value_name = "K", default_value = "10")]
    seeds: NonZero<u16>,

    /// The most time for each campaign: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    time: Duration,

    /// The most scenarios for each campaign
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    runs: u64,

    /// Only these faults, separated by commas
    ///
    /// `calliper faults` lists the ids. [default: every fault]
    #[arg(long, value_name = "LIST")]
    fault: Option<String>,

    #[arg(long, value_name = "LIST", default_value = EngineKind::PAPER.name(), help = help(), long_help = long_help(""))]
    engine: String,

    /// Leave out the unguided baseline, which takes longest where an engine compiles
    #[arg(long)]
    no_baselines: bool,

    /// How to write the scoreboard
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn examples() -> String {
    let engines = names(&EngineKind::by_default()).replace(' ', "");
    format!(
        "\
Examples:
  calliper score
  calliper score --seeds 1 --fault issue-129857 --format json
  calliper score --engine {engines}

Exit codes: 0 every fault is detected with every seed, 1 one is not or the control has a finding,
2 bad usage."
    )
}

/// A row of the scoreboard.
#[derive(Serialize)]
struct Row {
    fault: &'static str,
    seeds: usize,
    reached: usize,
    triggered: usize,
    detected: usize,
    median_scenarios: Option<u64>,
    worst_scenarios: Option<u64>,
    median_seconds: Option<f64>,
    worst_seconds: Option<f64>,
    /// Nothing without baselines.
    unguided_detected: Option<usize>,
    unguided_median_scenarios: Option<u64>,
}

/// Measures and writes.
pub fn run(arguments: &ScoreArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let contest = contest(arguments)?;
    let unguided = Contest { guidance: Guidance::None, ..contest.clone() };
    let contests = if arguments.no_baselines { 1 } else { 2 };
    let progress = progress(contests * contest.faults.len() as u64 * contest.seeds);
    let mut tick = || progress.iter().for_each(|bar| bar.inc(1));
    let mut rows = Vec::new();
    let mut complete = true;
    let mut most = LEAST_CONTROL;
    for &fault in &contest.faults {
        let guided = score(&contest, fault, &mut tick)?;
        let baseline = match arguments.no_baselines {
            true => None,
            false => Some(score(&unguided, fault, &mut tick)?),
        };
        complete &= guided.is_complete();
        most = most.max(guided.scenarios().worst.unwrap_or(0));
        rows.push(row(&guided, baseline.as_ref()));
    }
    let (runs, findings) = control(&contest, most)?;
    match arguments.format {
        Format::Json => json::document(out, &rows)?,
        Format::Text => text(out, &rows, runs, findings)?,
    }
    if let Some(bar) = progress {
        bar.finish_and_clear();
    }
    Ok(if complete && findings == 0 { Exit::Expected } else { Exit::Surprise })
}

/// The fewest scenarios of the control.
const LEAST_CONTROL: u64 = 20_000;

/// What the options ask for.
fn contest(arguments: &ScoreArgs) -> Result<Contest, Failure> {
    let mut contest = Contest::new();
    contest.engines = engines(Some(&arguments.engine))?;
    contest.time = arguments.time;
    contest.runs = arguments.runs;
    contest.seeds = arguments.seeds.get().into();
    if let Some(list) = &arguments.fault {
        let ids = list.split(',').map(str::trim);
        contest.faults = ids.map(fault).collect::<Result<_, _>>()?;
    }
    Ok(contest)
}

fn fault(id: &str) -> Result<&'static Fault, Failure> {
    Fault::find(id).ok_or_else(|| Failure::UnknownFault(id.to_owned()))
}

fn progress(campaigns: u64) -> Option<ProgressBar> {
    io::stderr().is_terminal().then(|| {
        let style =
            ProgressStyle::with_template("scoring {bar:40} {pos}/{len} campaigns, {eta} left");
        ProgressBar::new(campaigns)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    })
}

fn row(score: &Score, unguided: Option<&Score>) -> Row {
    let (scenarios, seconds): (Spread<u64>, Spread<f64>) = (score.scenarios(), score.seconds());
    Row {
        fault: score.fault,
        seeds: score.campaigns.len(),
        reached: score.count(|m| m.reached),
        triggered: score.count(|m| m.triggered),
        detected: score.count(|m| m.detected),
        median_scenarios: scenarios.median,
        worst_scenarios: scenarios.worst,
        median_seconds: seconds.median,
        worst_seconds: seconds.worst,
        unguided_detected: unguided.map(|score| score.count(|m| m.detected)),
        unguided_median_scenarios: unguided.and_then(|score| score.scenarios().median),
    }
}

/// A table that is Markdown as well.
fn text(out: &mut dyn Write, rows: &[Row], runs: u64, findings: usize) -> io::Result<()> {
    let width = rows.iter().map(|row| row.fault.len()).max().unwrap_or(0).max(5);
    let with_unguided = rows.iter().any(|row| row.unguided_detected.is_some());
    let heads = [HEADS, if with_unguided { UNGUIDED_HEADS } else { &[] }].concat();
    writeln!(out, "| {:<width$} | {} |", "fault", heads.join(" | "))?;
    writeln!(out, "|-{}-|{}", "-".repeat(width), "---|".repeat(heads.len()))?;
    let number = |n: Option<u64>| n.map_or("never".to_owned(), |n| n.to_string());
    let seconds = |s: Option<f64>| s.map_or("never".to_owned(), |s| format!("{s:.3}"));
    for row in rows {
        let mut cells = vec![
            row.seeds.to_string(),
            row.reached.to_string(),
            row.triggered.to_string(),
            row.detected.to_string(),
            number(row.median_scenarios),
            number(row.worst_scenarios),
            seconds(row.median_seconds),
            seconds(row.worst_seconds),
        ];
        if let Some(detected) = row.unguided_detected {
            cells.extend([detected.to_string(), number(row.unguided_median_scenarios)]);
        }
        writeln!(out, "| {:<width$} | {} |", row.fault, cells.join(" | "))?;
    }
    writeln!(out, "\ncontrol: {runs} scenarios under fixed, {findings} findings")
}

/// The columns behind the fault's id.
const HEADS: &[&str] = &[
    "seeds",
    "reached",
    "triggered",
    "detected",
    "scenarios: median",
    "worst",
    "seconds: median",
    "worst",
];
/// Further ones, with the unguided baseline.
const UNGUIDED_HEADS: &[&str] = &["unguided: detected", "scenarios: median"];
