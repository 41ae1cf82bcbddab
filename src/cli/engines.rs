//! The engines that a command runs on.

use crate::engine::{EngineKind, names};

use super::failure::Failure;

/// The engines of a comma separated list, each once.
pub fn engines(list: Option<&str>) -> Result<Vec<EngineKind>, Failure> {
    let Some(list) = list else { return Ok(EngineKind::by_default()) };
    let mut engines: Vec<EngineKind> = Vec::new();
    for name in list.split(',').map(str::trim) {
        let kind = name.parse()?;
        if !engines.contains(&kind) {
            engines.push(kind);
        }
    }
    Ok(engines)
}

/// What `--engine` does.
pub fn help() -> String {
    let known = names(&EngineKind::available());
    format!("Only these engines, separated by commas: {known}")
}

/// The same with what it is if it is not given, and more to say of it in between.
pub fn long_help(more: &str) -> String {
    let (help, default) = (help(), names(&EngineKind::by_default()));
    format!("{help}\n\n{more}[default: {default}]")
}
