//! The in-house fuzzing campaign: guided, on all cores, with a stable compiler and no sanitizer.
//!
//! Each worker runs *rounds*: a scenario from the generator, or from the
//! [corpus] of those that reached a new [coverage] cell, and then mutations of its script. Where an
//! engine compiles, which takes as long as hundreds of runs on paper, a round in another layout
//! tries several on paper, keeps all that reach something new, and compiles one.
//! [`weights`] says how often which. A [finding](findings) is [shrunk](shrink) where it
//! is found, and told once. With one job, everything follows from the seed.

pub mod corpus;
pub mod coverage;
mod error;
pub mod findings;
pub mod milestones;
pub mod score;
pub mod shrink;
mod watch;
pub mod weights;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::loader::Loader;
use crate::replay::{ReadError, STACK_SIZE};
use crate::scenario::Scenario;

use corpus::Corpus;
use coverage::Map;
use findings::{Findings, Found};
use milestones::Milestones;
use worker::{Shared, Worker, lock};

pub use error::CampaignError;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);
/// How often hit counts are written.
const HITS: Duration = Duration::from_secs(5);

/// What guides a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guidance {
    /// Coverage: scenarios that reach something new are mutated.
    #[default]
    Coverage,
    /// Nothing: every scenario comes from the generator. A baseline.
    None,
}

/// What a campaign is to do.
#[derive(Clone, Debug)]
pub struct CampaignPlan {
    /// Under which loader.
    pub loader: &'static dyn Loader,
    /// On which engines.
    pub engines: Vec<EngineKind>,
    /// What decides every choice.
    pub seed: u64,
    /// Threads.
    pub jobs: usize,
    /// The most runs.
    pub runs: Option<u64>,
    /// The most time.
    pub time: Option<Duration>,
    /// A directory of scenarios to start from and to add to.
    pub corpus: Option<PathBuf>,
    /// A directory for findings.
    pub out: Option<PathBuf>,
    /// What guides it.
    pub guidance: Guidance,
    /// Whether compiled modules are kept from run to run. Only a baseline would not.
    pub keep_modules: bool,
    /// Ends the campaign when its first job has a finding of this fault's class, which is not
    /// shrunk, and marks its milestones.
    pub until: Option<&'static Fault>,
}

impl CampaignPlan {
    /// One job on paper without an end, with seed 0, and nothing written.
    pub fn new(loader: &'static dyn Loader) -> Self {
        CampaignPlan {
            loader,
            engines: vec![EngineKind::PAPER],
            seed: 0,
            jobs: 1,
            runs: None,
            time: None,
            corpus: None,
            out: None,
            guidance: Guidance::Coverage,
            keep_modules: true,
            until: None,
        }
    }
}

/// How a campaign is getting on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignStatus {
    /// Since the start.
    pub elapsed: Duration,
    /// Scenarios that were run.
    pub runs: u64,
    /// How often modules were made for a run, because none were kept.
    pub made: u64,
    /// Runs that no trap ended.
    pub completed: u64,
    /// Events of all scenarios that were run.
    pub events: u64,
    /// Further scenarios that were run on paper alone, to find layouts worth compiling.
    pub screened: u64,
    /// Cells that were reached.
    pub covered: usize,
    /// Cells that a right loader can get to.
    pub possible: usize,
    /// Scenarios in the corpus.
    pub corpus: usize,
    /// Findings.
    pub findings: usize,
    /// Since a new cell was reached.
    pub since_news: Duration,
}

impl CampaignStatus {
    fn of(shared: &Shared, started: Instant) -> CampaignStatus {
        CampaignStatus {
            elapsed: started.elapsed(),
            runs: shared.runs,
            made: shared.made,
            completed: shared.completed,
            events: shared.events,
            screened: shared.screened,
            covered: shared.map.covered(),
            possible: shared.map.possible(),
            corpus: shared.corpus.len(),
            findings: shared.findings.len(),
            since_news: shared.news.elapsed(),
        }
    }

