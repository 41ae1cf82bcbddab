//! The command line.

mod emit;
mod faults;
mod fuzz;
mod replay;
mod score;
mod shrink;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Does the pointer fit the call? Replays how CoreCLR's R2R WebAssembly loader resolves function pointers.
#[derive(Parser)]
#[command(name = "calliper", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
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

Exit codes: 0 as expected, 1 a surprise, 2 bad usage or bad input.";

#[derive(Subcommand)]
enum Command {
    Replay(replay::Arguments),
    Faults(faults::Arguments),
    Emit(emit::Arguments),
    Fuzz(fuzz::Arguments),
    Shrink(shrink::Arguments),
    Score(score::Arguments),
}

/// How to write results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Why a command ended early.
enum Failure {
    /// Bad usage or bad input: one line that says where and what to do.
    Input(String),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How a command that did its work ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// All as expected.
    Expected = 0,
    /// Something was not.
    Surprise = 1,
    /// Some of the input could not be used.
    BadInput = 2,
}

/// Runs the command that the process's arguments ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let ending = run(arguments.command, &mut out).and_then(|ending| {
        out.flush()?;
        Ok(ending)
    });
    // What is buffered was refused once; dropping the writer would try again.
    let _ = out.into_parts();
    match ending {
        Ok(ending) => ExitCode::from(ending as u8),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            complain(&format!("cannot write to standard output: {error}"));
            ExitCode::from(Ending::BadInput as u8)
        }
        Err(Failure::Input(line)) => {
            complain(&line);
            ExitCode::from(Ending::BadInput as u8)
        }
    }
}

fn run(command: Command, out: &mut dyn Write) -> Result<Ending, Failure> {
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
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "calliper: {line}");
}
