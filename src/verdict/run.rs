//! What is judged: a run that has come to its end.

use crate::loader::Vm;

/// A finished run: the VM with all that it observed, and the memory that it left.
#[derive(Debug)]
pub struct Run<'a> {
    /// The VM, out of its process.
    pub vm: &'a Vm,
    /// Linear memory at the end.
    pub memory: &'a [u8],
}
