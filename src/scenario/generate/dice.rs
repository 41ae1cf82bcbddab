//! Choices by random bytes that never fail.

use arbitrary::Unstructured;

use super::super::meaning::mix;
use crate::index::{Id, IndexVec};
use crate::random::weighted;

/// Random bytes, and what follows when they are used up.
pub(super) struct Dice<'d, 'b> {
    bytes: &'d mut Unstructured<'b>,
    words: u64,
}

impl<'d, 'b> Dice<'d, 'b> {
    pub(super) fn new(bytes: &'d mut Unstructured<'b>) -> Self {
        Dice { bytes, words: 0 }
    }

    /// A number below `end`; 0 without bytes, or if `end` is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let last = u16::try_from(end.saturating_sub(1)).unwrap_or(u16::MAX);
        self.bytes.int_in_range(0..=last).map_or(0, usize::from)
    }

    /// True in so many of a hundred cases; true without bytes.
    pub(super) fn percent(&mut self, share: u32) -> bool {
        self.below(100) < share as usize
    }

    /// True in so many of a hundred cases; false without bytes.
    pub(super) fn rarely(&mut self, share: u32) -> bool {
        !self.percent(100 - share)
    }

    /// A row of a weighted table; the first one without bytes.
    pub(super) fn weighted<T: Copy>(&mut self, table: &[(T, u32)]) -> T {
        weighted(table, |total| self.below(total))
    }

    /// One of these, if there is any.
    pub(super) fn one_of<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        items.get(self.below(items.len())).copied()
    }

    /// The id of one of these; the first one's if there is none.
    pub(super) fn id_of<I: Id, T>(&mut self, items: &IndexVec<I, T>) -> I {
        I::from(self.below(items.len()))
    }

    /// A word of 64 mixed bits. Two bytes choose it, and its place in the
    /// sequence: without bytes all words still differ.
    pub(super) fn word(&mut self) -> u64 {
        self.words += 1;
        let chosen: u16 = self.bytes.arbitrary().unwrap_or(0);
        mix(self.words, u64::from(chosen))
    }
}
