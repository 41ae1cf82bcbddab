//! A campaign's own choices, by a seed.

use crate::scenario::generate::weighted;
use crate::scenario::meaning::mix;

/// A sequence of choices that a seed decides, the same in every version and on every machine.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    /// The sequence of a seed. Each `lane` of a seed is another one.
    pub fn new(seed: u64, lane: u64) -> Self {
        Self { seed: mix(seed, lane), drawn: 0 }
    }

    /// Any word.
    pub fn word(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed, self.drawn)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.word() % (end as u64).max(1)) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: u64) -> bool {
        self.word() % 100 < share
    }

    /// A row of a weighted table.
    pub fn weighted<T: Copy>(&mut self, table: &[(T, u32)]) -> T {
        weighted(table, |total| self.below(total))
    }

    /// Random bytes for a generator: up to `most`, in the buffer.
    pub fn bytes<'a>(&mut self, buffer: &'a mut Vec<u8>, most: usize) -> &'a [u8] {
        let words = 1 + self.below(most / 8);
        buffer.clear();
        buffer.extend((0..words).flat_map(|_| self.word().to_le_bytes()));
        buffer
    }
}
