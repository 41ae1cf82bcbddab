//! A worker: rounds of runs on one thread, with a judge of its own.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arbitrary::Unstructured;
use mutatis::Session;
use rustc_hash::FxHashMap;

use super::corpus::{Corpus, layout_number};
use super::coverage::Map;
use super::findings::{Findings, Found};
use super::milestones::{Milestones, Scout};
use super::shrink::{self, Target};
use super::watch::Watch;
use super::weights::{self, Origin};
use super::{CampaignPlan, Guidance};
use crate::engine::EngineKind;
use crate::image::emission::Emission;
use crate::judge::{EngineVerdict, Judge};
use crate::random::Dice;
use crate::scenario::Scenario;
use crate::scenario::generate::generate;
use crate::scenario::mutate::{ScenarioMutator, Scope, crossover};
use crate::verdict::Finding;

/// Runs between two looks at the clock.
const CLOCK: u64 = 64;

/// What the workers of a campaign share.
#[derive(Debug)]
pub struct Shared {
    /// Scenarios that reached something new.
    pub corpus: Corpus,
    /// Everything that was reached.
    pub map: Map,
    /// What was found.
    pub findings: Findings,
    /// Runs that are done.
    pub runs: u64,
    /// How often modules were made for a run.
    pub made: u64,
    /// Runs in which a scenario returned from its last event.
    pub completed: u64,
    /// Events of all scenarios that were run.
    pub events: u64,
    /// Candidates that were run on paper alone.
    pub screened: u64,
    /// Runs that may still be started.
    pub left: u64,
    /// When something new was last reached.
    pub news: Instant,
    /// What came when.
    pub milestones: Milestones,
    /// Why the campaign cannot go on.
    pub failure: Option<io::Error>,
}

/// How a round starts.
struct Task {
    source: Origin,
    runs: u64,
    /// A scenario of the corpus, with its position there.
    parent: Option<(usize, Arc<Scenario>)>,
    other: Option<Arc<Scenario>>,
}

/// What a round brought, beside findings.
#[derive(Default)]
struct Harvest {
    /// It comes from the corpus directory.
    is_seed: bool,
    runs: u64,
    completed: u64,
    events: u64,
    screened: u64,
    /// Scenarios that reached something new, with what, and whether there is a finding.
    news: Vec<(Arc<Scenario>, Vec<u32>, bool)>,
}

/// One thread's part of a campaign.
pub struct Worker<'c> {
    plan: &'c CampaignPlan,
    shared: &'c Mutex<Shared>,
    stop: &'c AtomicBool,
    deadline: Option<Instant>,
    judge: Judge,
    dice: Dice,
    session: Session,
    watch: Watch,
    /// Findings that this worker has had, and hits that are not counted yet.
    known: FxHashMap<String, u64>,
    warm: VecDeque<u64>,
    compiles: bool,
    /// Tries on paper what an engine would have to compile.
    screen: Option<Judge>,
    rounds: u64,
    /// [`Judge::made`] when it was last told.
    made: u64,
    bytes: Vec<u8>,
}

/// The lock, whatever another thread did while it held it.
pub fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_judge(plan: &CampaignPlan) -> Judge {
    if plan.keep_modules {
        Judge::new(&plan.engines)
    } else {
        Judge::compiling_each_run(&plan.engines)
    }
}

fn on_paper() -> Judge {
    Judge::new(&[EngineKind::PAPER])
}

/// Who a panic is laid to, as no verdict says which engine ran.
const PANIC: &str = "panic";

impl<'c> Worker<'c> {
    /// The worker of this number. Another number makes other choices.
    pub fn new(
        plan: &'c CampaignPlan,
        shared: &'c Mutex<Shared>,
        stop: &'c AtomicBool,
        deadline: Option<Instant>,
        number: u64,
    ) -> Self {
        let mut dice = Dice::in_lane(plan.seed, number);
        let compiles = plan.engines.iter().any(|kind| kind.compiles());
        let is_guided = plan.guidance == Guidance::Coverage;
        Self {
            plan,
            shared,
            stop,
            deadline,
            judge: new_judge(plan),
            session: Session::new().seed(dice.word()),
            dice,
            watch: Watch::new(plan.until.filter(|_| number == 0).map(Scout::new)),
            known: FxHashMap::default(),
            warm: VecDeque::with_capacity(weights::WARM_LAYOUTS + 1),
            compiles,
            screen: (compiles && is_guided).then(on_paper),
            rounds: 0,
            made: 0,
            bytes: Vec::with_capacity(weights::FRESH_BYTES),
        }
    }

