//! The engines that a command runs on.

use crate::engine::{EngineKind, names, table};

use super::failure::Failure;

/// The engines of a comma separated list, each once.
pub fn engines(list: Option<&str>) -> Result<Vec<EngineKind>, Failure> {
    match list {
        None => Ok(EngineKind::by_default()),
        Some(list) => Ok(EngineKind::list(list)?),
    }
}

/// What `--engine` does.
pub fn help() -> String {
    let known = names(&EngineKind::available());
    format!("Only these engines, separated by commas: {known}")
}

/// The same with what each engine is, and more to say of them.
pub fn long_help(more: &str) -> String {
    format!("Only these engines, separated by commas\n\n{}{more}", table())
}

/// The same where the default is several engines.
pub fn long_help_and_default(more: &str) -> String {
    let default = names(&EngineKind::by_default());
    format!("{}\n[default: {default}]", long_help(more))
}
