//! The form for people: TOML, reviewed in pull requests.
//!
//! One item stands on one line, so that a difference between two scenarios is
//! a difference between two lines:
//!
//! ```toml
//! calliper = 1
//! title = "a managed calli, and an unmanaged one"
//! upstream = [129857]
//!
//! [shows]
//! issue-129857 = "signature-mismatch"
//!
//! [assemblies]
//! Repro = {}
//!
//! [structs]
//! S12 = { size = 12, align = 4 }
//! Wrapped = { wraps = "double" }
//!
//! [methods]
//! Add = { in = "Repro", code = "r2r", signature = "int (int, int)" }
//! UcoAdd = { in = "Repro", code = "interpreted", signature = "int (int, int)", uco = true }
//!
//! [sites]
//! Take = { in = "Repro", ldftn = "Add" }
//! Call = { in = "Repro", calli = "int (int, int)" }
//! Direct = { in = "Repro", direct = "Add", binding = "eager" }
//! FromC = { native = "int (int, int)" }
//!
//! [script]
//! events = [
//!     { load = "Repro" },
//!     { take = "Take", into = "pointer" },
//!     { call = "Call", through = "pointer", args = [2, 3] },
//! ]
//! ```
//!
//! [`parse()`] accepts what [`print()`] writes, and any other layout of the same
//! TOML. Every error is one line that points at the offending token.

mod parse;
mod print;
mod script;
mod signature;
mod toml;
mod word;

use std::collections::{BTreeMap, BTreeSet};

use super::Scenario;
use super::validate::{Part, Place, Problem, names, validate};

pub use print::print;

/// The version that stands after `calliper =`.
pub const VERSION: u8 = 1;
/// The most bytes that [`parse()`] looks at.
pub const MAX_BYTES: usize = 1 << 20;

/// Why a text is no scenario: one line, with the place to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct TextError {
    /// The file's name as given to [`parse()`].
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, a semicolon, and what was expected.
    pub message: String,
}

/// An error before its offset is turned into a line and a column.
#[derive(Debug)]
struct SyntaxError {
    at: usize,
    message: String,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        SyntaxError { at, message: message.into() }
    }
}

/// Where each part of each item stands, as a byte offset.
#[derive(Default)]
struct Spots(BTreeMap<(Place, Part), usize>);

impl Spots {
    fn note(&mut self, place: Place, part: Part, at: usize) {
        self.0.insert((place, part), at);
    }

    /// The offset of the part, or of the smallest thing around it that is known.
    fn find(&self, place: Place, part: Part) -> usize {
        let mut part = Some(part);
        while let Some(wanted) = part {
            if let Some(&at) = self.0.get(&(place, wanted)) {
                return at;
            }
            part = wanted.enclosing();
        }
        0
    }
}

/// Every word that means something in a scenario, each once and in alphabetical
/// order: a dictionary for fuzzers of [`parse()`].
pub fn words() -> BTreeSet<&'static str> {
    parse::words().chain(script::words()).chain(signature::words()).collect()
}

/// Reads a scenario that [`validate`] accepts. `file_name` is only quoted in errors.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Scenario, TextError> {
    parse_checked(file_name, bytes, |_| Ok(())).map(|(scenario, ())| scenario)
}

/// The same with a check of the caller's own, whose problem is told with its place as well.
pub fn parse_checked<T>(
    file_name: &str,
    bytes: &[u8],
    check: impl FnOnce(&Scenario) -> Result<T, Problem>,
) -> Result<(Scenario, T), TextError> {
    let (text, read) = match read_bytes(bytes) {
        Ok(text) => (text, parse_text(text, check)),
        Err((readable, wrong)) => (readable, Err(wrong)),
    };
    read.map_err(|wrong| {
        let (line, column) = line_and_column(text, wrong.at);
        let file = file_name.replace(names::breaks_line, "?");
        TextError { file, line, column, message: wrong.message }
    })
}

/// The bytes as text, or the part of it before the error.
fn read_bytes(bytes: &[u8]) -> Result<&str, (&str, SyntaxError)> {
    if bytes.len() > MAX_BYTES {
        let message = format!("{} bytes of text; expected at most {MAX_BYTES}", bytes.len());
        return Err(("", SyntaxError::new(0, message)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (good, bad) = bytes.split_at(error.valid_up_to());
        let byte = bad.first().copied().unwrap_or_default();
        let message = format!("the byte {byte:#04x} is not UTF-8; expected UTF-8 text");
        (std::str::from_utf8(good).unwrap_or_default(), SyntaxError::new(good.len(), message))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(("", SyntaxError::new(0, "the file is empty; expected `calliper = 1` first")));
    }
    Ok(text)
}

fn parse_text<T>(
    text: &str,
    check: impl FnOnce(&Scenario) -> Result<T, Problem>,
) -> Result<(Scenario, T), SyntaxError> {
    let mut spots = Spots::default();
    let scenario = parse::document(text, &mut spots)?;
    let checked = validate(&scenario).and_then(|()| check(&scenario)).map_err(|problem| {
        SyntaxError::new(spots.find(problem.place, problem.part), problem.message)
    })?;
    Ok((scenario, checked))
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let at = text.floor_char_boundary(at.min(text.len()));
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
