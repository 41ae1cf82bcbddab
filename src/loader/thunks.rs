//! The string-thunk registry (`vm/pregeneratedstringthunks.cpp`).
//!
//! Images register their thunks by key; the first registration wins, across
//! all images. A method that needs a thunk nobody has registered yet waits on
//! the pending list, which is replayed when a later image brings thunks.

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::callee::Callee;
use super::{Vm, VmProcess, entry};
use crate::engine::Trap;
use crate::image::words::TableIndex;

/// Key to table index, and who waits.
#[derive(Debug)]
pub struct Registry {
    thunks: FxHashMap<Box<str>, TableIndex>,
    pending: Vec<Callee>,
}

impl Default for Registry {
    fn default() -> Self {
        // Room for what a small program brings, so that most need no more.
        let thunks = FxHashMap::with_capacity_and_hasher(64, FxBuildHasher);
        Self { thunks, pending: Vec::new() }
    }
}

impl Registry {
    /// Registers a thunk unless its key is taken.
    pub fn register(&mut self, key: &str, index: TableIndex) {
        if !self.thunks.contains_key(key) {
            self.thunks.insert(key.into(), index);
        }
    }

    /// A callee is no more.
    // mutants: whether a method has memory of its own or a dead one's: addresses are not compared
    pub fn forget(&mut self, callee: Callee) {
        self.pending.retain(|waiting| *waiting != callee);
    }

    /// The thunk for a key, prefix included.
    pub fn find(&self, key: &str) -> Option<TableIndex> {
        self.thunks.get(key).copied()
    }
}

/// Queues a method (`AddPendingPortableEntryPointThunk`).
pub fn add_pending(vm: &mut Vm, callee: Callee) {
    if !vm.thunks.pending.contains(&callee) {
        vm.thunks.pending.push(callee);
    }
}

/// Tries again for every queued method (`ResolvePendingPortableEntryPointThunksGlobal`).
pub fn resolve_pending(process: &mut VmProcess<'_>) -> Result<(), Trap> {
    if !process.vm().replays_pending() {
        return Ok(());
    }
    for callee in std::mem::take(&mut process.vm().thunks.pending) {
        entry::ensure_callable_from_r2r(process, callee)?;
    }
    Ok(())
}