    /// Runs these scenarios, then rounds until the campaign is over.
    pub fn work(mut self, seeds: &[Arc<Scenario>]) {
        for scenario in seeds {
            if !self.is_over() {
                let mut harvest = Harvest { is_seed: true, ..Harvest::default() };
                let emission = self.judge.emission(&scenario.layout, self.plan.loader);
                self.run(scenario, &emission, &mut harvest);
                self.settle(None, harvest);
            }
        }
        while !self.is_over() {
            let Some(task) = self.task() else { break };
            self.round(task);
        }
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.deadline.is_some_and(|at| Instant::now() >= at)
    }

    /// Decides how the next round starts; `None` when all runs have been started.
    fn task(&mut self) -> Option<Task> {
        let mut shared = lock(self.shared);
        let guided = self.plan.guidance == Guidance::Coverage;
        let rounds = match (guided, self.compiles) {
            (false, _) => weights::UNGUIDED,
            (true, false) => weights::EMITTED,
            (true, true) => weights::COMPILED,
        };
        let is_early = self.rounds < rounds.fresh;
        let early = (1 + self.rounds / rounds.growth).min(rounds.most);
        let runs = if is_early { early } else { rounds.most }.min(shared.left);
        self.rounds += 1;
        if runs == 0 || shared.failure.is_some() {
            return None;
        }
        shared.left -= runs;
        let dice = &mut self.dice;
        if shared.corpus.is_empty() || is_early {
            return Some(Task { source: Origin::Fresh, runs, parent: None, other: None });
        }
        let source = dice.weighted(&weights::SOURCES);
        let stay = self.compiles && source == Origin::Kept && dice.percent(weights::WARM);
        let warm = stay.then(|| self.warm.make_contiguous() as &[u64]);
        let mut choose = |layouts| {
            let index = shared.corpus.choose(dice, layouts)?;
            Some((index, shared.corpus.scenario(index).clone()))
        };
        let parent = choose(warm).filter(|_| source != Origin::Fresh);
        let other = choose(None).map(|(_, scenario)| scenario);
        Some(Task { source, runs, parent, other })
    }

    /// Runs a scenario and then mutations of its script.
    fn round(&mut self, task: Task) {
        let mut harvest = Harvest::default();
        let mut base = self.base(&task, &mut harvest);
        let emission = self.judge.emission(&base.layout, self.plan.loader);
        self.remember(&base);
        let donate = self.dice.percent(weights::DONOR);
        let mut mutator = ScenarioMutator::new(Scope::Script);
        mutator.set_donor(task.other.filter(|_| donate));
        let mut child = base.clone();
        let mut unchanged = task.source != Origin::Kept;
        while harvest.runs < task.runs {
            let detected = self.watch.scout.as_ref().is_some_and(|scout| scout.is_done());
            if detected || (harvest.runs % CLOCK == CLOCK - 1 && self.is_over()) {
                break;
            }
            if !std::mem::take(&mut unchanged) {
                self.mutate(&mut mutator, &base, &mut child);
            }
            if self.run(&child, &emission, &mut harvest) {
                base = child.clone();
            }
        }
        self.settle(task.parent, harvest);
    }

    /// The scenario that a round starts with. With a screen, it is the first of several candidates
    /// that has a finding worth having, or else that reached something new, or else the last.
    fn base(&mut self, task: &Task, harvest: &mut Harvest) -> Arc<Scenario> {
        let mut candidate = self.candidate(task);
        if self.screen.is_none() || task.source == Origin::Kept {
            return candidate;
        }
        let mut new = None;
        for i in 1.. {
            let (is_new, is_wanted) = self.screen(&candidate, harvest);
            if is_wanted {
                return candidate;
            }
            if is_new {
                new.get_or_insert_with(|| candidate.clone());
            }
            if i == weights::CANDIDATES {
                break;
            }
            candidate = self.candidate(task);
        }
        new.unwrap_or(candidate)
    }

