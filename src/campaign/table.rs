//! How a campaign spends its runs: every number that shapes it.
//!
//! A *round* is a number of runs in one layout, so that modules are compiled once for all of them.
//! What the first run of a round is comes from a [`Source`]; the others are
//! mutations of its script.

/// Where a round's scenario comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The corpus.
    Kept,
    /// The generator.
    Fresh,
    /// The corpus, with another layout.
    Mutated,
    /// Two of the corpus.
    Crossed,
}

/// How often each source. An empty corpus has nothing but fresh ones.
pub const SOURCES: [(Source, u32); 4] =
    [(Source::Kept, 45), (Source::Fresh, 30), (Source::Mutated, 18), (Source::Crossed, 7)];

/// Runs in a round where no engine compiles anything.
pub const ROUND: u64 = 32;
/// Runs in a round where an engine compiles, which takes as long as hundreds of runs.
pub const COMPILED_ROUND: u64 = 256;

/// A job's rounds begin with one run, and grow by one in so many rounds up to the number above: at
/// the start other layouts teach more than other scripts.
pub const GROWTH: u64 = 64;
/// The same where an engine compiles.
pub const COMPILED_GROWTH: u64 = 1;
/// A job's first rounds that are all fresh.
pub const FRESH_ROUNDS: u64 = 200;

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
