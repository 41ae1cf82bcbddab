//! What more than one of the tests needs.

mod command;

use std::path::{Path, PathBuf};

pub use command::{SEED, assert_one_line, calliper, calliper_in, command, stderr, stdout};

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A path as the command line takes it.
pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
