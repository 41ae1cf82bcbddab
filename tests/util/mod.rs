//! What more than one of the tests needs.

mod command;

use std::path::{Path, PathBuf};

use calliper::EngineKind;

pub use command::{SEED, assert_one_line, calliper, calliper_in, command, stderr, stdout};

/// The regression corpus, from the repository's root.
pub const CORPUS: &str = "corpus/regressions";

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A path as the command line takes it.
pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What `--engine` takes, and messages say, for these engines.
pub fn names(engines: &[EngineKind]) -> String {
    let names: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
    names.join(", ")
}
