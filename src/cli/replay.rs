//! `calliper replay`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::gallery;
use crate::loader::Loader;
use crate::replay::{self, DEFAULT_PATH, Loaders, ReplayPlan};
use crate::report;
use indicatif::{ProgressBar, ProgressStyle};

use super::engines::{engines, help, long_help_and_default};
use super::{Exit, Failure, Format, complain, json};

/// Replay scenarios and report whether each did what it is there to do
///
/// Under the fixed loader every scenario must agree: on every engine each call reaches the method
/// it names with the arguments it was given. Under each fault that a scenario names in its `shows`
/// table, the first finding on every engine must have the class it names there.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct ReplayArgs {
    /// Scenario files, or directories to search for .toml and .clpr files
    ///
    /// Directories are searched recursively, in sorted order. A file of any other name is the
    /// binary form if it starts with CLPR, and text if not. [default: corpus/regressions]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only this loader: `fixed`, a fault's id, or several with + between
    ///
    /// Under a fault, nothing is expected of a scenario that does not name it in `shows`: what it
    /// gives is told, and is no surprise.
    /// `calliper faults` lists the ids.
    #[arg(long, value_name = "fixed|FAULT[+FAULT...]")]
    loader: Option<String>,

    #[arg(long, value_name = "LIST", help = help(), long_help = long_help_and_default(""))]
    engine: Option<String>,

    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Print the full account of every finding, expected ones as well
    #[arg(long)]
    explain: bool,
}

const AFTER_HELP: &str = "\
Examples:
  calliper replay
  calliper replay --explain corpus/regressions/issue-129857.toml
  calliper replay --loader fixed --engine paper my-scenarios
  calliper replay --format json | jq '.scenarios[] | select(.verdict == \"finding\")'

A file that cannot be used gives one line on standard error; the rest is still replayed.
Exit codes: 0 as expected, 1 a surprise, 2 bad usage or bad input.";

/// Replays, reports, and says how it ended.
pub fn run(arguments: &ReplayArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let plan = plan(arguments)?;
    let default = [PathBuf::from(DEFAULT_PATH)];
    let paths = if arguments.paths.is_empty() { &default } else { arguments.paths.as_slice() };
    let corpus = replay::collect(paths);
    for error in &corpus.errors {
        complain(error);
    }
    let mut progress = Progress::new(corpus.cases.len());
    let outcomes = replay::replay(&plan, corpus.cases, |done| progress.show(done));
    progress.clear();
    let engines: Vec<&str> = plan.engines.iter().map(|kind| kind.name()).collect();
    let written = match arguments.format {
        Format::Text => report::text(out, &outcomes, &engines, arguments.explain),
        Format::Json => json::replayed(out, &outcomes),
    };
    // A reader who has seen enough still wants the right exit code.
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(match (corpus.errors.is_empty(), report::surprises(&outcomes)) {
        (false, _) => Exit::BadInput,
        (true, 0) => Exit::Expected,
        (true, _) => Exit::Surprise,
    })
}

/// What the options ask for.
fn plan(arguments: &ReplayArgs) -> Result<ReplayPlan, Failure> {
    if arguments.explain && arguments.format == Format::Json {
        return Err(Failure::JsonExplained);
    }
    let loaders = match arguments.loader.as_deref() {
        None => Loaders::Named,
        Some(id) => Loaders::Only(loader(id)?),
    };
    Ok(ReplayPlan { loaders, engines: engines(arguments.engine.as_deref())? })
}

/// The loader with this id.
pub(super) fn loader(id: &str) -> Result<&'static dyn Loader, Failure> {
    Ok(gallery::loader(id)?)
}

/// A bar on standard error, where that is a terminal and only after a second.
struct Progress {
    started: Instant,
    total: usize,
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self { started: Instant::now(), total, wanted: io::stderr().is_terminal(), bar: None }
    }

    fn show(&mut self, done: usize) {
        if !self.wanted || self.started.elapsed() < Duration::from_secs(1) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("replaying {bar:40} {pos}/{len}, {eta} left");
            ProgressBar::new(self.total as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
