//! The decisions of the loader that a fault can get wrong.
//!
//! Each method of [`Loader`] is one decision point with the right behaviour
//! as its default; [`Fixed`] overrides none. A fault overrides one, so that the
//! difference between right and wrong is the fault's file.

use std::fmt::Debug;

use super::entry;
use super::words::FunctionPointer;
use crate::engine::{Process, Trap};
use crate::scenario::MethodId;

/// A loader: the fixed one, or one with a defect put back.
pub trait Loader: Debug + Send + Sync {
    /// The name that `--loader` takes.
    fn id(&self) -> &'static str;

    /// What a `MethodEntry` fixup hands out for an `[UnmanagedCallersOnly]`
    /// method when the caller said that it may be one
    /// (`jitinterface.cpp` `LoadDynamicInfoEntry`, `method.cpp`
    /// `TryGetMultiCallableAddrOfCode`).
    ///
    /// The right answer, as #129857 proposes it: the method's own unmanaged
    /// table index, published apart from `_pActualCode`, whatever was touched first.
    fn uco_method_entry(
        &self,
        process: &mut dyn Process,
        method: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        entry::publish_unmanaged_entry(process, method).map(FunctionPointer::from)
    }
}

/// The repaired loader: every decision is the right one.
#[derive(Debug)]
pub struct Fixed;

impl Loader for Fixed {
    fn id(&self) -> &'static str {
        "fixed"
    }
}
