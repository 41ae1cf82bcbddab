//! The regression corpus as seeds for the targets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use calliper::scenario::{binary, text};

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/regressions");
    let mut files = Vec::new();
    collect(&root, &mut files).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    files.sort();
    files.iter().map(|file| seed(&root, file, form)).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn seed(root: &Path, file: &Path, form: Form) -> Seed {
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let name = name.to_string_lossy().replace(['/', '\\'], "-");
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let bytes = match form {
        Form::Text => bytes,
        Form::Binary => encoded(file, &bytes),
        Form::Image => [vec![0; EDITS * EDIT], encoded(file, &bytes)].concat(),
    };
    Seed { name, bytes }
}

fn encoded(file: &Path, bytes: &[u8]) -> Vec<u8> {
    let scenario = text::parse(&file.to_string_lossy(), bytes);
    binary::encode(&scenario.unwrap_or_else(|error| panic!("{error}")))
}

/// The dictionary of the `text` target: the words of the form, and how they are put together.
pub fn dictionary() -> String {
    let around = ["[", "]", "{ ", " }", " = ", " = true", ", ", "(", ")", "\\\"", "0x", "\\x0a"];
    let words = text::words().into_iter().chain(around);
    let lines = words.map(|word| format!("\"{word}\"\n"));
    let head = "# `ci/seeds DIR` writes this file.\n";
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
    fn the_dictionary_has_every_word() {
        let kept = include_str!("../dict/text.dict");
        assert_eq!(kept, super::dictionary(), "`ci/seeds DIR` writes the right one");
    }
}
