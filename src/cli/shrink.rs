//! `calliper shrink`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::campaign::shrink::{Target, promise, shrink};
use crate::files;
use crate::judge::Judge;
use crate::replay;
use crate::scenario::{Scenario, text};

use super::engines::{engines, help, long_help_and_default};
use super::replay::loader;
use super::{Exit, Failure, complain};

/// Shrink a scenario to the simplest one that shows the same finding
///
/// The finding is the headline of the first engine that has one. Events, sites, methods, types and
/// assemblies are dropped, signatures and arguments made plain, as long as the headline keeps its
/// class and its fingerprint. The result is the same every time, and promises in its `shows` table
/// what it shows.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  calliper shrink found.toml --loader issue-129857
  calliper shrink found.clpr --loader issue-129857 --engine paper --out small.toml

The class, the fingerprint and the sizes go to standard error, the scenario to standard output
or to --out.
Exit codes: 0 shrunk, 2 bad usage, bad input or no finding to shrink.")]
pub struct ShrinkArgs {
    /// The scenario, in text or binary form
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The loader that shows the finding: `fixed`, a fault's id, or several with + between
    ///
    /// `calliper faults` lists the ids. With `issue-131886+pr-134108` both defects are there.
    #[arg(long, value_name = "fixed|FAULT[+FAULT...]")]
    loader: String,

    #[arg(long, value_name = "LIST", help = help(), long_help = long_help_and_default(""))]
    engine: Option<String>,

    /// Write the scenario to this file, at once or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Shrinks, writes, and tells what became of it.
pub fn run(arguments: &ShrinkArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let loader = loader(&arguments.loader)?;
    let engines = engines(arguments.engine.as_deref())?;
    let scenario = replay::read(&arguments.file)?;
    let verdicts = Judge::new(&engines)
        .judge(&Arc::new(scenario.clone()), loader)
        .map_err(Failure::rejected(&arguments.file))?;
    let target = Target::of(&verdicts)
        .ok_or_else(|| Failure::NoFinding { path: arguments.file.clone(), loader: loader.id() })?;
    let mut judge = Judge::new(&target.engines(&engines));
    let mut small = shrink(&mut judge, loader, &scenario, &target);
    promise(&mut small, loader, target.class);
    let sizes =
        |s: &Scenario| format!("{} methods, {} events", s.layout.methods.len(), s.script.len());
    complain(&format!(
        "{} on {} [{}]: from {} to {}",
        target.class,
        target.engine,
        target.fingerprint,
        sizes(&scenario),
        sizes(&small)
    ));
    let text = text::print(&small);
    match &arguments.out {
        None => out.write_all(text.as_bytes())?,
        Some(path) => files::write(path, text.as_bytes())
            .map_err(|source| Failure::File { path: path.clone(), source })?,
    }
    Ok(Exit::Expected)
}
