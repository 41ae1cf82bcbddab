//! Replays scenarios and says whether each did what it is there to do.
//!
//! [`collect`] finds the files and reads them; [`replay`] judges them on all cores, one
//! [`Judge`] a thread, and gives the outcomes in the order of the files.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::engine::EngineError;
use crate::judge::{EngineKind, EngineVerdict, Judge};
use crate::loader::{Fixed, Loader, faults};
use crate::scenario::binary::{self, BinaryError};
use crate::scenario::validate::{Part, Place, Problem};
use crate::scenario::{Scenario, text};
use crate::verdict::{Class, Finding};

/// The largest scenario file that is read, in bytes.
pub const MAX_FILE_SIZE: u64 = 1 << 20;

/// Stack of a judging thread, in bytes: engines run wasm on it.
pub(crate) const STACK_SIZE: usize = 16 << 20;

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
    /// One line for each thing that cannot be replayed.
    pub errors: Vec<String>,
}

/// Reads every scenario at or below `paths`; a directory gives its `.toml` and
/// `.clpr` files, recursively and through symbolic links, each directory once.
pub fn collect(paths: &[PathBuf]) -> Corpus {
    let mut corpus = Corpus::default();
    let mut seen = BTreeSet::new();
    for root in paths {
        let files = match fs::metadata(root) {
            Err(error) => Err(missing(root, &error)),
            Ok(found) if found.is_dir() => files_below(root, &mut corpus.errors),
            Ok(_) => Ok(vec![root.clone()]),
        };
        for path in files.unwrap_or_else(|line| {
            corpus.errors.push(line);
            Vec::new()
        }) {
            if !seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                continue;
            }
            match read_case(root, &path) {
                Ok(case) => corpus.cases.push(case),
                Err(line) => corpus.errors.push(line),
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
/// One line that starts with the path.
pub fn read(path: &Path) -> Result<Scenario, String> {
    read_with_shows(path).map(|(scenario, _)| scenario)
}

/// Reads a scenario that was found at or below `root`.
fn read_case(root: &Path, path: &Path) -> Result<Case, String> {
    let (scenario, shows) = read_with_shows(path)?;
    Ok(Case { name: name(root, path), path: path.to_owned(), scenario: Arc::new(scenario), shows })
}

/// The faults that a scenario must show, each with the class of finding.
pub type KnownShows = Vec<(&'static str, Class)>;

/// Reads a scenario, and what it must show if there are such faults and classes.
fn read_with_shows(path: &Path) -> Result<(Scenario, KnownShows), String> {
    let file_name = path.display().to_string();
    let bytes = read_bytes(path).map_err(|message| format!("{file_name}: {message}"))?;
    let extension = path.extension().and_then(|e| e.to_str());
    let is_binary = match extension {
        Some("clpr") => true,
        Some("toml") => false,
        _ => bytes.starts_with(&binary::MAGIC),
    };
    let read = if is_binary {
        decode_with_shows(&bytes).map_err(|error| format!("{file_name}: {error}"))
    } else {
        text::parse_checked(&file_name, &bytes, shows).map_err(|error| error.to_string())
    };
    read.map_err(|line| one_line(&line))
}

fn decode_with_shows(bytes: &[u8]) -> Result<(Scenario, KnownShows), BinaryError> {
    let scenario = binary::decode(bytes)?;
    let shows = shows(&scenario)?;
    Ok((scenario, shows))
}

/// The bytes of a regular file of a bearable size.
fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| plain(&error))?;
    if !metadata.is_file() {
        return Err("is not a regular file; give a scenario file or a directory".into());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
        .map_err(|error| plain(&error))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(format!("is larger than {MAX_FILE_SIZE} bytes, the most a scenario may take"));
    }
    Ok(bytes)
}

/// The scenario files below a directory, sorted. What cannot be looked into is
/// told in `errors`.
fn files_below(root: &Path, errors: &mut Vec<String>) -> Result<Vec<PathBuf>, String> {
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
                errors.push(format!("{}: {}", directory.display(), plain(&error)));
            }
        }
    }
    if files.is_empty() && refused == 0 {
        let at = root.display();
        return Err(format!("{at}: holds no scenario (no .toml or .clpr file, at any depth)"));
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
        let fault = faults::find(fault)
            .ok_or_else(|| wrong(Part::Whole, faults::unknown("fault", fault)))?;
        let class = class.parse().map_err(|_| {
            let known = known(Class::ALL.iter().map(Class::to_string));
            wrong(
                Part::Finding,
                format!("unknown finding class `{class}`; expected one of {known}"),
            )
        })?;
        Ok((fault.id(), class))
    };
    scenario.shows.iter().enumerate().map(entry).collect()
}

/// Names for a message, comma separated.
pub fn known<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

/// A path that is not there, with what to do.
fn missing(path: &Path, error: &io::Error) -> String {
    let at = path.display();
    if path == Path::new(DEFAULT_PATH) && error.kind() == io::ErrorKind::NotFound {
        return format!("{at}: not found; run this in the repository's root, or give a PATH");
    }
    format!("{at}: {}", plain(error))
}

/// Where scenarios are when no path is given.
pub const DEFAULT_PATH: &str = "corpus/regressions";

/// An operating system's error without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}

