//! From a scenario to a verdict: emits, runs on every engine, compares.

use std::num::NonZero;
use std::sync::Arc;

use lru::LruCache;
use rustc_hash::FxBuildHasher;

use crate::engine::{Engine, EngineError, EngineKind, Keep};
use crate::image::emission::Emission;
use crate::loader::{self, Fixed, Loader, Vm};
use crate::reference::{self, Expectation};
use crate::scenario::{Layout, Scenario};
use crate::verdict::{self, Finding, FindingClass, Run};

/// Layouts whose modules are kept.
const CACHED_LAYOUTS: NonZero<usize> = NonZero::new(256).expect("it is not zero");

/// What one engine's run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineVerdict {
    /// Which engine.
    pub engine: &'static str,
    /// What is wrong, gravest first; empty if the run agrees with the reference.
    pub findings: Vec<Finding>,
}

impl EngineVerdict {
    /// The class of the first finding; `None` if the run agrees.
    pub fn headline(&self) -> Option<FindingClass> {
        self.findings.first().map(|finding| finding.class)
    }
}

/// Runs scenarios and judges them. Keeps modules, stores and buffers between runs.
#[derive(Debug)]
pub struct Judge {
    engines: Vec<Slot>,
    emissions: LruCache<Layout, Arc<Emission>, FxBuildHasher>,
    emitted: u64,
    /// The name of the compiler that emitted them.
    compiler: &'static str,
}

struct Slot(Box<dyn Engine<Vm>>);

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Judge {
    /// A judge over these engines. The first one is what the others are compared with.
    pub fn new(engines: &[EngineKind]) -> Self {
        Self::with(engines.iter().map(|kind| kind.start(Keep::Stores)).collect())
    }

    /// The same, but what compiles keeps no modules: the baseline in benchmarks.
    pub fn compiling_each_run(engines: &[EngineKind]) -> Self {
        let keep = |kind: &EngineKind| if kind.compiles() { Keep::Nothing } else { Keep::Stores };
        Self::with(engines.iter().map(|kind| kind.start(keep(kind))).collect())
    }

    /// A judge over engines of one's own.
    pub(crate) fn with(engines: Vec<Box<dyn Engine<Vm>>>) -> Self {
        Self {
            engines: engines.into_iter().map(Slot).collect(),
            emissions: LruCache::with_hasher(CACHED_LAYOUTS, FxBuildHasher),
            emitted: 0,
            compiler: Fixed.compiler().name(),
        }
    }

    /// The modules of a layout, emitted as this loader's compiler does it, or remembered.
    pub(crate) fn emission(
        &mut self,
        layout: &Layout,
        loader: &'static dyn Loader,
    ) -> Arc<Emission> {
        // Modules differ between loaders only if their compilers do.
        let compiler = loader.compiler().name();
        if self.compiler != compiler {
            self.compiler = compiler;
            self.emissions.clear();
        }
        // Mutation favours scripts, so the layout is often that of the last run, and comparing is
        // cheaper than hashing.
        if let Some((last, emission)) = self.emissions.peek_mru()
            && last == layout
        {
            return emission.clone();
        }
        let emitted = &mut self.emitted;
        let emit = || {
            *emitted += 1;
            Arc::new(Emission::by(layout, loader.compiler()))
        };
        self.emissions.get_or_insert_ref(layout, emit).clone()
    }

    /// How often modules were made because none were kept: emitted, or compiled by the engine that
    /// compiled most.
    pub(crate) fn made(&self) -> u64 {
        let compiled = self.engines.iter().map(|Slot(engine)| engine.compiled());
        compiled.max().unwrap_or(0).max(self.emitted)
    }

    /// Runs a valid scenario under a loader on every engine.
    ///
    /// # Errors
    /// When an engine rejects a module that was emitted.
    pub fn judge(
        &mut self,
        scenario: &Arc<Scenario>,
        loader: &'static dyn Loader,
    ) -> Result<Vec<EngineVerdict>, EngineError> {
        let emission = self.emission(&scenario.layout, loader);
        self.judge_emitted(scenario, &emission, loader)
    }

    /// The same with modules that were emitted elsewhere, possibly altered.
    ///
    /// # Errors
    /// When an engine rejects a module.
    pub(crate) fn judge_emitted(
        &mut self,
        scenario: &Arc<Scenario>,
        emission: &Arc<Emission>,
        loader: &'static dyn Loader,
    ) -> Result<Vec<EngineVerdict>, EngineError> {
        self.judge_watched(scenario, emission, loader, &mut |_, _| {})
    }

    /// The same; `watch` is shown the first engine's run, and what was expected of it.
    ///
    /// # Errors
    /// When an engine rejects a module.
    pub(crate) fn judge_watched(
        &mut self,
        scenario: &Arc<Scenario>,
        emission: &Arc<Emission>,
        loader: &'static dyn Loader,
        watch: &mut dyn FnMut(&Vm, &Expectation),
    ) -> Result<Vec<EngineVerdict>, EngineError> {
        let expected = reference::expect(scenario);
        let mut verdicts = Vec::with_capacity(self.engines.len());
        let mut first: Option<Vm> = None;
        for i in 0..self.engines.len() {
            let vm = Vm::new(scenario.clone(), emission.clone(), loader);
            let engine = &mut self.engines[i].0;
            let vm =
                engine.run(&emission.program, vm, loader::host_call, &mut loader::script::run)?;
            let memory = self.engines[i].0.memory();
            let run = Run { vm: &vm, memory: &memory };
            let name = self.engines[i].0.name();
            let findings = match (&first, verdicts.first()) {
                (Some(first), Some(verdict)) => {
                    let memory = self.engines[0].0.memory();
                    let first = Run { vm: first, memory: &memory };
                    beside(&first, verdict, &run, name, &expected)
                }
                _ => verdict::findings(&run, &expected),
            };
            verdicts.push(EngineVerdict { engine: name, findings });
            if first.is_none() {
                watch(&vm, &expected);
                first = Some(vm);
            }
        }
        Ok(verdicts)
    }
}

/// What is wrong with another engine's run. Where that shows what the first
/// engine's does, to the last byte, the same is wrong with it.
fn beside(
    first: &Run<'_>,
    verdict: &EngineVerdict,
    run: &Run<'_>,
    name: &str,
    expected: &Expectation,
) -> Vec<Finding> {
    if verdict::same(first, run) {
        return verdict.findings.clone();
    }
    let mut findings = verdict::findings(run, expected);
    findings.splice(0..0, verdict::divergence(first, run, [verdict.engine, name]));
    findings
}
