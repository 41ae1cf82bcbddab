//! Replays scenarios and says whether each did what it is there to do.
//!
//! [`collect`] finds the files and reads them; [`replay()`] judges them on all cores, one
//! [`Judge`] a thread, and gives the outcomes in the order of the files.

mod read;

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::judge::{EngineVerdict, Judge};
use crate::loader::{Fixed, Loader};
use crate::scenario::Scenario;
use crate::verdict::{Finding, FindingClass};

pub use read::{Case, DEFAULT_PATH, ReadError, collect, plain, read};

/// Stack of a judging thread, in bytes: engines run wasm on it.
pub(crate) const STACK_SIZE: usize = 16 << 20;

/// Which loaders a scenario is run under.
#[derive(Clone, Copy, Debug)]
pub enum Loaders {
    /// `fixed`, and each fault that it names.
    Named,
    /// This one.
    Only(&'static dyn Loader),
    /// `fixed`, and every fault.
    Every,
}

/// Which loaders to replay under, and on what.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    /// Which loaders each scenario is run under.
    pub loaders: Loaders,
    /// The engines, in report order.
    pub engines: Vec<EngineKind>,
}

/// What a scenario says that a run must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No finding: under the fixed loader.
    Agree,
    /// A headline of this class: under a fault that the scenario names.
    Finding(FindingClass),
    /// Nothing: under a fault that it does not name.
    Anything,
}

impl Expected {
    /// A run with this headline is as expected.
    pub fn admits(self, headline: Option<FindingClass>) -> bool {
        match self {
            Expected::Agree => headline.is_none(),
            Expected::Finding(class) => headline == Some(class),
            Expected::Anything => true,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Agree => f.pad("agree"),
            Expected::Finding(class) => class.fmt(f),
            Expected::Anything => f.pad("anything"),
        }
    }
}

/// A scenario under one loader.
#[derive(Clone, Debug)]
pub struct Run {
    /// The loader's id.
    pub loader: &'static str,
    /// What every engine must give.
    pub expected: Expected,
    /// What each engine gave, in the plan's order.
    pub verdicts: Vec<EngineVerdict>,
}

impl Run {
    /// Whether every engine gave what was expected.
    pub fn is_as_expected(&self) -> bool {
        self.verdicts.iter().all(|v| self.expected.admits(v.headline()))
    }
}

/// A scenario under every loader of the plan.
#[derive(Clone, Debug)]
pub struct ReplayOutcome {
    /// The scenario.
    pub case: Case,
    /// One a loader.
    pub runs: Vec<Run>,
}

impl ReplayOutcome {
    /// Whether every run was.
    pub fn is_as_expected(&self) -> bool {
        self.runs.iter().all(Run::is_as_expected)
    }
}

/// Judges every case; `progress` is told how many are done.
pub fn replay(
    plan: &ReplayPlan,
    cases: Vec<Case>,
    mut progress: impl FnMut(usize),
) -> Vec<ReplayOutcome> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(cases.len());
    let mut outcomes: Vec<Option<Vec<Run>>> = vec![None; cases.len()];
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let (sender, next, cases) = (sender.clone(), &next, &cases);
            let work = move || {
                let mut judge = Judge::new(&plan.engines);
                while let Some((index, case)) = take(next, cases) {
                    let _ = sender.send((index, runs(plan, &mut judge, case)));
                }
            };
            thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, work)
                .expect("a thread for each core can be started");
        }
        drop(sender);
        for (done, (index, runs)) in receiver.iter().enumerate() {
            outcomes[index] = Some(runs);
            progress(done + 1);
        }
    });
    let judged = outcomes.into_iter().map(Option::unwrap_or_default);
    cases.into_iter().zip(judged).map(|(case, runs)| ReplayOutcome { case, runs }).collect()
}

/// The next case that nobody has taken.
fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    cases.get(index).map(|case| (index, case))
}

/// One case under each loader.
fn runs(plan: &ReplayPlan, judge: &mut Judge, case: &Case) -> Vec<Run> {
    loaders(plan, case)
        .into_iter()
        .map(|(loader, expected)| Run {
            loader: loader.id(),
            expected,
            verdicts: verdicts(judge, &plan.engines, &case.scenario, loader),
        })
        .collect()
}

/// The loaders to run a case under, and what each must give.
fn loaders(plan: &ReplayPlan, case: &Case) -> Vec<(&'static dyn Loader, Expected)> {
    let expected = |id: &str| match case.shows.iter().find(|(fault, _)| *fault == id) {
        Some((_, class)) => Expected::Finding(*class),
        None if id == Fixed.id() => Expected::Agree,
        None => Expected::Anything,
    };
    let fixed: &'static dyn Loader = &Fixed;
    let all: Vec<&'static dyn Loader> = match plan.loaders {
        Loaders::Only(loader) => vec![loader],
        Loaders::Named => {
            let named = case.shows.iter().filter_map(|(fault, _)| Fault::find(fault));
            std::iter::once(fixed).chain(named.map(|fault| fault.loader)).collect()
        }
        Loaders::Every => {
            std::iter::once(fixed).chain(Fault::all().iter().map(|fault| fault.loader)).collect()
        }
    };
    all.into_iter().map(|loader| (loader, expected(loader.id()))).collect()
}

/// Each engine's verdict. An engine that rejects a module differs from those that run it.
fn verdicts(
    judge: &mut Judge,
    engines: &[EngineKind],
    scenario: &Arc<Scenario>,
    loader: &'static dyn Loader,
) -> Vec<EngineVerdict> {
    judge.judge(scenario, loader).unwrap_or_else(|error| {
        let finding = Finding::rejected(&error);
        let verdict = |kind: &EngineKind| EngineVerdict {
            engine: kind.name(),
            findings: vec![finding.clone()],
        };
        engines.iter().map(verdict).collect()
    })
}
