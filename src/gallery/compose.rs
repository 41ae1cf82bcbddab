//! Loaders by the names that `--loader` takes: `fixed`, a fault, or several faults at once.

use super::{Fault, unknown};
use crate::image::decisions::{Compiler, ComposedCompiler, FixedCompiler};
use crate::loader::{ComposedLoader, Fixed, Loader};

/// Between the faults of a composed loader.
const AND: char = '+';

/// Why there is no loader with an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoaderError {
    /// No loader has this id.
    #[error("{}", unknown("loader", .0))]
    Unknown(String),
    /// Nothing stands before, between or behind a `+`.
    #[error("`{0}` names no fault beside a `{AND}`")]
    Empty(String),
    /// The repaired loader has no defect to be added to.
    #[error("`{0}`: `fixed` is no fault; leave it out")]
    WithFixed(String),
    /// The fault stands twice in the id.
    #[error("`{0}` is named twice")]
    Twice(&'static str),
    /// Two faults override the same decision, so that only one of them could have its way.
    #[error("{0} and {1} both override the decision `{2}`")]
    Contradiction(&'static str, &'static str, &'static str),
}

/// The loader with this id: `fixed`, a fault's, or `a+b`, which has the defects of both.
///
/// A composed loader lives as long as the process, as all others do: it is made from the
/// arguments, once, and never freed.
///
/// # Errors
/// When there is no such loader, with a line that says why.
pub fn loader(id: &str) -> Result<&'static dyn Loader, LoaderError> {
    if id == Fixed.id() {
        return Ok(&Fixed);
    }
    let parts: Vec<&str> = id.split(AND).collect();
    if let [id] = parts[..] {
        return fault(id).map(|fault| fault.loader);
    }
    if parts.contains(&"") {
        return Err(LoaderError::Empty(id.to_owned()));
    }
    if parts.contains(&Fixed.id()) {
        return Err(LoaderError::WithFixed(id.to_owned()));
    }
    let faults: Vec<&'static Fault> = parts.into_iter().map(fault).collect::<Result<_, _>>()?;
    contradiction(&faults).map_or_else(|| Ok(compose(&faults)), Err)
}

fn fault(id: &str) -> Result<&'static Fault, LoaderError> {
    Fault::find(id).ok_or_else(|| LoaderError::Unknown(id.to_owned()))
}

/// The first two faults that cannot be in one loader.
fn contradiction(faults: &[&'static Fault]) -> Option<LoaderError> {
    let pairs = (1..faults.len()).flat_map(|i| faults[..i].iter().map(move |a| (*a, faults[i])));
    pairs.into_iter().find_map(|(a, b)| {
        if a.id() == b.id() {
            return Some(LoaderError::Twice(a.id()));
        }
        let decision = a.overridden().find(|name| b.overridden().any(|its| its == *name))?;
        Some(LoaderError::Contradiction(a.id(), b.id(), decision))
    })
}

/// A loader with the defects of all of them, no two of which override the same decision.
fn compose(faults: &[&'static Fault]) -> &'static dyn Loader {
    let mut loader = ComposedLoader::new(ids(faults), compiler(faults));
    for fault in faults {
        for &decision in fault.decisions {
            loader.ask(decision, fault.loader);
        }
    }
    Box::leak(Box::new(loader))
}

/// Their compiler: the right one if none has one of its own.
fn compiler(faults: &[&'static Fault]) -> &'static dyn Compiler {
    let compiling: Vec<&'static Fault> =
        faults.iter().copied().filter(|fault| !fault.compiler_decisions.is_empty()).collect();
    match compiling[..] {
        [] => &FixedCompiler,
        [fault] => fault.loader.compiler(),
        _ => {
            let mut compiler = ComposedCompiler::new(ids(&compiling));
            for fault in compiling {
                for &decision in fault.compiler_decisions {
                    compiler.ask(decision, fault.loader.compiler());
                }
            }
            Box::leak(Box::new(compiler))
        }
    }
}

fn ids(faults: &[&'static Fault]) -> &'static str {
    let ids: Vec<&str> = faults.iter().map(|fault| fault.id()).collect();
    ids.join(&AND.to_string()).leak()
}
