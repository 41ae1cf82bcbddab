//! Why a command ended early.

use std::io;
use std::path::{Path, PathBuf};

use crate::campaign::CampaignError;
use crate::engine::{EngineError, NoEngine};
use crate::gallery::{Fault, LoaderError};
use crate::replay::{ReadError, plain};

/// Why a command ended early, in one line that says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What comes after has no reader.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    #[error("--explain writes text; leave out --format json")]
    JsonExplained,
    #[error("--loader: {0}{advice}", advice = advice(.0))]
    Loader(#[from] LoaderError),
    #[error("--engine: {0}")]
    Engine(#[from] NoEngine),
    #[error("--fault: there is no fault {0:?}; there are {known}", known = fault_ids().join(", "))]
    UnknownFault(String),
    #[error("{}: cannot write here: {}", directory.display(), plain(source))]
    Directory { directory: PathBuf, source: io::Error },
    #[error("{}: cannot be written: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{module}: cannot be printed: {reason}")]
    NotPrinted { module: String, reason: String },
    #[error("{}: {source}", path.display())]
    Rejected { path: PathBuf, source: EngineError },
    #[error("{}: shows no finding under {loader}; name the loader it is for with --loader", path.display())]
    NoFinding { path: PathBuf, loader: &'static str },
}

impl Failure {
    /// For an engine that rejects what this file stands for.
    pub fn rejected(path: &Path) -> impl FnOnce(EngineError) -> Self {
        move |source| Failure::Rejected { path: path.to_owned(), source }
    }
}

fn advice(error: &LoaderError) -> &'static str {
    match error {
        LoaderError::Unknown(_) => " (`calliper faults` lists them)",
        _ => "",
    }
}

fn fault_ids() -> Vec<&'static str> {
    Fault::all().iter().map(|fault| fault.id()).collect()
}
