//! What more than one of the tests needs.

mod finished;

use std::path::Path;

use crate::engine::Trap;
use crate::image::words::FunctionPointer;
use crate::loader::{Loader, Vm, VmProcess};
use crate::replay::{Case, DEFAULT_PATH, ReplayOutcome, collect};
use crate::report;
use crate::scenario::MethodId;

pub use finished::{Finished, run, run_altered, run_text};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The regression corpus, in which every file is a scenario.
pub fn corpus() -> Vec<Case> {
    let found = collect(&[root().join(DEFAULT_PATH)]);
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    found.cases
}

/// What a replay printed, if anything in it is a surprise.
pub fn complaint(outcomes: &[ReplayOutcome]) -> Option<String> {
    let mut out = Vec::new();
    report::text(&mut out, outcomes, &[], false).expect("memory can be written");
    (report::surprises(outcomes) > 0).then(|| String::from_utf8_lossy(&out).into_owned())
}

/// A loader that hands out for a UCO method whatever the function says.
#[derive(Debug)]
pub struct HandsOut(pub fn(&Vm) -> u32);

impl Loader for HandsOut {
    fn id(&self) -> &'static str {
        "hands-out"
    }

    fn uco_method_entry(
        &self,
        process: &mut VmProcess<'_>,
        _: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        Ok(FunctionPointer::new((self.0)(process.vm())))
    }
}
