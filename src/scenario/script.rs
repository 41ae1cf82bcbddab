//! What happens, in order, in the program that a layout describes.

use mutatis::Mutate;
use serde::{Deserialize, Serialize};

use super::layout::{AssemblyId, MethodId, SiteId};

/// Position of a pointer variable in [`Scenario::variables`](super::Scenario::variables).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Mutate,
)]
pub struct VariableId(pub u16);

impl VariableId {
    /// The position in the scenario's list, for indexing.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// One step of the script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Event {
    /// The host fetches and instantiates the assembly's image, and the loader
    /// relocates and registers it.
    Load(AssemblyId),
    /// The prestub runs for the method: R2R code if there is any, else byte code.
    Prepare(MethodId),
    /// Managed code of the VM makes the method's portable entry point callable
    /// from R2R code without saying that it may be `[UnmanagedCallersOnly]`
    /// (`MethodDesc::EnsurePortableEntryPointIsCallableFromR2R`).
    Touch(MethodId),
    /// An `ldftn` site runs and stores what it got in a variable.
    Take {
        /// A site with [`Action::Ldftn`](super::Action::Ldftn).
        site: SiteId,
        /// Where the pointer goes.
        into: VariableId,
    },
    /// A call site runs.
    Call(Call),
}

/// One execution of a call site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Call {
    /// Any site but an `ldftn`.
    pub site: SiteId,
    /// For a `calli`: the variable that holds the function pointer.
    pub pointer: Option<VariableId>,
    /// For an instance method: the receiver, an opaque object reference.
    pub this: Option<u32>,
    /// One word a parameter; [`meaning`](super::meaning) says which bytes it stands for.
    pub args: Vec<u64>,
}