/// Messages take one line each, whatever an input made them quote.
fn one_line(message: &str) -> String {
    message
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Which loaders a scenario is run under.
#[derive(Clone, Copy, Debug)]
pub enum Loaders {
    /// `fixed`, and each fault that it names.
    Named,
    /// This one.
    Only(&'static dyn Loader),
    /// `fixed`, and every fault.
    Every,
}

/// Which loaders to replay under, and on what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which loaders each scenario is run under.
    pub loaders: Loaders,
    /// The engines, in report order.
    pub engines: Vec<EngineKind>,
}

/// What a scenario says that a run must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No finding: under the fixed loader.
    Agree,
    /// A headline of this class: under a fault that the scenario names.
    Finding(Class),
    /// Nothing: under a fault that it does not name.
    Anything,
}

impl Expected {
    /// A run with this headline is as expected.
    pub fn admits(self, headline: Option<Class>) -> bool {
        match self {
            Expected::Agree => headline.is_none(),
            Expected::Finding(class) => headline == Some(class),
            Expected::Anything => true,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Agree => f.pad("agree"),
            Expected::Finding(class) => class.fmt(f),
            Expected::Anything => f.pad("anything"),
        }
    }
}

/// A scenario under one loader.
#[derive(Clone, Debug)]
pub struct Run {
    /// The loader's id.
    pub loader: &'static str,
    /// What every engine must give.
    pub expected: Expected,
    /// What each engine gave, in the plan's order.
    pub verdicts: Vec<EngineVerdict>,
}

impl Run {
    /// Whether every engine gave what was expected.
    pub fn is_as_expected(&self) -> bool {
        self.verdicts.iter().all(|v| self.expected.admits(headline(v)))
    }
}

/// The class of the first finding.
pub fn headline(verdict: &EngineVerdict) -> Option<Class> {
    verdict.findings.first().map(|finding| finding.class)
}

/// A scenario under every loader of the plan.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scenario.
    pub case: Case,
    /// One a loader.
    pub runs: Vec<Run>,
}

impl Outcome {
    /// Whether every run was.
    pub fn is_as_expected(&self) -> bool {
        self.runs.iter().all(Run::is_as_expected)
    }
}

/// Judges every case; `progress` is told how many are done.
pub fn replay(plan: &Plan, cases: Vec<Case>, mut progress: impl FnMut(usize)) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(cases.len());
    let mut outcomes: Vec<Option<Vec<Run>>> = vec![None; cases.len()];
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let (sender, next, cases) = (sender.clone(), &next, &cases);
            let work = move || {
                let mut judge = Judge::new(&plan.engines);
                while let Some((index, case)) = take(next, cases) {
                    let _ = sender.send((index, runs(plan, &mut judge, case)));
                }
            };
            thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, work)
                .expect("a thread for each core can be started");
        }
        drop(sender);
        for (done, (index, runs)) in receiver.iter().enumerate() {
            outcomes[index] = Some(runs);
            progress(done + 1);
        }
    });
    let judged = outcomes.into_iter().map(Option::unwrap_or_default);
    cases.into_iter().zip(judged).map(|(case, runs)| Outcome { case, runs }).collect()
}

/// The next case that nobody has taken.
fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    cases.get(index).map(|case| (index, case))
}

/// One case under each loader.
fn runs(plan: &Plan, judge: &mut Judge, case: &Case) -> Vec<Run> {
    loaders(plan, case)
        .into_iter()
        .map(|(loader, expected)| Run {
            loader: loader.id(),
            expected,
            verdicts: verdicts(judge, &plan.engines, &case.scenario, loader),
        })
        .collect()
}

/// The loaders to run a case under, and what each must give.
fn loaders(plan: &Plan, case: &Case) -> Vec<(&'static dyn Loader, Expected)> {
    let expected = |id: &str| match case.shows.iter().find(|(fault, _)| *fault == id) {
        Some((_, class)) => Expected::Finding(*class),
        None if id == Fixed.id() => Expected::Agree,
        None => Expected::Anything,
    };
    let fixed: &'static dyn Loader = &Fixed;
    let all: Vec<&'static dyn Loader> = match plan.loaders {
        Loaders::Only(loader) => vec![loader],
        Loaders::Named => {
            let named = case.shows.iter().filter_map(|(fault, _)| faults::loader(fault));
            std::iter::once(fixed).chain(named).collect()
        }
        Loaders::Every => {
            std::iter::once(fixed).chain(faults::ALL.iter().map(|fault| fault.loader)).collect()
        }
    };
    all.into_iter().map(|loader| (loader, expected(loader.id()))).collect()
}

/// Each engine's verdict. An engine that rejects a module differs from those that run it.
fn verdicts(
    judge: &mut Judge,
    engines: &[EngineKind],
    scenario: &Arc<Scenario>,
    loader: &'static dyn Loader,
) -> Vec<EngineVerdict> {
    judge.judge(scenario, loader).unwrap_or_else(|error| {
        let finding = rejection(&error);
        let verdict = |kind: &EngineKind| EngineVerdict {
            engine: kind.name(),
            findings: vec![finding.clone()],
        };
        engines.iter().map(verdict).collect()
    })
}

/// An engine that rejects a module, as a finding.
pub fn rejection(error: &EngineError) -> Finding {
    Finding {
        class: Class::EngineDivergence,
        fingerprint: format!("engine-divergence/rejected-module/{}", error.engine),
        account: error.to_string(),
    }
}
