//! Shrinking: the simplest scenario that still shows a finding.
//!
//! A candidate counts only if it is *simpler* by one fixed order (fewer events, then
//! fewer methods, sites, structs and assemblies, then a shorter binary form, then more plain
//! `int`s) and its headline has the class and fingerprint of the finding. So shrinking always
//! ends, and gives the same result for the same scenario. What a candidate
//! breaks is [repaired](crate::scenario::generate::fixup()) first.
//!
//! Besides the steps that are spelled out here, the shrinking mutators that `mutatis` derives
//! for the scenario's types are tried, so that whatever the model has is simplified.

#![deny(clippy::wildcard_enum_match_arm)]

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use mutatis::{DefaultMutate, Session};

use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::judge::{EngineVerdict, Judge};
use crate::loader::Loader;
use crate::scenario::generate::fixup;
use crate::scenario::ids::{self, Item};
use crate::scenario::{Event, MethodId, Scenario, Signature, Type, binary};
use crate::verdict::{Finding, FindingClass};

/// The most candidates that are judged.
const MAX_JUDGED: usize = 6_000;
/// Derived simplifications that are tried in each pass.
const DERIVED: u64 = 400;

/// The finding that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The engine that shows it.
    pub engine: &'static str,
    pub class: FindingClass,
    pub fingerprint: String,
}

impl Target {
    /// The headline of the first engine that has one.
    pub fn of(verdicts: &[EngineVerdict]) -> Option<Target> {
        verdicts.iter().find_map(|v| Some(Target::new(v.engine, v.findings.first()?)))
    }

    /// The target that a finding on an engine is.
    pub fn new(engine: &'static str, finding: &Finding) -> Target {
        let fingerprint = finding.fingerprint.clone();
        Target { engine, class: finding.class, fingerprint }
    }

    /// The engines that are needed to see it: one, two if it is that they differ, and all if
    /// it is nobody's.
    pub fn engines(&self, engines: &[EngineKind]) -> Vec<EngineKind> {
        let Some(&own) = engines.iter().find(|kind| kind.name() == self.engine) else {
            return engines.to_vec();
        };
        let differ = self.class == FindingClass::EngineDivergence;
        let first = engines.first().copied().filter(|&kind| differ && kind != own);
        first.into_iter().chain([own]).collect()
    }

    /// Its account in these verdicts.
    pub fn account(&self, verdicts: Vec<EngineVerdict>) -> Option<String> {
        let headline =
            verdicts.into_iter().find(|v| v.engine == self.engine)?.findings.into_iter().next();
        headline.filter(|f| f.fingerprint == self.fingerprint).map(|f| f.account)
    }

    fn is_shown(&self, verdicts: &[EngineVerdict]) -> bool {
        let headline = verdicts.iter().find(|v| v.engine == self.engine);
        headline.and_then(|v| v.findings.first()).is_some_and(|finding| {
            finding.class == self.class && finding.fingerprint == self.fingerprint
        })
    }
}

/// Makes a scenario say that it shows the finding, and nothing else, so that it can be replayed.
/// Under the fixed loader nothing may be shown, and a composed one is not a fault to name.
pub fn promise(scenario: &mut Scenario, loader: &'static dyn Loader, class: FindingClass) {
    scenario.shows.clear();
    if Fault::find(loader.id()).is_some() {
        scenario.shows.push((loader.id().to_owned(), class.to_string()));
    }
}

/// The simplest scenario that was found to show `target` under `loader`, starting
/// from one that does. `judge` must have the engine that the target names.
pub fn shrink(
    judge: &mut Judge,
    loader: &'static dyn Loader,
    scenario: &Scenario,
    target: &Target,
) -> Scenario {
    let size = Size::of(scenario);
    let mut search = Search { judge, loader, target, best: scenario.clone(), size, judged: 0 };
    loop {
        let before = search.size;
        search.drop_events();
        search.drop_inside();
        search.drop_items();
        search.simplify_signatures();
        search.simplify_words();
        search.derived();
        if search.size == before || search.judged >= MAX_JUDGED {
            return search.best;
        }
    }
}