    /// Whether a candidate reached something new on paper, and whether it has a finding worth
    /// having.
    fn screen(&mut self, candidate: &Arc<Scenario>, harvest: &mut Harvest) -> (bool, bool) {
        let Some(judge) = &mut self.screen else { return (false, false) };
        harvest.screened += 1;
        let loader = self.plan.loader;
        let emission = judge.emission(&candidate.layout, loader);
        let sight = self.watch.judge(judge, candidate, &emission, loader);
        let Ok(verdicts) = sight.verdicts else {
            // The campaign's own run of it will tell.
            *judge = on_paper();
            return (false, true);
        };
        // Paper rejects nothing.
        let verdicts = verdicts.unwrap_or_default();
        let headline = verdicts.first().and_then(|verdict| verdict.findings.first());
        let is_new = sight.news.is_some();
        harvest.news.extend(sight.news.map(|cells| (candidate.clone(), cells, headline.is_some())));
        let is_wanted = headline.is_some_and(|finding| match &self.watch.scout {
            Some(scout) => scout.seeks(finding.class),
            None => !self.known.contains_key(&finding.fingerprint),
        });
        (is_new, is_wanted)
    }

    /// A scenario that a round could start with.
    fn candidate(&mut self, task: &Task) -> Arc<Scenario> {
        let (Some((_, parent)), Some(other)) = (&task.parent, &task.other) else {
            return Arc::new(self.fresh());
        };
        match task.source {
            Origin::Kept => parent.clone(),
            Origin::Fresh => Arc::new(self.fresh()),
            Origin::Mutated => {
                let mut scenario = Scenario::clone(parent);
                let mut mutator = ScenarioMutator::new(Scope::Layout);
                // There always is a candidate, and none fails.
                let _ = self.session.mutate_with(&mut mutator, &mut scenario);
                Arc::new(scenario)
            }
            Origin::Crossed => Arc::new(crossover(parent, other, self.dice.word())),
        }
    }

    fn fresh(&mut self) -> Scenario {
        generate(&mut Unstructured::new(self.dice.bytes(&mut self.bytes, weights::FRESH_BYTES)))
    }

    /// Makes `child` a mutation of `base`, which has the same layout. Copies no layout unless the
    /// child was kept.
    fn mutate(
        &mut self,
        mutator: &mut ScenarioMutator,
        base: &Scenario,
        child: &mut Arc<Scenario>,
    ) {
        let child = Arc::make_mut(child);
        child.script.clone_from(&base.script);
        child.variables.clone_from(&base.variables);
        // There always is a candidate, and none fails.
        let _ = self.session.mutate_with(mutator, child);
    }

    /// Notes that a layout is used now.
    fn remember(&mut self, scenario: &Scenario) {
        if !self.compiles {
            return;
        }
        let layout = layout_number(&scenario.layout);
        self.warm.retain(|&other| other != layout);
        self.warm.push_back(layout);
        if self.warm.len() > weights::WARM_LAYOUTS {
            self.warm.pop_front();
        }
    }

    /// Runs a scenario. Returns whether it reached something new.
    fn run(
        &mut self,
        scenario: &Arc<Scenario>,
        emission: &Arc<Emission>,
        harvest: &mut Harvest,
    ) -> bool {
        let sight = self.watch.judge(&mut self.judge, scenario, emission, self.plan.loader);
        harvest.runs += 1;
        harvest.completed += u64::from(sight.completed);
        harvest.events += scenario.script.len() as u64;
        let has_finding = match sight.verdicts {
            Ok(Ok(verdicts)) => self.note(scenario, &verdicts),
            Ok(Err(error)) => {
                let findings = vec![Finding::rejected(&error)];
                self.note(scenario, &[EngineVerdict { engine: error.engine, findings }])
            }
            Err(_) => {
                // Whatever it holds may be half done.
                self.judge = new_judge(self.plan);
                self.made = 0;
                self.note(
                    scenario,
                    &[EngineVerdict { engine: PANIC, findings: vec![Finding::panicked()] }],
                )
            }
        };
        let guided = self.plan.guidance == Guidance::Coverage;
        let news = sight.news.filter(|_| guided);
        let is_new = news.is_some();
        harvest.news.extend(news.map(|cells| (scenario.clone(), cells, has_finding)));
        is_new
    }

