//! Engines execute a program; whoever starts them drives them.
//!
//! An [`Engine`] keeps what may be reused between runs (compiled modules,
//! stores, instances). During a run it is a [`Process`]: linear memory, a
//! function table, and calls. A process carries a state of its driver's, of any type `S`, and its
//! one host import is the driver's [`HostCall`]: an engine knows neither.
//!
//! Which engines there are is said once, in [`Row::ALL`].

pub mod paper;
#[cfg(feature = "pulley")]
mod pulley;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;
#[cfg(feature = "winch")]
mod winch;

#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod adapter;
mod load;
mod memory;
mod process;
#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod shape;
#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod stored;
#[cfg(test)]
mod tests;
mod trap;

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

pub use memory::{Memory, MemoryView};
pub use process::{Engine, EngineError, HostCall, Process};
pub use trap::Trap;

/// How much one run may execute before it is stopped, in instructions
/// (roughly: each engine counts its own way, so [`Trap::OutOfFuel`] is never
/// compared between engines).
pub const FUEL: u64 = 50_000_000;

/// The most wasm calls that may be nested; the engines agree on it only roughly.
pub const MAX_CALLS: usize = 200;

/// The most times that a process may be entered again from VM code, which
/// takes native stack.
pub const MAX_REENTRIES: u32 = 64;

/// What an engine keeps from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: every run compiles.
    Nothing,
    /// Compiled modules: what the reuse of stores is tested against.
    #[cfg(test)]
    Modules,
    /// Compiled modules, and stores.
    Stores,
}

const RUNS: &str = "only an engine that runs here has a kind";

/// What a build has of an engine.
struct Built<S: 'static> {
    /// Whether it runs on this machine.
    runs: fn() -> Result<(), CannotRun>,
    /// Makes the engine of this name, which is to keep so much.
    start: fn(&'static str, Keep) -> Box<dyn Engine<S>>,
}

/// An engine that executes for drivers with a state `S`.
struct Row<S: 'static> {
    /// What `--engine` takes, and the feature of the package that brings it.
    name: &'static str,
    /// What it is, and what for.
    about: &'static str,
    /// It makes machine code of modules, which takes far longer than a run.
    compiles: bool,
    /// It runs unless engines are named: it is no variation of one that does.
    by_default: bool,
    /// Nothing in a build without its feature.
    built: Option<Built<S>>,
}

/// A row that is there in every build, and can be started in one that has the feature of its name:
/// an engine over the backend that a module has.
macro_rules! optional {
    (
        $name:literal, $about:literal, compiles: $compiles:literal,
        by_default: $by_default:literal, $backend:path
    ) => {
        Row {
            name: $name,
            about: $about,
            compiles: $compiles,
            by_default: $by_default,
            #[cfg(feature = $name)]
            built: Some(Built {
                runs: || $backend().map(drop),
                start: |name, keep| {
                    Box::new(stored::Stored::new(name, $backend().expect(RUNS), keep))
                },
            }),
            #[cfg(not(feature = $name))]
            built: None,
        }
    };
}

impl<S: 'static> Row<S> {
    /// Every engine, the paper engine first.
    const ALL: &'static [Self] = &[
        Row {
            name: "paper",
            about: "plain Rust that executes what is encoded for the others; many times faster",
            compiles: false,
            by_default: true,
            built: Some(Built { runs: || Ok(()), start: |_, _| Box::new(paper::Paper::new()) }),
        },
        optional!(
            "wasmtime", "machine code by wasmtime's Cranelift; for one layout and many scripts",
            compiles: true, by_default: true, wasmtime::backend
        ),
        optional!(
            "wasmi", "an interpreter that compiles at little cost; for layouts that are seen once",
            compiles: false, by_default: true, wasmi::backend
        ),
        optional!(
            "winch", "machine code by wasmtime's Winch, to tell a fault of Cranelift's by",
            compiles: true, by_default: false, winch::backend
        ),
        optional!(
            "pulley", "wasmtime's byte code and interpreter, to tell a fault of the machine code by",
            compiles: true, by_default: false, pulley::backend
        ),
    ];

    /// What is needed to start it, if it runs here.
    fn runs(&self) -> Result<&Built<S>, NoEngine> {
        let Self { name, .. } = *self;
        let built = self.built.as_ref().ok_or(NoEngine::NotBuilt { name })?;
        (built.runs)().map_err(|reason| NoEngine::CannotRun { name, reason })?;
        Ok(built)
    }
}