/// How large a scenario is: the order of simplicity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    events: usize,
    methods: usize,
    sites: usize,
    structs: usize,
    assemblies: usize,
    length: usize,
    /// Types in methods' signatures that are not `int`.
    uncommon: usize,
}

impl Size {
    fn of(scenario: &Scenario) -> Size {
        let signatures = scenario.layout.methods.iter().map(|method| &method.signature);
        let types = signatures.flat_map(|s| s.params.iter().chain(&s.ret));
        Size {
            events: scenario.script.len(),
            methods: Item::Method.count(scenario),
            sites: Item::Site.count(scenario),
            structs: Item::Struct.count(scenario),
            assemblies: Item::Assembly.count(scenario),
            length: binary::encode(scenario).len(),
            uncommon: types.filter(|&&ty| ty != Type::I32).count(),
        }
    }
}

struct Search<'a> {
    judge: &'a mut Judge,
    loader: &'static dyn Loader,
    target: &'a Target,
    best: Scenario,
    size: Size,
    judged: usize,
}

impl Search<'_> {
    /// Tries the best scenario with a change. Returns whether it is the best one now.
    fn attempt(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        fixup(&mut candidate);
        let size = Size::of(&candidate);
        if size >= self.size || self.judged >= MAX_JUDGED {
            return false;
        }
        self.judged += 1;
        let candidate = Arc::new(candidate);
        let (judge, loader) = (&mut *self.judge, self.loader);
        // A candidate that panics shows something else.
        let verdicts = panic::catch_unwind(AssertUnwindSafe(|| judge.judge(&candidate, loader)));
        let verdicts = verdicts.unwrap_or_else(|_| Ok(Vec::new()));
        let shown = verdicts.is_ok_and(|verdicts| self.target.is_shown(&verdicts));
        if shown {
            self.best = Arc::unwrap_or_clone(candidate);
            self.size = size;
        }
        shown
    }

    /// Drops events, half of them at once first, one at a time last. The end of the script goes
    /// first.
    fn drop_events(&mut self) {
        let mut count = self.best.script.len().div_ceil(2);
        while count > 0 {
            let mut end = self.best.script.len();
            while end > 0 {
                let start = end.saturating_sub(count);
                let dropped = self.attempt(|scenario| drop(scenario.script.drain(start..end)));
                end = if dropped { start.min(self.best.script.len()) } else { start };
            }
            count /= 2;
        }
    }

    /// Drops calls that are made inside others.
    fn drop_inside(&mut self) {
        for index in 0..self.best.script.len() {
            let inside = |s: &Scenario| match s.script.get(index) {
                Some(Event::Call(call)) => call.inside.len(),
                _ => 0,
            };
            for inner in (0..inside(&self.best)).rev() {
                self.attempt(|scenario| {
                    if let Event::Call(call) = &mut scenario.script[index] {
                        call.inside.remove(inner);
                    }
                });
            }
        }
    }

    /// Drops items one at a time, those that refer to others first.
    fn drop_items(&mut self) {
        for item in Item::ALL {
            for index in (0..item.count(&self.best)).rev() {
                if index < item.count(&self.best) {
                    self.attempt(|scenario| ids::remove(scenario, item, index));
                }
            }
        }
    }

    /// Takes types out of signatures, and replaces those that have to stay.
    fn simplify_signatures(&mut self) {
        for id in self.best.layout.methods.ids() {
            let params = self.best.layout.method(id).signature.params.len();
            for at in (0..params).rev() {
                let dropped = self.restate(id, |s| {
                    s.params.remove(at);
                });
                if !dropped {
                    self.restate(id, |s| s.params[at] = Type::I32);
                }
            }
            self.restate(id, |s| s.instance = false);
            if !self.restate(id, |s| s.ret = None) {
                self.restate(id, |s| s.ret = s.ret.map(|_| Type::I32));
            }
        }
    }

    /// Changes a method's signature, and all that are the same: a near miss needs both to stay one.
    fn restate(&mut self, id: MethodId, change: impl FnOnce(&mut Signature)) -> bool {
        let old = self.best.layout.method(id).signature.clone();
        let mut new = old.clone();
        change(&mut new);
        self.attempt(|scenario| ids::restate_all(&mut scenario.layout, &old, &new))
            || self.attempt(|scenario| ids::restate(&mut scenario.layout, id, new))
    }

    /// Arguments become small numbers that can still be told apart.
    fn simplify_words(&mut self) {
        for index in 0..self.best.script.len() {
            self.attempt(|scenario| {
                if let Event::Call(call) = &mut scenario.script[index] {
                    call.this = call.this.map(|_| 0x77);
                    call.args.iter_mut().zip(1..).for_each(|(word, i)| *word = 0x11 * i);
                }
            });
        }
    }

    /// Tries what the types' own mutators have to offer, in an order that a fixed seed gives.
    fn derived(&mut self) {
        for seed in 0..DERIVED {
            self.attempt(|scenario| {
                let layout = &mut scenario.layout;
                match seed % 4 {
                    0 => one(seed, layout.methods.as_mut_slice()),
                    1 => one(seed, layout.sites.as_mut_slice()),
                    2 => one(seed, &mut scenario.script),
                    _ => one(seed, layout.structs.as_mut_slice()),
                }
            });
        }
    }
}

