//! Finds scenarios in files and directories, and reads them.
//!
//! The walk over directories is our own: a path that is reached by two links counts once, a link
//! that leads nowhere is an error only if it is called as scenarios are, and what cannot be looked
//! into is told while the rest is read. On a walker from a crate, all of that would be in its way.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::gallery::{self, Fault};
use crate::scenario::Scenario;
use crate::scenario::binary::{self, BinaryError};
use crate::scenario::text::{self, TextError};
use crate::scenario::validate::{Part, Place, Problem};
use crate::verdict::{FindingClass, UnknownClass};

/// Where scenarios are when no path is given.
pub const DEFAULT_PATH: &str = "corpus/regressions";

/// The largest scenario file that is read, in bytes.
pub const MAX_FILE_SIZE: u64 = 1 << 20;

/// Why a path gives no scenario: one line that starts with the path.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system does not let it be read.
    #[error("{}: {}", path.display(), plain(source))]
    System {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No path was given, and the current directory is not the repository's root.
    #[error("{DEFAULT_PATH}: not found; run this in the repository's root, or give a PATH")]
    NoCorpus,
    /// Neither a file nor a directory.
    #[error("{}: is not a regular file; give a scenario file or a directory", .0.display())]
    NotAFile(PathBuf),
    /// More than [`MAX_FILE_SIZE`] bytes.
    #[error("{}: is larger than {MAX_FILE_SIZE} bytes, the most a scenario may take", .0.display())]
    TooLarge(PathBuf),
    /// A directory without scenarios.
    #[error("{}: holds no scenario (no .toml or .clpr file, at any depth)", .0.display())]
    NoScenario(PathBuf),
    /// No scenario in text form.
    #[error("{}", one_line(.0))]
    Text(#[from] TextError),
    /// No scenario in binary form.
    #[error("{}", one_line(&format!("{}: {source}", path.display())))]
    Binary {
        path: PathBuf,
        /// What is wrong with it.
        source: BinaryError,
    },
}

impl ReadError {
    /// For the errors of this path.
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| ReadError::System { path, source }
    }
}

/// A scenario and where it came from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The path below the directory that was asked for, without the extension.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub scenario: Arc<Scenario>,
    /// What [`Scenario::shows`] names.
    pub shows: KnownShows,
}

/// What was found below some paths.
#[derive(Debug, Default)]
pub struct Corpus {
    /// The scenarios, sorted by path within each path that was asked for.
    pub cases: Vec<Case>,
    /// What cannot be replayed.
    pub errors: Vec<ReadError>,
}

/// Reads every scenario at or below `paths`; a directory gives its `.toml` and
/// `.clpr` files, recursively and through symbolic links, each directory once.
pub fn collect(paths: &[PathBuf]) -> Corpus {
    let mut corpus = Corpus::default();
    let mut seen = BTreeSet::new();
    for root in paths {
        let files = match fs::metadata(root) {
            Err(error) => Err(missing(root, error)),
            Ok(found) if found.is_dir() => files_below(root, &mut corpus.errors),
            Ok(_) => Ok(vec![root.clone()]),
        };
        for path in files.unwrap_or_else(|error| {
            corpus.errors.push(error);
            Vec::new()
        }) {
            if !seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                continue;
            }
            match read_case(root, &path) {
                Ok(case) => corpus.cases.push(case),
                Err(error) => corpus.errors.push(error),
            }
        }
    }
    corpus.tell_namesakes_apart();
    corpus
}

impl Corpus {
    /// Scenarios with the same name are named by their whole path.
    fn tell_namesakes_apart(&mut self) {
        let mut once = BTreeSet::new();
        let twice: BTreeSet<String> = (self.cases.iter())
            .filter(|case| !once.insert(case.name.as_str()))
            .map(|case| case.name.clone())
            .collect();
        for case in self.cases.iter_mut().filter(|case| twice.contains(&case.name)) {
            case.name = case.path.display().to_string();
        }
    }
}

/// Reads one scenario, in either form.
///
/// # Errors
/// When it cannot be read, or is none that [`validate`](crate::scenario::validate::validate)
/// accepts.
pub fn read(path: &Path) -> Result<Scenario, ReadError> {
    read_with_shows(path).map(|(scenario, _)| scenario)
}

