//! The program `calliper`: arguments in, exit code out.

mod emit;
mod engines;
mod exit;
mod failure;
mod faults;
mod fuzz;
mod json;
mod replay;
mod score;
mod shrink;

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use clap::{Parser, Subcommand, ValueEnum};

use failure::Failure;

pub use exit::Exit;

/// Does the pointer fit the call? Replays how CoreCLR's R2R WebAssembly loader resolves function
/// pointers.
#[derive(Parser)]
#[command(name = "calliper", version, after_help = EXAMPLES, max_term_width = 100)]
struct CalliperArgs {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  calliper replay                                replay the regression corpus
  calliper replay --loader issue-129857 --explain corpus/regressions/issue-129857.toml
                                                 tell the story of one bug
  calliper fuzz --time 60                        look for scenarios that go wrong
  calliper faults                                list the bugs that can be put back
  calliper emit FILE --out modules               see the wasm that a scenario runs

Exit codes: 0 as expected, 1 a surprise, 2 bad usage or bad input, 130 interrupted twice.";

#[derive(Subcommand)]
enum Command {
    Replay(replay::ReplayArgs),
    Faults(faults::FaultsArgs),
    Emit(emit::EmitArgs),
    Fuzz(fuzz::FuzzArgs),
    Shrink(shrink::ShrinkArgs),
    Score(score::ScoreArgs),
}

/// How to write results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs the command that the process's arguments ask for.
pub fn run_command_line() -> Exit {
    let arguments = CalliperArgs::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let ending = run(arguments.command, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    // What is buffered was refused once; dropping the writer would try again.
    let _ = out.into_parts();
    match ending {
        Ok(exit) => exit,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Expected,
        Err(failure) => {
            complain(&failure);
            Exit::BadInput
        }
    }
}

fn run(command: Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Replay(arguments) => replay::run(&arguments, out),
        Command::Faults(arguments) => faults::run(&arguments, out),
        Command::Emit(arguments) => emit::run(&arguments, out),
        Command::Fuzz(arguments) => fuzz::run(&arguments, out),
        Command::Shrink(arguments) => shrink::run(&arguments, out),
        Command::Score(arguments) => score::run(&arguments, out),
    }
}

/// One line on standard error. Nobody is left to tell if that cannot be written.
fn complain(line: &dyn Display) {
    let _ = writeln!(io::stderr(), "calliper: {line}");
}
