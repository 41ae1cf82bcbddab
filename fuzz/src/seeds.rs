//! The regression corpus as seeds for the targets.

use std::fs;
use std::io;
use std::path::Path;

use calliper::inside::{Case, DEFAULT_PATH, words};
use calliper::{collect, encode_binary};

use crate::image::{EDIT, EDITS};

/// The form in which a target reads scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For fuzzers.
    Binary,
    /// Binary, behind edits of images that change nothing.
    Image,
}

/// The targets that read scenarios, each with the form of its seeds.
pub const TARGETS: [(&str, Form); 4] = [
    ("resolve", Form::Binary),
    ("execute", Form::Binary),
    ("text", Form::Text),
    ("image", Form::Image),
];

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// A file name.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Every scenario of the regression corpus.
///
/// # Panics
/// When the corpus cannot be read: it is part of the source.
pub fn regressions(form: Form) -> Vec<Seed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(DEFAULT_PATH);
    let corpus = collect(&[root]);
    assert!(corpus.errors.is_empty(), "{:?}", corpus.errors);
    corpus.cases.iter().map(|case| seed(case, form)).collect()
}

fn seed(case: &Case, form: Form) -> Seed {
    let name = case.name.replace(['/', '\\'], "-");
    let bytes = match form {
        Form::Text => {
            fs::read(&case.path).unwrap_or_else(|error| panic!("{}: {error}", case.path.display()))
        }
        Form::Binary => encode_binary(&case.scenario),
        Form::Image => [vec![0; EDITS * EDIT], encode_binary(&case.scenario)].concat(),
    };
    Seed { name, bytes }
}

/// The dictionary of the `text` target: the words of the form, and how they are put together.
pub fn dictionary() -> String {
    let around = ["[", "]", "{ ", " }", " = ", " = true", ", ", "(", ")", "\\\"", "0x", "\\x0a"];
    let words = words().into_iter().chain(around);
    let lines = words.map(|word| format!("\"{word}\"\n"));
    let head = "# The words of a scenario's text form.\n";
    std::iter::once(head.to_owned()).chain(lines).collect()
}

/// Writes the seeds of each target to a directory of its name, and beside them
/// the [dictionary] as `text.dict`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(to: &Path) -> io::Result<usize> {
    fs::create_dir_all(to)?;
    fs::write(to.join("text.dict"), dictionary())?;
    let mut count = 0;
    for (target, form) in TARGETS {
        let directory = to.join(target);
        fs::create_dir_all(&directory)?;
        for seed in regressions(form) {
            fs::write(directory.join(seed.name), seed.bytes)?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_dictionary_quotes_every_word_once() {
        let dictionary = super::dictionary();
        let words: Vec<&str> = dictionary.lines().skip(1).collect();
        for word in ["\"ldftn\"", "\"resume\"", "\"pinvoke\"", "\"{ \""] {
            assert!(words.contains(&word), "{dictionary}");
        }
        let unique: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(unique.len(), words.len(), "{dictionary}");
        assert!(words.iter().all(|word| word.len() > 2 && word.starts_with('"')), "{dictionary}");
    }
}