/// Changes one of the items to something that is no larger.
fn one<T: DefaultMutate>(seed: u64, items: &mut [T]) {
    let index = (seed / 4) as usize % items.len().max(1);
    if let Some(item) = items.get_mut(index) {
        // A value that cannot be smaller stays.
        let _ = Session::new().seed(seed).shrink(true).mutate(item);
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::Unstructured;

    use super::*;
    use crate::replay::Case;
    use crate::scenario::generate::generate;
    use crate::scenario::meaning::mix;
    use crate::scenario::validate::validate;
    use crate::tests::corpus;

    /// Findings that are shrunk for each fault.
    const FINDINGS: usize = 3;
    /// Scenarios among which they must be.
    const ENOUGH: u64 = 2_000;

    fn seeded(seed: u64) -> Scenario {
        let bytes: Vec<u8> = (0..mix(seed, 0) % 500).map(|i| mix(seed, i) as u8).collect();
        generate(&mut Unstructured::new(&bytes))
    }

    /// Scenarios that show the fault: from the corpus, and from the generator.
    fn showing(fault: &Fault) -> Vec<Arc<Scenario>> {
        let shows = |case: &Case| case.shows.iter().any(|(id, _)| *id == fault.id());
        let known = corpus().into_iter().filter(shows).map(|case| case.scenario);
        let mut judge = Judge::new(&[EngineKind::PAPER]);
        let found = (0..ENOUGH).map(|seed| Arc::new(seeded(seed))).filter(|scenario| {
            let verdicts = judge.judge(scenario, fault.loader).expect("modules are valid");
            Target::of(&verdicts).is_some_and(|target| target.class == fault.class)
        });
        known.chain(found.take(FINDINGS)).collect()
    }

    #[test]
    fn a_finding_of_every_fault_shrinks_to_little() {
        let mut judge = Judge::new(&[EngineKind::PAPER]);
        let mut large = Vec::new();
        for fault in Fault::all() {
            let loader = fault.loader;
            let scenarios = showing(fault);
            assert!(!scenarios.is_empty(), "{}", fault.id());
            for scenario in scenarios {
                let verdicts = judge.judge(&scenario, loader).expect("modules are valid");
                let target = Target::of(&verdicts).expect("it shows the fault");
                let small = shrink(&mut judge, loader, &scenario, &target);
                assert_eq!(validate(&small), Ok(()));
                let (methods, events) = (small.layout.methods.len(), small.script.len());
                if methods > 3 || events > 4 {
                    large.push(format!("{}: {methods} methods, {events} events", fault.id()));
                }
                let again = judge.judge(&Arc::new(small.clone()), loader).expect("it ran before");
                assert_eq!(Target::of(&again), Some(target.clone()));
            }
        }
        assert!(large.is_empty(), "{large:#?}");
    }
}