    /// The share of runs that found their modules made.
    pub fn cache_hit_rate(&self) -> f64 {
        1.0 - self.made as f64 / self.runs.max(1) as f64
    }

    /// Scenarios a second.
    pub fn rate(&self) -> f64 {
        self.runs as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// What a campaign came to.
#[derive(Debug)]
pub struct CampaignOutcome {
    /// At the end.
    pub status: CampaignStatus,
    /// Everything that was found, by fingerprint, with its folder.
    pub findings: Vec<(Found, Option<PathBuf>)>,
    /// What was reached.
    pub map: Map,
    /// What came when, if the plan says until when.
    pub milestones: Milestones,
    /// For each file of the corpus that could not be used, why.
    pub errors: Vec<ReadError>,
}

/// Runs a campaign until its plan is fulfilled or `stop` is set. `progress` is told how it
/// is getting on, several times a second.
///
/// # Errors
/// When a directory cannot be used.
pub fn run(
    plan: &CampaignPlan,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&CampaignStatus),
) -> Result<CampaignOutcome, CampaignError> {
    let (seeds, errors) = match &plan.corpus {
        Some(directory) => corpus::load(directory)?,
        None => (Vec::new(), Vec::new()),
    };
    let shared = Mutex::new(shared(plan)?);
    let started = Instant::now();
    let deadline = plan.time.and_then(|time| started.checked_add(time));
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel::<()>();
        for number in 0..plan.jobs.max(1) {
            let sender = sender.clone();
            let shared = &shared;
            let seeds = share(&seeds, number, plan.jobs.max(1));
            thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, move || {
                    // Dropped when the work ends, however it does.
                    let _sender = sender;
                    Worker::new(plan, shared, stop, deadline, number as u64).work(&seeds);
                })
                .expect("a thread for each job can be started");
        }
        drop(sender);
        watch(&shared, started, &receiver, progress);
    });
    let shared = shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    finish(shared, started, errors)
}

/// Every `jobs`-th seed.
fn share(seeds: &[Arc<Scenario>], number: usize, jobs: usize) -> Vec<Arc<Scenario>> {
    seeds.iter().skip(number).step_by(jobs).cloned().collect()
}

fn shared(plan: &CampaignPlan) -> Result<Shared, CampaignError> {
    let mut corpus = Corpus::default();
    if let Some(directory) = &plan.corpus {
        corpus.grow_in(directory);
    }
    let findings = Findings::new(plan.loader, &plan.engines, plan.out.as_deref());
    let findings =
        findings.map_err(CampaignError::at(plan.out.as_deref().unwrap_or(Path::new(""))))?;
    Ok(Shared {
        corpus,
        map: Map::default(),
        findings,
        runs: 0,
        made: 0,
        completed: 0,
        events: 0,
        screened: 0,
        left: plan.runs.unwrap_or(u64::MAX),
        news: Instant::now(),
        milestones: Milestones::default(),
        failure: None,
    })
}

/// Tells progress until every worker has left.
fn watch(
    shared: &Mutex<Shared>,
    started: Instant,
    workers: &mpsc::Receiver<()>,
    progress: &mut dyn FnMut(&CampaignStatus),
) {
    let mut written = Instant::now();
    while workers.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
        let shared = lock(shared);
        let status = CampaignStatus::of(&shared, started);
        if written.elapsed() >= HITS {
            written = Instant::now();
            // What cannot be written now is told at the end.
            let _ = shared.findings.write_hits();
        }
        drop(shared);
        progress(&status);
    }
}

fn finish(
    shared: Shared,
    started: Instant,
    errors: Vec<ReadError>,
) -> Result<CampaignOutcome, CampaignError> {
    if let Some(failure) = shared.failure {
        return Err(CampaignError::Write(failure));
    }
    shared.findings.write_hits().map_err(CampaignError::Write)?;
    let status = CampaignStatus::of(&shared, started);
    Ok(CampaignOutcome {
        status,
        findings: shared.findings.into_list(),
        map: shared.map,
        milestones: shared.milestones,
        errors,
    })
}
