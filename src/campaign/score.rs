//! The scoreboard: how fast every fault is reached, triggered and detected from an empty corpus.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::milestones::{Mark, Milestones};
use super::{CampaignError, CampaignPlan, Guidance, run};
use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::loader::Fixed;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Contest {
    /// The faults, in order.
    pub faults: Vec<&'static Fault>,
    /// On which engines.
    pub engines: Vec<EngineKind>,
    /// Seeds for each fault: 0, 1, and so on.
    pub seeds: u64,
    /// The most scenarios for each seed.
    pub runs: u64,
    /// The most time for each seed.
    pub time: Duration,
    /// What guides the campaigns.
    pub guidance: Guidance,
}

/// One fault's campaigns, a seed each.
#[derive(Clone, Debug)]
pub struct Score {
    pub fault: &'static str,
    pub campaigns: Vec<Milestones>,
}

/// Median and worst of a number of campaigns. A campaign without a mark is worse than any with one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread<T> {
    /// `None` when half of the campaigns or more ended without it.
    pub median: Option<T>,
    /// `None` when any did.
    pub worst: Option<T>,
}

impl Score {
    /// In how many campaigns a milestone was marked.
    pub fn count(&self, milestone: impl Fn(&Milestones) -> Option<Mark>) -> usize {
        self.campaigns.iter().filter_map(milestone).count()
    }

    /// Scenarios until it was detected.
    pub fn scenarios(&self) -> Spread<u64> {
        self.spread(|mark| mark.runs)
    }

    /// Seconds until it was detected.
    pub fn seconds(&self) -> Spread<f64> {
        let spread = self.spread(|mark| mark.time);
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        Spread { median: seconds(spread.median), worst: seconds(spread.worst) }
    }

    /// Every campaign detected it.
    pub fn is_complete(&self) -> bool {
        self.campaigns.iter().all(|milestones| milestones.detected.is_some())
    }

    fn spread<T: Ord + Copy>(&self, value: impl Fn(Mark) -> T) -> Spread<T> {
        let mut values: Vec<T> =
            self.campaigns.iter().filter_map(|m| m.detected.map(&value)).collect();
        values.sort_unstable();
        let median = values.get(self.campaigns.len() / 2).copied();
        let worst = values.last().copied().filter(|_| values.len() == self.campaigns.len());
        Spread { median, worst }
    }
}

/// One fault's score. `done` is told after each seed.
///
/// # Errors
/// When a campaign cannot be run.
pub fn score(
    contest: &Contest,
    fault: &'static Fault,
    done: &mut dyn FnMut(),
) -> Result<Score, CampaignError> {
    let mut campaigns = Vec::new();
    for seed in 0..contest.seeds {
        let mut plan = CampaignPlan::new(fault.loader);
        plan.engines.clone_from(&contest.engines);
        plan.seed = seed;
        plan.runs = Some(contest.runs);
        plan.time = Some(contest.time);
        plan.guidance = contest.guidance;
        plan.until = Some(fault);
        campaigns.push(run(&plan, &AtomicBool::new(false), &mut |_| {})?.milestones);
        done();
    }
    Ok(Score { fault: fault.id(), campaigns })
}

/// The control: scenarios that were run under the fixed loader, and findings, of which there should
/// be none.
///
/// # Errors
/// When the campaign cannot be run.
pub fn control(contest: &Contest, runs: u64) -> Result<(u64, usize), CampaignError> {
    let mut plan = CampaignPlan::new(&Fixed);
    plan.engines.clone_from(&contest.engines);
    plan.runs = Some(runs);
    plan.guidance = contest.guidance;
    let outcome = run(&plan, &AtomicBool::new(false), &mut |_| {})?;
    Ok((outcome.status.runs, outcome.findings.len()))
}

impl Contest {
    /// Every fault on paper, with ten seeds and half a minute for each.
    pub fn new() -> Self {
        Self {
            faults: Fault::all().to_vec(),
            engines: vec![EngineKind::PAPER],
            seeds: 10,
            runs: 200_000,
            time: Duration::from_secs(30),
            guidance: Guidance::Coverage,
        }
    }
}

impl Default for Contest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(runs: u64) -> Milestones {
        let mark = Some(Mark { runs, time: Duration::from_secs(runs) });
        Milestones { reached: mark, triggered: mark, detected: mark }
    }

    #[test]
    fn a_campaign_without_a_mark_is_the_worst() {
        let score = |campaigns: &[Milestones]| Score { fault: "f", campaigns: campaigns.to_vec() };
        let all = score(&[mark(5), mark(1), mark(3)]);
        assert_eq!(all.scenarios(), Spread { median: Some(3), worst: Some(5) });
        assert!(all.is_complete());
        let one_missing = score(&[mark(5), Milestones::default(), mark(3)]);
        assert_eq!(one_missing.scenarios(), Spread { median: Some(5), worst: None });
        assert_eq!(one_missing.count(|m| m.detected), 2);
        let most_missing = score(&[Milestones::default(), Milestones::default(), mark(3)]);
        assert_eq!(most_missing.seconds(), Spread { median: None, worst: None });
    }

    #[test]
    fn faults_are_reached_triggered_and_detected_in_that_order() {
        let contest = Contest { seeds: 2, runs: 20_000, ..Contest::new() };
        for id in ["issue-129857", "pr-129766", "pr-131246"] {
            let fault = Fault::find(id).expect("it is in the gallery");
            let score = score(&contest, fault, &mut || {}).expect("nothing is written");
            for milestones in score.campaigns {
                let Milestones { reached, triggered, detected } = milestones;
                let runs = [reached, triggered, detected].map(|mark| mark.map(|m| m.runs));
                assert!(
                    runs.iter().all(Option::is_some) && runs.is_sorted(),
                    "{}: {runs:?}",
                    fault.id()
                );
            }
        }
    }
}
