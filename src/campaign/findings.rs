//! Findings, each fingerprint once, in memory and in a directory.
//!
//! A finding's folder is named for its fingerprint and holds
//!
//! | file | |
//! |---|---|
//! | `scenario.toml` | the shrunk scenario; under a fault it promises in `shows` what it shows |
//! | `account.txt` | what happened in it, and the command that replays it |
//! | `finding.json` | class, fingerprint, loader, engine, hits and that command, for programs |

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shrink::Target;
use crate::engine::EngineKind;
use crate::files;
use crate::loader::Loader;
use crate::scenario::{Scenario, text};

/// One finding, told once however often it occurs.
#[derive(Clone, Debug)]
pub struct Found {
    /// Class, fingerprint and engine.
    pub target: Target,
    /// The shrunk scenario.
    pub scenario: Arc<Scenario>,
    /// What a person needs to act on it.
    pub account: String,
    /// Runs that had it.
    pub hits: u64,
    /// Runs of the campaign until it was found.
    pub first_run: u64,
}

/// The findings of a campaign, by fingerprint.
#[derive(Debug)]
pub struct Findings {
    loader: &'static dyn Loader,
    engines: Vec<EngineKind>,
    directory: Option<PathBuf>,
    /// `None` while it is being shrunk.
    found: BTreeMap<String, Option<Found>>,
}

/// What `finding.json` holds.
#[derive(Serialize, Deserialize)]
struct Card {
    class: String,
    fingerprint: String,
    loader: String,
    engine: String,
    hits: u64,
    methods: usize,
    events: usize,
    replay: String,
}

impl Findings {
    /// No findings yet.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn new(
        loader: &'static dyn Loader,
        engines: &[EngineKind],
        directory: Option<&Path>,
    ) -> io::Result<Self> {
        if let Some(directory) = directory {
            fs::create_dir_all(directory)?;
        }
        let directory = directory.map(Path::to_owned);
        Ok(Self { loader, engines: engines.to_vec(), directory, found: BTreeMap::new() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.values().flatten().count()
    }

    /// Whether nobody else has this fingerprint; who asks first must [add](Self::add) it.
    pub fn claim(&mut self, fingerprint: &str) -> bool {
        let new = !self.found.contains_key(fingerprint);
        if new {
            self.found.insert(fingerprint.to_owned(), None);
        }
        new
    }

    /// Adds a finding that was claimed, and writes its folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, mut found: Found) -> io::Result<()> {
        if let Some(folder) = self.folder(&found) {
            // An earlier campaign found it as well.
            found.hits += card(&folder).map_or(0, |card| card.hits);
            fs::create_dir_all(&folder)?;
            let scenario = text::print(&found.scenario);
            files::write(&folder.join(SCENARIO), scenario.as_bytes())?;
            let command = self.command(&found);
            let account = found.account.trim_end();
            let account = format!(
                "{account}

Replay, in this folder:
  {command}
"
            );
            files::write(&folder.join("account.txt"), account.as_bytes())?;
            self.write_card(&folder, &found)?;
        }
        self.found.insert(found.target.fingerprint.clone(), Some(found));
        Ok(())
    }

    /// Counts more runs that had a finding.
    pub fn hit(&mut self, fingerprint: &str, more: u64) {
        if let Some(Some(found)) = self.found.get_mut(fingerprint) {
            found.hits += more;
        }
    }

    /// Brings the hit counts in the directory up to date.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_hits(&self) -> io::Result<()> {
        for found in self.found.values().flatten() {
            if let Some(folder) = self.folder(found) {
                self.write_card(&folder, found)?;
            }
        }
        Ok(())
    }

    /// Everything that was found, by fingerprint, with where it was written.
    pub fn into_list(self) -> Vec<(Found, Option<PathBuf>)> {
        let with_folder = |found: &Found| (found.clone(), self.folder(found));
        self.found.values().flatten().map(with_folder).collect()
    }

    fn write_card(&self, folder: &Path, found: &Found) -> io::Result<()> {
        let card = Card {
            class: found.target.class.to_string(),
            fingerprint: found.target.fingerprint.clone(),
            loader: self.loader.id().to_owned(),
            engine: found.target.engine.to_owned(),
            hits: found.hits,
            methods: found.scenario.layout.methods.len(),
            events: found.scenario.script.len(),
            replay: self.command(found),
        };
        let mut json = serde_json::to_string_pretty(&card).map_err(io::Error::other)?;
        json.push('\n');
        files::write(&folder.join(CARD), json.as_bytes())
    }

    /// The folder of a finding. One of another loader's with the same fingerprint keeps its own.
    fn folder(&self, found: &Found) -> Option<PathBuf> {
        let name = file_name(&found.target.fingerprint);
        let folder = self.directory.as_ref()?.join(&name);
        let loader = self.loader.id();
        let taken = card(&folder).is_some_and(|card| card.loader != loader);
        Some(if taken { folder.with_file_name(format!("{name}@{loader}")) } else { folder })
    }

    /// What replays it, said the same wherever the folder is.
    fn command(&self, found: &Found) -> String {
        let engines = found.target.engines(&self.engines);
        let engines: Vec<&str> = engines.iter().map(|kind| kind.name()).collect();
        let (loader, engines) = (self.loader.id(), engines.join(","));
        format!("calliper replay --loader {loader} --engine {engines} --explain {SCENARIO}")
    }
}

const SCENARIO: &str = "scenario.toml";
const CARD: &str = "finding.json";

/// A fingerprint as a folder's name.
fn file_name(fingerprint: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    fingerprint.chars().map(plain).collect()
}

/// What a folder says of its finding, if it is one's.
fn card(folder: &Path) -> Option<Card> {
    serde_json::from_slice(&fs::read(folder.join(CARD)).ok()?).ok()
}
