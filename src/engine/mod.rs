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

/// Makes the engine of this name, which is to keep so much.
type Start<S> = fn(&'static str, Keep) -> Box<dyn Engine<S>>;

/// An engine that executes for drivers with a state `S`.
struct Row<S: 'static> {
    /// What `--engine` takes, and the feature of the package that brings it.
    name: &'static str,
    /// It makes machine code of modules, which takes far longer than a run.
    compiles: bool,
    /// It runs unless engines are named: it is no variation of one that does.
    by_default: bool,
    /// `None` in a build without its feature.
    start: Option<Start<S>>,
}

/// A row that is there in every build, and starts in one that has the feature of its name.
macro_rules! optional {
    ($name:literal, compiles: $compiles:literal, by_default: $by_default:literal, $start:path) => {
        Row {
            name: $name,
            compiles: $compiles,
            by_default: $by_default,
            #[cfg(feature = $name)]
            start: Some($start),
            #[cfg(not(feature = $name))]
            start: None,
        }
    };
}

impl<S: 'static> Row<S> {
    /// Every engine, the paper engine first.
    const ALL: &'static [Self] = &[
        Row { name: "paper", compiles: false, by_default: true, start: Some(paper::start) },
        optional!("wasmtime", compiles: true, by_default: true, wasmtime::start),
        optional!("wasmi", compiles: false, by_default: true, wasmi::start),
        optional!("winch", compiles: true, by_default: false, winch::start),
        optional!("pulley", compiles: true, by_default: false, pulley::start),
    ];
}

/// An engine of this build, by its place in the list of all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EngineKind(usize);

impl EngineKind {
    /// The paper engine, which every build has.
    pub const PAPER: EngineKind = EngineKind(0);

    /// The engines of this build; paper comes first.
    pub fn available() -> Vec<EngineKind> {
        let kinds = (0..Row::<()>::ALL.len()).map(EngineKind);
        kinds.filter(|kind| kind.row::<()>().start.is_some()).collect()
    }

    /// Those of them that run unless some are named.
    pub fn by_default() -> Vec<EngineKind> {
        let available = Self::available().into_iter();
        available.filter(|kind| kind.row::<()>().by_default).collect()
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
        let start = self.row::<S>().start.expect("only engines of this build have a kind");
        start(self.name(), keep)
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

/// No engine of this build has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine {0:?} in this build; there are {known}", known = names(&EngineKind::available()))]
pub struct UnknownEngine(pub String);

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = EngineKind::available().into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

/// Their names, separated by commas.
pub fn names(kinds: &[EngineKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}
