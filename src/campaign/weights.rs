//! How a campaign spends its runs: every number that shapes it.
//!
//! A *round* is a number of runs in one layout, so that modules are compiled once for all of them.
//! What the first run of a round is comes from an [`Origin`]; the others are mutations of its script.

/// Where a round's scenario comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Kept,
    Fresh,
    /// The corpus, with another layout.
    Mutated,
    /// Two of the corpus.
    Crossed,
}

/// How often each source. An empty corpus has nothing but fresh ones.
pub const SOURCES: [(Origin, u32); 4] =
    [(Origin::Kept, 45), (Origin::Fresh, 30), (Origin::Mutated, 18), (Origin::Crossed, 7)];

/// How a job's rounds become what they are in the long run: at the start other layouts teach more
/// than other scripts.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// The first so many rounds are all fresh.
    pub fresh: u64,
    /// They begin with one run, and grow by one in so many rounds.
    pub growth: u64,
    /// Runs in a round after them, and the most in one of them.
    pub most: u64,
}

/// Without guidance: each run has a layout of its own.
pub const UNGUIDED: Rounds = Rounds { fresh: u64::MAX, growth: 1, most: 1 };
/// Where no engine compiles anything.
pub const EMITTED: Rounds = Rounds { fresh: 4000, growth: 1000, most: 32 };
/// Where an engine compiles, which takes as long as hundreds of runs.
pub const COMPILED: Rounds = Rounds { fresh: 64, growth: 1, most: 256 };

/// Candidates for a round in another layout that are tried on paper, where an engine compiles.
pub const CANDIDATES: usize = 64;

/// Percentage of rounds of mutations that take events from another scenario of the corpus.
pub const DONOR: u64 = 50;
/// Percentage of rounds from the corpus that stay with layouts that were used lately, where an
/// engine compiles.
pub const WARM: u64 = 85;
/// Layouts that were used lately. Engines keep the modules of a few more.
pub const WARM_LAYOUTS: usize = 40;

/// Energy of a scenario that has just come to the corpus. It loses one with each round
/// that brings nothing new.
pub const ENERGY: u8 = 8;
/// Energy of one that has a finding: it mostly ends early.
pub const ENERGY_OF_FINDING: u8 = 1;
/// Scenarios that are looked at to choose one with high energy.
pub const TOURNAMENT: usize = 3;

/// The most scenarios of the corpus that are in memory; more than there are reachable cells.
pub const CORPUS: usize = 16384;
/// Bytes that a fresh scenario is made from, at most.
pub const FRESH_BYTES: usize = 1024;
