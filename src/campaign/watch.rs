//! What a worker sees of a run: coverage, the milestones of a fault, and a panic.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use super::coverage::{Map, Reader};
use super::milestones::Scout;
use crate::engine::EngineError;
use crate::image::emission::Emission;
use crate::judge::{EngineVerdict, Judge};
use crate::loader::Loader;
use crate::scenario::Scenario;

/// What a run shows.
#[derive(Debug)]
pub struct Sight {
    /// What is wrong with it. After a panic of Calliper or an engine, the judge may be half done.
    pub verdicts: thread::Result<Result<Vec<EngineVerdict>, EngineError>>,
    /// What it reached, if any of it is new.
    pub news: Option<Vec<u32>>,
    /// No trap ended it.
    pub completed: bool,
}

/// Watches one worker's runs.
#[derive(Debug)]
pub struct Watch {
    reader: Reader,
    /// What was reached.
    map: Map,
    /// Marks milestones, if the plan wants them.
    pub scout: Option<Scout>,
}

impl Watch {
    /// One that has seen nothing.
    pub fn new(scout: Option<Scout>) -> Self {
        Self { reader: Reader::default(), map: Map::default(), scout }
    }

    /// Has a scenario judged, and sees what there is to see.
    pub fn judge(
        &mut self,
        judge: &mut Judge,
        scenario: &Arc<Scenario>,
        emission: &Arc<Emission>,
        loader: &'static dyn Loader,
    ) -> Sight {
        let (mut news, mut completed) = (None, false);
        let verdicts = panic::catch_unwind(AssertUnwindSafe(|| {
            judge.judge_watched(scenario, emission, loader, &mut |vm, expected| {
                let cells = self.reader.read(vm, expected);
                news = (self.map.add(cells) > 0).then(|| cells.to_vec());
                completed = vm.observation.trap.is_none();
                if let Some(scout) = &mut self.scout {
                    scout.look(scenario, vm);
                }
            })
        }));
        Sight { verdicts, news, completed }
    }
}
