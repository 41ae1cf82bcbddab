//! Random numbers that a seed decides.
//!
//! A seed must give the same numbers in every version and on every machine: findings and the
//! scoreboard are told by their seeds. A crate's generator may change with its version, and these
//! are three lines each. There are three because each has a sequence that something depends on.

/// A sequence that can be joined at any place: word *n* is the seed mixed with *n*, from 1.
///
/// Campaigns and crossover choose by it.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The sequence of one of the lanes that a seed has, each another one.
    pub fn in_lane(seed: u64, lane: u64) -> Self {
        Self::new(mix(seed, lane))
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

    /// Random bytes for a generator: 8 to `most`, in the buffer.
    pub fn bytes<'a>(&mut self, buffer: &'a mut Vec<u8>, most: usize) -> &'a [u8] {
        let words = 1 + self.below(most / 8);
        buffer.clear();
        buffer.extend((0..words).flat_map(|_| self.word().to_le_bytes()));
        buffer
    }
}

/// Sebastiano Vigna's SplitMix64, for the programs that engines are compared by.
#[cfg(test)]
#[derive(Clone, Debug)]
pub struct SplitMix(pub u64);

#[cfg(test)]
impl SplitMix {
    /// Any word.
    pub fn word(&mut self) -> u64 {
        let word = mix(self.0, 0);
        self.0 = self.0.wrapping_add(STEP);
        word
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u32) -> u32 {
        (self.word() % u64::from(end)) as u32
    }

    /// One of these, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }
}

/// George Marsaglia's xorshift64, always from the same seed, for hostile inputs.
#[derive(Clone, Debug)]
pub struct XorShift(u64);

impl XorShift {
    /// Any word but 0.
    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

impl Default for XorShift {
    fn default() -> Self {
        Self(STEP)
    }
}

/// A row of a weighted table, by a number below the sum of its weights that `below` draws.
pub(crate) fn weighted<T: Copy>(table: &[(T, u32)], below: impl FnOnce(usize) -> usize) -> T {
    let total: u32 = table.iter().map(|&(_, weight)| weight).sum();
    let mut left = below(total as usize) as u32;
    for &(row, weight) in table {
        if left < weight {
            return row;
        }
        left -= weight;
    }
    table[0].0
}

/// The golden ratio's fraction, by which SplitMix64 goes on.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser. A scenario's meaning has the same function, as a definition that
/// programs in other languages repeat.
fn mix(seed: u64, word: u64) -> u64 {
    let z = (seed ^ word).wrapping_add(STEP);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What campaigns with a seed find, and which programs and inputs tests try, depends on these.
    #[test]
    fn sequences_stay_as_they_are() {
        let (mut dice, mut lane) = (Dice::new(7), Dice::in_lane(7, 1));
        let (mut split_mix, mut xor_shift) = (SplitMix(7), XorShift::default());
        assert_eq!(
            [dice.word(), dice.word(), dice.word()],
            [0xbd64_a5d9_adef_e000, 0x6303_3b0c_a389_c35a, 0x6e73_e372_e233_8aca]
        );
        assert_eq!(
            [lane.word(), lane.word(), lane.word()],
            [0x3b5b_26b4_abed_c4ab, 0x4237_a475_5575_8e0f, 0xa47a_da4e_6e05_4708]
        );
        assert_eq!(
            [split_mix.word(), split_mix.word(), split_mix.word()],
            [0x63cb_e1e4_5932_0dd7, 0x044c_3cd7_f43c_661c, 0xe698_4080_bab1_2a02]
        );
        assert_eq!(
            [xor_shift.word(), xor_shift.word(), xor_shift.word()],
            [0xdc1b_77ae_0bf3_4dad, 0x64f0_eeb9_026e_6076, 0x7b07_ce91_e590_6136]
        );
    }
}
