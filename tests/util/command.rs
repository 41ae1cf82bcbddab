//! Runs the program as people and scripts do.

use std::path::Path;
use std::process::{Command, Output};

use super::root;

/// The scenario of the seed bug, from the repository's root.
pub const SEED: &str = "corpus/regressions/issue-129857.toml";

/// Runs `calliper` in the repository's root.
pub fn calliper(arguments: &[&str]) -> Output {
    calliper_in(&root(), arguments)
}

/// Runs `calliper` in a directory.
pub fn calliper_in(directory: &Path, arguments: &[&str]) -> Output {
    command().current_dir(directory).args(arguments).output().expect("it starts")
}

/// The program, to be run in the repository's root.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calliper"));
    command.current_dir(root());
    command
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// Exit code 2, nothing panicked, one line on standard error, holding each of `parts`.
pub fn assert_one_line(output: &Output, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}
