//! What of a process cannot be taken back.

use super::load::Load;
use crate::image::HOST_SLOTS;

/// How long a process's table has become, and the images that it holds, in the order of loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Slots of the table.
    pub table_len: u32,
    /// Images.
    pub loads: Vec<Load>,
}

impl Shape {
    /// Before the first image is loaded.
    pub fn new() -> Self {
        Self { table_len: HOST_SLOTS, loads: Vec::new() }
    }

    /// Back to [`Shape::new`], keeping the allocation.
    pub fn clear(&mut self) {
        self.table_len = HOST_SLOTS;
        self.loads.clear();
    }

    /// Becomes `other`, keeping the allocation.
    pub fn set(&mut self, other: &Shape) {
        self.table_len = other.table_len;
        self.loads.clone_from(&other.loads);
    }

    /// Can a process of this shape become one of shape `later` by loading more?
    pub fn leads_to(&self, later: &Shape) -> bool {
        self.table_len <= later.table_len && later.loads.starts_with(&self.loads)
    }
}