/// Reads a scenario that was found at or below `root`.
fn read_case(root: &Path, path: &Path) -> Result<Case, ReadError> {
    let (scenario, shows) = read_with_shows(path)?;
    Ok(Case { name: name(root, path), path: path.to_owned(), scenario: Arc::new(scenario), shows })
}

/// The faults that a scenario must show, each with the class of finding.
pub type KnownShows = Vec<(&'static str, FindingClass)>;

/// Reads a scenario, and what it must show if there are such faults and classes.
fn read_with_shows(path: &Path) -> Result<(Scenario, KnownShows), ReadError> {
    let bytes = read_bytes(path)?;
    let is_binary = match path.extension().and_then(|e| e.to_str()) {
        Some("clpr") => true,
        Some("toml") => false,
        _ => bytes.starts_with(&binary::MAGIC),
    };
    if is_binary {
        decode_with_shows(&bytes)
            .map_err(|source| ReadError::Binary { path: path.to_owned(), source })
    } else {
        Ok(text::parse_checked(&path.display().to_string(), &bytes, shows)?)
    }
}

fn decode_with_shows(bytes: &[u8]) -> Result<(Scenario, KnownShows), BinaryError> {
    let scenario = binary::decode(bytes)?;
    let shows = shows(&scenario)?;
    Ok((scenario, shows))
}

/// The bytes of a regular file of a bearable size.
fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let metadata = fs::metadata(path).map_err(ReadError::at(path))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
        .map_err(ReadError::at(path))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(ReadError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

/// The scenario files below a directory, sorted. What cannot be looked into is
/// told in `errors`.
fn files_below(root: &Path, errors: &mut Vec<ReadError>) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    let mut visited = BTreeSet::new();
    let mut pending = vec![root.to_owned()];
    let mut refused = 0;
    while let Some(directory) = pending.pop() {
        // A symbolic link can lead back to a directory above itself.
        if !fs::canonicalize(&directory).is_ok_and(|real| visited.insert(real)) {
            continue;
        }
        match entries(&directory) {
            Ok(entries) => {
                for path in entries {
                    if path.is_dir() {
                        pending.push(path);
                    } else if is_scenario_name(&path) {
                        files.push(path);
                    }
                }
            }
            Err(error) => {
                refused += 1;
                errors.push(ReadError::at(&directory)(error));
            }
        }
    }
    if files.is_empty() && refused == 0 {
        return Err(ReadError::NoScenario(root.to_owned()));
    }
    files.sort();
    Ok(files)
}

/// What a directory holds, sorted.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

/// The file is called as scenarios are.
fn is_scenario_name(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "toml" || e == "clpr")
}

/// What a scenario is called in reports.
fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
    let below = below.or(path.file_name().map(Path::new)).unwrap_or(path);
    if is_scenario_name(below) {
        below.with_extension("").display().to_string()
    } else {
        below.display().to_string()
    }
}

/// What a scenario must show, if there are such faults and classes.
fn shows(scenario: &Scenario) -> Result<KnownShows, Problem> {
    let entry = |(i, (fault, class)): (usize, &(String, String))| {
        let wrong = |part, message| Problem { place: Place::Shows(i), part, message };
        let fault = Fault::find(fault)
            .ok_or_else(|| wrong(Part::Whole, gallery::unknown("fault", fault)))?;
        let class = class
            .parse()
            .map_err(|unknown: UnknownClass| wrong(Part::Finding, unknown.to_string()))?;
        Ok((fault.id(), class))
    };
    scenario.shows.iter().enumerate().map(entry).collect()
}

/// A path that is not there.
fn missing(path: &Path, error: io::Error) -> ReadError {
    if path == Path::new(DEFAULT_PATH) && error.kind() == io::ErrorKind::NotFound {
        return ReadError::NoCorpus;
    }
    ReadError::at(path)(error)
}

/// An operating system's error without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}

/// Messages take one line each, whatever an input made them quote.
fn one_line(message: &impl ToString) -> String {
    message
        .to_string()
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
