//! Domain coverage: which ways of reaching a method have been tried.
//!
//! A [`Cell`] is one way: who does what (the call path), to what kind of
//! callee, in which state its entry point was just before, with what shape of signature,
//! and what had happened to the callee first. The last three are what the bugs of this
//! family depend on: the same call is right with a warm entry point and wrong with a cold one.
//!
//! Every cell has a fixed number, the same in every run of this version, so that
//! counters can be kept in a dense [`Map`]. States are read off the loader's
//! [trace](crate::loader::trace), which costs nothing while a scenario runs.

pub mod cell;
mod reader;

pub use cell::Cell;
pub use reader::Reader;

use std::sync::OnceLock;

/// A counter for every cell.
#[derive(Clone, Debug)]
pub struct Map {
    counters: Vec<u32>,
    covered: usize,
    possible: usize,
}

impl Default for Map {
    fn default() -> Self {
        static POSSIBLE: OnceLock<usize> = OnceLock::new();
        let count = || Cell::all().filter(|cell| cell.is_possible()).count();
        let possible = *POSSIBLE.get_or_init(count);
        Map { counters: vec![0; Cell::COUNT], covered: 0, possible }
    }
}

impl Map {
    /// Counts cells by their numbers; how many of them were new.
    pub fn add(&mut self, cells: &[u32]) -> usize {
        let before = self.covered;
        for &cell in cells {
            let counter = &mut self.counters[cell as usize];
            self.covered += usize::from(*counter == 0);
            *counter = counter.saturating_add(1);
        }
        self.covered - before
    }

    /// How often the cell of this number was seen.
    pub fn count(&self, number: usize) -> u32 {
        self.counters[number]
    }

    /// Cells that were seen. A faulty loader also gets to impossible ones.
    pub fn covered(&self) -> usize {
        self.covered
    }

    /// Cells that a right loader may get to.
    pub fn possible(&self) -> usize {
        self.possible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_cells_are_possible_and_some_are_not() {
        let possible = Map::default().possible();
        assert!((500..Cell::COUNT / 8).contains(&possible), "{possible} of {}", Cell::COUNT);
    }

    #[test]
    fn a_map_counts_each_cell_once() {
        let mut map = Map::default();
        assert_eq!(map.add(&[3, 5, 3]), 2);
        assert_eq!((map.covered(), map.count(3), map.count(5)), (2, 2, 1));
        assert_eq!(map.add(&[5, 7]), 1);
        assert_eq!((map.covered(), map.count(5)), (3, 2));
    }
}
