//! Scenarios that reached something new, in memory and in a directory.

use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHasher;

use super::CampaignError;
use super::weights::{CORPUS, TOURNAMENT};
use crate::files;
use crate::random::Dice;
use crate::replay::{self, ReadError};
use crate::scenario::{Layout, Scenario, binary};

/// The scenarios that rounds start from.
#[derive(Debug, Default)]
pub struct Corpus {
    entries: Vec<Entry>,
    /// Where new ones are written.
    directory: Option<PathBuf>,
}

/// A scenario of the corpus.
#[derive(Debug)]
struct Entry {
    scenario: Arc<Scenario>,
    layout: u64,
    energy: u8,
    rounds: u32,
}

/// A number for a layout, the same for equal ones.
pub fn layout_number(layout: &Layout) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(layout)
}

/// The scenarios of a corpus directory, sorted by name, and an error for each file that is
/// none. The directory is made if it is not there.
///
/// # Errors
/// When it cannot be made or read.
pub fn load(directory: &Path) -> Result<(Vec<Arc<Scenario>>, Vec<ReadError>), CampaignError> {
    let failed = CampaignError::at(directory);
    fs::create_dir_all(directory).map_err(&failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_none() {
        return Ok((Vec::new(), Vec::new()));
    }
    let found = replay::collect(&[directory.to_owned()]);
    Ok((found.cases.into_iter().map(|case| case.scenario).collect(), found.errors))
}

impl Corpus {
    /// Where [`save`](Self::save) writes.
    pub fn grow_in(&mut self, directory: &Path) {
        self.directory = Some(directory.to_owned());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes a scenario, if there is a directory.
    ///
    /// # Errors
    /// The operating system's.
    pub fn save(&self, scenario: &Scenario) -> io::Result<()> {
        self.directory.as_ref().map_or(Ok(()), |directory| save(directory, scenario))
    }

    /// Adds a scenario. When there are too many, one without energy makes room.
    pub fn add(&mut self, scenario: Arc<Scenario>, energy: u8) {
        let layout = layout_number(&scenario.layout);
        let entry = Entry { scenario, layout, energy, rounds: 0 };
        if self.entries.len() < CORPUS {
            self.entries.push(entry);
        } else if let Some(tired) = self.entries.iter_mut().min_by_key(|e| (e.energy, !e.rounds)) {
            *tired = entry;
        }
    }

    /// Chooses a scenario with high energy and few rounds, among those of some layouts if there are
    /// any.
    pub fn choose(&self, dice: &mut Dice, layouts: Option<&[u64]>) -> Option<usize> {
        let warm: Vec<usize> = match layouts {
            Some(layouts) => (0..self.entries.len())
                .filter(|&i| layouts.contains(&self.entries[i].layout))
                .collect(),
            None => Vec::new(),
        };
        let draw = |dice: &mut Dice| match warm.len() {
            0 => dice.below(self.entries.len()),
            count => warm[dice.below(count)],
        };
        if self.entries.is_empty() {
            return None;
        }
        (0..TOURNAMENT)
            .map(|_| draw(dice))
            .max_by_key(|&i| (self.entries[i].energy, !self.entries[i].rounds))
    }

    /// The scenario at this position.
    pub fn scenario(&self, index: usize) -> &Arc<Scenario> {
        &self.entries[index].scenario
    }

    /// Notes a round that started from a scenario, unless it has been replaced meanwhile.
    pub fn settle(&mut self, index: usize, scenario: &Arc<Scenario>, has_news: bool) {
        let entry = &mut self.entries[index];
        if Arc::ptr_eq(&entry.scenario, scenario) {
            entry.rounds += 1;
            let (more, less) = (entry.energy.max(2), entry.energy.saturating_sub(1));
            entry.energy = if has_news { more } else { less };
        }
    }
}

/// Writes a scenario under a name that its content gives.
fn save(directory: &Path, scenario: &Scenario) -> io::Result<()> {
    let bytes = binary::encode(scenario);
    let name = bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        crate::scenario::meaning::mix(hash, u64::from_le_bytes(word))
    });
    files::write(&directory.join(format!("{name:016x}.clpr")), &bytes)
}
