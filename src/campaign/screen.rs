//! Screening: where an engine compiles, candidates are tried on paper first.
//!
//! A layout takes as long to compile as hundreds of scenarios take on paper. So a round looks at
//! several, keeps all that reach something new, and compiles one.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use super::coverage::{Map, Reader};
use super::milestones::Scout;
use crate::judge::{EngineKind, Judge};
use crate::loader::Loader;
use crate::scenario::Scenario;
use crate::verdict::Finding;

/// What a candidate's run on paper shows.
#[derive(Debug, Default)]
pub struct Sight {
    /// What it reached, if any of it is new.
    pub news: Option<Vec<u32>>,
    /// What is wrong with it, if anything is.
    pub headline: Option<Finding>,
    /// Calliper panicked: the campaign's own run will tell.
    pub panicked: bool,
}

/// Runs candidates on paper.
#[derive(Debug)]
pub struct Screen {
    judge: Judge,
    reader: Reader,
    /// Candidates that were run.
    pub runs: u64,
}

impl Screen {
    /// A screen that has seen nothing.
    pub fn new() -> Self {
        Self { judge: Self::judge(), reader: Reader::default(), runs: 0 }
    }

    fn judge() -> Judge {
        Judge::new(&[EngineKind::Paper])
    }

    /// Runs a candidate. What it reaches is added to the map; the scout marks what it sees.
    pub fn look(
        &mut self,
        scenario: &Arc<Scenario>,
        loader: &'static dyn Loader,
        map: &mut Map,
        scout: &mut Option<Scout>,
    ) -> Sight {
        self.runs += 1;
        let (judge, reader) = (&mut self.judge, &mut self.reader);
        let mut news = None;
        let verdicts = panic::catch_unwind(AssertUnwindSafe(|| {
            let emission = judge.emission(&scenario.layout, loader);
            judge.judge_watched(scenario, &emission, loader, &mut |vm, expected| {
                let cells = reader.read(vm, expected);
                news = (map.add(cells) > 0).then(|| cells.to_vec());
                if let Some(scout) = scout {
                    scout.look(scenario, vm);
                }
            })
        }));
        let Ok(verdicts) = verdicts else {
            // Whatever it holds may be half done.
            self.judge = Self::judge();
            return Sight { panicked: true, ..Sight::default() };
        };
        // Paper rejects nothing.
        let headline = verdicts.ok().and_then(|verdicts| {
            verdicts.into_iter().next().and_then(|verdict| verdict.findings.into_iter().next())
        });
        Sight { news, headline, panicked: false }
    }
}
