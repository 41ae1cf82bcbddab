//! Exit codes.

use std::process::{ExitCode, Termination};

/// How the program ends. Scripts depend on the numbers: none may change its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is as expected.
    Expected = 0,
    /// A finding where none was expected, none where one was, or one of another class.
    Surprise = 1,
    /// Bad usage, input that could not be used, or no place to write to. clap ends with this number
    /// as well.
    BadInput = 2,
    /// A second interrupt, while the first one was ending a campaign: 128 and the signal's number,
    /// as of a program that a signal ends.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README is the contract.
    #[test]
    fn codes_are_those_of_the_readme() {
        let readme = include_str!("../../README.md");
        let (_, table) = readme.split_once("| exit code |").expect("the table's head");
        let codes: Vec<u8> = table
            .lines()
            .skip(2)
            .map_while(|row| row.strip_prefix("| ")?.split(' ').next()?.parse().ok())
            .collect();
        let exits = [Exit::Expected, Exit::Surprise, Exit::BadInput, Exit::Interrupted];
        assert_eq!(codes, exits.map(|exit| exit as u8));
        for exit in exits {
            for help in [super::super::EXAMPLES, super::super::fuzz::AFTER_HELP] {
                let (_, told) = help.split_once("Exit codes: ").expect("they are told");
                let is_told =
                    told.split(", ").any(|code| code.starts_with(&format!("{} ", exit as u8)));
                assert!(is_told, "{exit:?} in {told}");
            }
            assert_eq!(exit.report(), ExitCode::from(exit as u8));
        }
    }
}