    /// Notes the headlines of a run. Returns whether there are any.
    fn note(&mut self, scenario: &Arc<Scenario>, verdicts: &[EngineVerdict]) -> bool {
        let mut any = false;
        for (i, verdict) in verdicts.iter().enumerate() {
            let Some(finding) = verdict.findings.first() else { continue };
            any = true;
            if let Some(scout) = &mut self.watch.scout {
                if scout.detects(finding.class) {
                    self.stop.store(true, Ordering::Relaxed);
                }
                continue;
            }
            let same = |v: &EngineVerdict| {
                v.findings.first().is_some_and(|f| f.fingerprint == finding.fingerprint)
            };
            if verdicts[..i].iter().any(same) {
                continue;
            }
            match self.known.get_mut(&finding.fingerprint) {
                Some(hits) => *hits += 1,
                None => {
                    self.known.insert(finding.fingerprint.clone(), 1);
                    self.discover(scenario, Target::new(verdict.engine, finding), &finding.account);
                }
            }
        }
        any
    }

    /// Shrinks and adds a finding, unless another worker is at it.
    fn discover(&mut self, scenario: &Arc<Scenario>, target: Target, account: &str) {
        let first_run = {
            let mut shared = lock(self.shared);
            if !shared.findings.claim(&target.fingerprint) {
                return;
            }
            shared.runs
        };
        let loader = self.plan.loader;
        let mut small = Scenario::clone(scenario);
        let mut told = None;
        // What panics is kept as it is.
        if target.engine != PANIC {
            let mut judge = Judge::new(&target.engines(&self.plan.engines));
            small = shrink::shrink(&mut judge, loader, scenario, &target);
            shrink::promise(&mut small, loader, target.class);
            let verdicts = judge.judge(&Arc::new(small.clone()), loader).ok();
            told = verdicts.and_then(|verdicts| target.account(verdicts));
        }
        small.title = format!("{} under {}", target.class, loader.id());
        let (small, account) = (Arc::new(small), told.unwrap_or_else(|| account.to_owned()));
        let found = Found { target, scenario: small, account, hits: 0, first_run };
        let mut shared = lock(self.shared);
        let added = shared.findings.add(found);
        self.report_failure(&mut shared, added);
    }

    /// Tells the others what a round brought.
    fn settle(&mut self, parent: Option<(usize, Arc<Scenario>)>, harvest: Harvest) {
        let mut shared = lock(self.shared);
        shared.runs += harvest.runs;
        if harvest.is_seed {
            shared.left = shared.left.saturating_sub(harvest.runs);
        }
        let made = self.judge.made();
        shared.made += made - std::mem::replace(&mut self.made, made);
        shared.completed += harvest.completed;
        shared.events += harvest.events;
        shared.screened += harvest.screened;
        if let Some(scout) = &self.watch.scout {
            shared.milestones = scout.milestones();
        }
        let mut any = false;
        for (scenario, cells, has_finding) in harvest.news {
            if shared.map.add(&cells) > 0 {
                any = true;
                let energy = if has_finding { weights::ENERGY_OF_FINDING } else { weights::ENERGY };
                if !harvest.is_seed {
                    let saved = shared.corpus.save(&scenario);
                    self.report_failure(&mut shared, saved);
                }
                shared.corpus.add(scenario, energy);
            }
        }
        if any {
            shared.news = Instant::now();
        }
        if let Some((index, scenario)) = parent {
            shared.corpus.settle(index, &scenario, any);
        }
        for (fingerprint, hits) in &mut self.known {
            if *hits > 0 {
                shared.findings.hit(fingerprint, std::mem::take(hits));
            }
        }
    }

    fn report_failure(&self, shared: &mut Shared, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            shared.failure.get_or_insert(error);
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}
