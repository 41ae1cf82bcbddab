//! dotnet/runtime#130841: a finalizer's slot is cold.

use super::{Family, Fault};
use crate::loader::Loader;
use crate::loader::decisions::EnsureSite;
use crate::verdict::Class;

pub(super) static FAULT: Fault = Fault {
    loader: &Finalizer,
    family: Family::C1,
    class: Class::NullSlot,
    upstream: &[130839, 130841],
    title: "a finalizer's slot is cold",
};

/// `RunFinalizers` reads the Finalize slot of an object's MethodTable and calls through it.
/// Upstream saw `_pActualCode == 0` and flags 4 in an override that had never run. The
/// pull request lists every place that must make an entry point callable first.
#[derive(Debug)]
struct Finalizer;

impl Loader for Finalizer {
    fn id(&self) -> &'static str {
        "pr-130841"
    }

    fn ensures(&self, site: EnsureSite) -> bool {
        site != EnsureSite::Finalizer
    }
}
