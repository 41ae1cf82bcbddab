//! Why a campaign cannot be run.

use std::io;
use std::path::{Path, PathBuf};

/// Why a campaign did not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The directory of the corpus, or that of the findings, cannot be made or read.
    #[error("{}: {source}", path.display())]
    Directory {
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A scenario or a finding cannot be written.
    #[error("cannot write: {0}")]
    Write(#[source] io::Error),
}

impl CampaignError {
    /// For the errors of this directory.
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| CampaignError::Directory { path: path.to_owned(), source }
    }
}
