//! When a fault was reached, triggered and detected (the distinction that Magma made).
//!
//! * *reached*: the run came to a decision that the fault gets wrong ([`Vm::has_decided`]), or, if
//!   the decision is taken at compile time, ran modules that are other than the right ones;
//! * *triggered*: its answer changed something: the run is not what it is under the fixed loader.
//!   Up to the first wrong answer both runs are the same, so the comparison is exact;
//! * *detected*: there is a finding of the fault's class.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::image::emission::Emission;
use crate::judge::Judge;
use crate::loader::{Fixed, Vm};
use crate::scenario::Scenario;
use crate::verdict::FindingClass;

/// A point in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Scenarios that were run, this one and those on paper alone included.
    pub runs: u64,
    /// Since the campaign began.
    pub time: Duration,
}

/// What came when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// A decision of the fault's was asked.
    pub reached: Option<Mark>,
    /// Its answer changed something.
    pub triggered: Option<Mark>,
    /// A finding of its class was reported.
    pub detected: Option<Mark>,
}

/// Marks the milestones of one worker's runs.
#[derive(Debug)]
pub struct Scout {
    fault: &'static Fault,
    started: Instant,
    runs: u64,
    milestones: Milestones,
    /// Runs scenarios under the fixed loader.
    judge: Judge,
}

impl Scout {
    /// A scout for findings of this fault; its clock starts now.
    pub fn new(fault: &'static Fault) -> Self {
        Self {
            fault,
            started: Instant::now(),
            runs: 0,
            milestones: Milestones::default(),
            judge: Judge::new(&[EngineKind::PAPER]),
        }
    }

    /// What was marked so far.
    pub fn milestones(&self) -> Milestones {
        self.milestones
    }

    /// Whether everything was marked.
    pub fn is_done(&self) -> bool {
        self.milestones.detected.is_some()
    }

    /// Looks at the first engine's run of a scenario.
    pub fn look(&mut self, scenario: &Arc<Scenario>, vm: &Vm) {
        self.runs += 1;
        let mark = self.mark();
        if self.milestones.triggered.is_some() {
            return;
        }
        let right = self.judge.emission(&scenario.layout, &Fixed);
        if self.reaches(&right, vm) {
            self.milestones.reached.get_or_insert(mark);
            if self.differs(scenario, &right, vm) {
                self.milestones.triggered = Some(mark);
            }
        }
    }

    /// Whether the run came to a decision of the fault's.
    fn reaches(&self, right: &Emission, vm: &Vm) -> bool {
        let compiles = !self.fault.compiler_decisions.is_empty();
        compiles && !vm.emission.program.is_same(&right.program)
            || self.fault.decisions.iter().any(|&decision| vm.has_decided(decision))
    }

    /// Whether a finding of this class is what it is out for.
    pub fn seeks(&self, class: FindingClass) -> bool {
        class == self.fault.class
    }

    /// Looks at the class of a finding of the last run. Returns whether it is the one.
    pub fn detects(&mut self, class: FindingClass) -> bool {
        if !self.seeks(class) {
            return false;
        }
        let mark = self.mark();
        self.milestones.detected.get_or_insert(mark);
        true
    }

    fn mark(&self) -> Mark {
        Mark { runs: self.runs, time: self.started.elapsed() }
    }

    /// Whether the run is not what it is under the fixed loader, with modules by its compiler.
    fn differs(&mut self, scenario: &Arc<Scenario>, emission: &Arc<Emission>, vm: &Vm) -> bool {
        let mut differs = false;
        let fixed = self.judge.judge_watched(scenario, emission, &Fixed, &mut |right, _| {
            differs = right.trace != vm.trace || right.observation != vm.observation;
        });
        // Paper rejects nothing.
        fixed.is_ok() && differs
    }
}