/// An engine of this build that runs here, by its place in the list of all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EngineKind(usize);

impl EngineKind {
    /// The paper engine, which every build has.
    pub const PAPER: EngineKind = EngineKind(0);

    /// The engines of this build that run here; paper comes first.
    pub fn available() -> Vec<EngineKind> {
        static AVAILABLE: OnceLock<Vec<EngineKind>> = OnceLock::new();
        let runs = |kind: &EngineKind| kind.row::<()>().runs().is_ok();
        let available = || (0..Row::<()>::ALL.len()).map(EngineKind).filter(runs).collect();
        AVAILABLE.get_or_init(available).clone()
    }

    /// Those of them that run unless some are named.
    pub fn by_default() -> Vec<EngineKind> {
        let available = Self::available().into_iter();
        available.filter(|kind| kind.row::<()>().by_default).collect()
    }

    /// The engines of a list of names with commas in between, each once.
    ///
    /// # Errors
    /// The first name that no engine of this build has, or none that runs here.
    pub fn list(names: &str) -> Result<Vec<EngineKind>, NoEngine> {
        let mut kinds: Vec<EngineKind> = Vec::new();
        for name in names.split(',').map(str::trim) {
            let kind = name.parse()?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    /// Whether it makes machine code of modules, which takes far longer than a run.
    pub fn compiles(self) -> bool {
        self.row::<()>().compiles
    }

    /// The name that `--engine` takes.
    pub fn name(self) -> &'static str {
        self.row::<()>().name
    }

    /// The engine, which has run nothing yet.
    pub fn start<S: 'static>(self, keep: Keep) -> Box<dyn Engine<S>> {
        let Row { name, built, .. } = self.row();
        (built.as_ref().expect(RUNS).start)(name, keep)
    }

    fn row<S: 'static>(self) -> &'static Row<S> {
        &Row::ALL[self.0]
    }
}

impl fmt::Debug for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an engine says of a machine that it cannot run on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotRun(String);

impl CannotRun {
    /// In the engine's own words, on one line.
    #[cfg(feature = "wasmtime")]
    fn because(error: impl fmt::Display) -> Self {
        Self(format!("{error:#}").replace('\n', " "))
    }
}

/// Why there is no engine of a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEngine {
    /// No engine has this name.
    #[error("there is no engine {0:?}; there are {known}", known = known())]
    Unknown(String),
    /// The build is without the feature of the engine's name.
    #[error("{name} is not in this build, which has {known}; build with --features {name}", known = known())]
    NotBuilt {
        /// The engine's name.
        name: &'static str,
    },
    /// The engine is there, and does not start.
    #[error("{name} cannot run on this machine: {reason}; leave it out, {known} can", known = known())]
    CannotRun {
        /// The engine's name.
        name: &'static str,
        /// What it says.
        reason: CannotRun,
    },
}

impl FromStr for EngineKind {
    type Err = NoEngine;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let at = Row::<()>::ALL.iter().position(|row| row.name == name);
        let kind = EngineKind(at.ok_or_else(|| NoEngine::Unknown(name.to_owned()))?);
        kind.row::<()>().runs()?;
        Ok(kind)
    }
}

/// A line for each engine that there is: its name, what it is, and whether it is here.
pub fn table() -> String {
    let line = |row: &Row<()>| {
        let missing = match row.runs() {
            Ok(_) => "",
            Err(NoEngine::CannotRun { .. }) => " (cannot run here)",
            Err(_) => " (not in this build)",
        };
        format!("{:<8}  {}{missing}\n", row.name, row.about)
    };
    Row::ALL.iter().map(line).collect()
}

fn known() -> String {
    names(&EngineKind::available())
}

/// Their names, separated by commas.
pub fn names(kinds: &[EngineKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}
