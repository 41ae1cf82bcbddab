//! `calliper fuzz`.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::campaign::findings::Found;
use crate::campaign::{self, CampaignOutcome, CampaignPlan, CampaignStatus};
use crate::engine::names;
use crate::scenario::text;
use indicatif::{ProgressBar, ProgressStyle};

use super::engines::{engines, help, long_help_and_default};
use super::replay::loader;
use super::{Exit, Failure, complain};

/// Fuzz a loader: look for scenarios that do not do what they mean
///
/// A campaign is guided by domain coverage: scenarios that reach a new combination of call path,
/// kind of callee, state of its entry point, shape of its signature and order of touch are kept
/// and mutated further. It needs no nightly compiler and no sanitizer. It runs until --time or
/// --runs is used up, or until Ctrl-C, which ends it cleanly.
///
/// Findings with the same fingerprint are told once. Each is shrunk to the simplest scenario that
/// shows it. Under `fixed`, a finding is a bug of the loader, of the reference or of an engine;
/// under a fault, it shows that Calliper finds that bug.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct FuzzArgs {
    /// Stop after this time: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,

    /// Stop after this many scenarios
    #[arg(long, value_name = "N")]
    runs: Option<u64>,

    /// What decides every choice
    ///
    /// With --jobs 1 and --runs, the same seed gives the same findings, byte for byte.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,

    /// The loader to fuzz: `fixed`, a fault's id, or several with + between
    ///
    /// `calliper faults` lists the ids. With `issue-131886+pr-134108` both defects are there.
    #[arg(long, value_name = "fixed|FAULT[+FAULT...]", default_value = "fixed")]
    loader: String,

    #[arg(long, value_name = "LIST", help = help(), long_help = long_help_and_default("`paper` alone is many times faster, and shows all that is not an engine's own.\n"))]
    engine: Option<String>,

    /// Start from the scenarios in this directory, and add those that reach something new
    ///
    /// It is made if it is not there. A campaign that was killed goes on from what it holds.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,

    /// Write findings to this directory, a folder each; otherwise they are printed at the end
    ///
    /// A folder is named for the fingerprint and holds scenario.toml, account.txt and
    /// finding.json, with the number of hits and the command that replays it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) const AFTER_HELP: &str = "\
Examples:
  calliper fuzz --time 60 --engine paper
  calliper fuzz --loader issue-129857 --runs 20000 --seed 7 --jobs 1 --out found
  calliper fuzz --time 8h --corpus my-corpus --out found

Progress goes to standard error: one live line in a terminal, plain lines elsewhere.
Exit codes: 0 clean, 1 findings, 2 bad usage or bad input or a directory that cannot be used, \
130 interrupted twice.";

/// Set to end the campaign.
static STOP: AtomicBool = AtomicBool::new(false);

/// Fuzzes, reports, and says how it ended.
pub fn run(arguments: &FuzzArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let plan = plan(arguments)?;
    end_on_interrupt();
    let mut progress = Progress::new();
    let outcome = campaign::run(&plan, &STOP, &mut |status| progress.show(status));
    progress.clear();
    let outcome = outcome?;
    for error in &outcome.errors {
        complain(error);
    }
    complain(&line(&outcome.status));
    report(&plan, &outcome, out)?;
    Ok(match (outcome.errors.is_empty(), outcome.findings.is_empty()) {
        (_, false) => Exit::Surprise,
        (false, true) => Exit::BadInput,
        (true, true) => Exit::Expected,
    })
}

/// What the options ask for.
fn plan(arguments: &FuzzArgs) -> Result<CampaignPlan, Failure> {
    let jobs = arguments.jobs.or_else(|| thread::available_parallelism().ok());
    let mut plan = CampaignPlan::new(loader(&arguments.loader)?);
    plan.engines = engines(arguments.engine.as_deref())?;
    plan.seed = arguments.seed;
    plan.jobs = jobs.map_or(1, NonZero::get);
    plan.runs = arguments.runs;
    plan.time = arguments.time;
    plan.corpus.clone_from(&arguments.corpus);
    plan.out.clone_from(&arguments.out);
    Ok(plan)
}

/// A number of seconds, or of another unit. Crates for durations take more than this, such as
/// `1h 30m` or `2weeks`.
pub(super) fn duration(text: &str) -> Result<Duration, BadDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let number: u64 = number.parse().unwrap_or(0);
    match number.checked_mul(milliseconds) {
        Some(time) if time > 0 => Ok(Duration::from_millis(time)),
        _ => Err(BadDuration),
    }
}

/// Not a duration as `--time` takes it.
#[derive(Debug, thiserror::Error)]
#[error("expected a positive number of seconds, or one with ms, s, m or h")]
pub(super) struct BadDuration;

/// The first interrupt ends the campaign, the second one the program.
fn end_on_interrupt() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            process::exit(Exit::Interrupted as i32);
        }
    };
    // Without a handler, an interrupt ends the program at once; what is written stays whole.
    let _ = ctrlc::set_handler(handler);
}

/// One line a finding, and the summary; what was not written to a directory is told in full.
fn report(plan: &CampaignPlan, outcome: &CampaignOutcome, out: &mut dyn Write) -> io::Result<()> {
    let width = outcome.findings.iter().map(|(f, _)| f.target.fingerprint.len()).max().unwrap_or(0);
    for (found, folder) in &outcome.findings {
        let place = folder.as_ref().map(|folder| format!("  {}", folder.display()));
        let (fingerprint, hits) = (&found.target.fingerprint, found.hits);
        writeln!(out, "{fingerprint:<width$}  {hits:>8} hits{}", place.unwrap_or_default())?;
    }
    for (found, folder) in &outcome.findings {
        if folder.is_none() {
            in_full(found, out)?;
        }
    }
    let CampaignStatus { runs, covered, possible, findings, .. } = outcome.status;
    let (loader, engines) = (plan.loader.id(), names(&plan.engines));
    writeln!(
        out,
        "fuzzed {runs} scenarios under {loader} on {engines}: {covered} of {possible} cells, {findings} findings"
    )
}

fn in_full(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let (account, scenario) = (found.account.trim_end(), text::print(&found.scenario));
    writeln!(out, "\n{account}\n--- scenario ---\n{scenario}--- end ---\n")
}

/// A status in words.
fn line(status: &CampaignStatus) -> String {
    let seconds = status.elapsed.as_secs_f64();
    let runs = status.runs.max(1) as f64;
    let (cached, events) = (100.0 * status.cache_hit_rate(), status.events as f64 / runs);
    let screened = match status.screened {
        0 => String::new(),
        more => format!(", {more} more on paper alone"),
    };
    format!(
        "{seconds:.1} s, {} scenarios of {events:.1} events, {:.0}/s{screened}, {} of {} cells, {} in the corpus, {} findings, \
         nothing new for {:.0} s, {cached:.1} % of runs in modules that were kept",
        status.runs,
        status.rate(),
        status.covered,
        status.possible,
        status.corpus,
        status.findings,
        status.since_news.as_secs_f64(),
    )
}

/// Progress on standard error: one live line in a terminal, otherwise a line now and then.
struct Progress {
    bar: Option<ProgressBar>,
    next: Duration,
}

impl Progress {
    /// Time between plain lines.
    const PLAIN: Duration = Duration::from_secs(5);

    fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { bar, next: Self::PLAIN }
    }

    fn show(&mut self, status: &CampaignStatus) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(line(status));
                bar.tick();
            }
            None if status.elapsed >= self.next => {
                self.next = status.elapsed + Self::PLAIN;
                complain(&line(status));
            }
            None => {}
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
