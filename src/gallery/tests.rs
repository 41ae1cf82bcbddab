use std::ffi::OsStr;
use std::fs;
use std::sync::Arc;

use super::{ALL, FILES, Fault, LoaderError, loader};
use crate::engine::EngineKind;
use crate::image::decisions::{Compiler, CompilerDecision, ComposedCompiler, FixedCompiler};
use crate::judge::Judge;
use crate::loader::{ComposedLoader, Decision, Fixed, Loader};
use crate::scenario::Scenario;
use crate::tests::{corpus, root};

/// Files of this room that hold no bug.
const OTHERS: [&str; 4] = ["mod", "compose", "fault", "tests"];

#[test]
fn every_file_is_declared() {
    let folder = root().join("src/gallery");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        assert_eq!(path.extension(), Some(OsStr::new("rs")), "{} is no fault", path.display());
        files.extend(path.file_stem().and_then(OsStr::to_str).map(str::to_owned));
    }
    files.retain(|file| !OTHERS.contains(&file.as_str()));
    files.sort();
    let mut declared = FILES.to_vec();
    declared.sort_unstable();
    assert_eq!(files, declared, "`gallery!` in src/gallery/mod.rs lists every file of a fault");
}

#[test]
fn a_fault_stands_in_the_file_that_is_named_for_it() {
    for (file, fault) in FILES.iter().zip(ALL) {
        assert_eq!(*file, fault.id().replace('-', "_"));
        assert!(fault.story().len() > 100, "{file}: no story");
        let first = fault.id().split('-').nth(1).and_then(|n| n.parse().ok());
        assert!(first.is_some_and(|n| fault.upstream.contains(&n)), "{file}: upstream numbers");
        assert!(fault.overridden().next().is_some(), "{file}: it overrides nothing");
    }
}

/// The regression corpus, and judges that compare runs of it.
struct Corpus {
    scenarios: Vec<Arc<Scenario>>,
    judges: [Judge; 2],
}

impl Corpus {
    fn new() -> Self {
        let judge = || Judge::new(&[EngineKind::PAPER]);
        Self {
            scenarios: corpus().into_iter().map(|case| case.scenario).collect(),
            judges: [judge(), judge()],
        }
    }

    /// How many scenarios run otherwise under one loader than under the other: the modules, what
    /// the loader does, or what is seen.
    fn differing(&mut self, one: &'static dyn Loader, other: &'static dyn Loader) -> usize {
        let [first, second] = &mut self.judges;
        let differs = |scenario: &&Arc<Scenario>| {
            let emission = first.emission(&scenario.layout, one);
            let others = second.emission(&scenario.layout, other);
            let mut same = emission.program.is_same(&others.program);
            let judged = first.judge_watched(scenario, &emission, one, &mut |vm, _| {
                let watched = second.judge_watched(scenario, &others, other, &mut |its, _| {
                    same &= vm.trace == its.trace && vm.observation == its.observation;
                });
                watched.expect("paper runs anything");
            });
            judged.expect("paper runs anything");
            !same
        };
        self.scenarios.iter().filter(differs).count()
    }

    /// How many scenarios have a finding under a loader.
    fn finding(&mut self, loader: &'static dyn Loader) -> usize {
        let judge = &mut self.judges[0];
        let shows = |scenario: &&Arc<Scenario>| {
            let verdicts = judge.judge(scenario, loader).expect("paper runs anything");
            verdicts.iter().any(|verdict| verdict.headline().is_some())
        };
        self.scenarios.iter().filter(shows).count()
    }
}

/// The fixed loader with these decisions of the fault's.
fn only(
    fault: &Fault,
    decisions: &[Decision],
    compiled: &[CompilerDecision],
) -> &'static dyn Loader {
    let id: &str = format!("{}: {decisions:?}, {compiled:?}", fault.id()).leak();
    let mut compiler = ComposedCompiler::new(id);
    for &decision in compiled {
        compiler.ask(decision, fault.loader.compiler());
    }
    // Modules are kept by compiler.
    let compiler: &dyn Compiler =
        if compiled.is_empty() { &FixedCompiler } else { Box::leak(Box::new(compiler)) };
    let mut loader = ComposedLoader::new(id, compiler);
    for &decision in decisions {
        loader.ask(decision, fault.loader);
    }
    Box::leak(Box::new(loader))
}

#[test]
fn a_fault_overrides_the_decisions_that_it_declares_and_no_other() {
    let mut corpus = Corpus::new();
    for fault in ALL {
        let (decisions, compiled) = (fault.decisions, fault.compiler_decisions);
        let declared = only(fault, decisions, compiled);
        let differing = corpus.differing(fault.loader, declared);
        assert_eq!(differing, 0, "{} overrides more than it declares", fault.id());
        let loaders = decisions.iter().map(|&decision| only(fault, &[decision], &[]));
        let compilers = compiled.iter().map(|&decision| only(fault, &[], &[decision]));
        for loader in loaders.chain(compilers) {
            assert!(corpus.differing(loader, &Fixed) > 0, "{} overrides nothing", loader.id());
        }
    }
}

/// A loader that answers wrongly where no fault of the gallery does.
#[derive(Debug)]
struct Upturned;

impl Loader for Upturned {
    fn id(&self) -> &'static str {
        "upturned"
    }

    fn ensures_multi_callable_address(&self) -> bool {
        false
    }

    fn ensures_virtual_call(&self) -> bool {
        false
    }

    fn ensures_virtual_function_pointer(&self) -> bool {
        false
    }

    fn ensures_delegate(&self) -> bool {
        false
    }
}

/// What [`Upturned`] answers wrongly.
const UPTURNED: [Decision; 4] = [
    Decision::EnsuresMultiCallableAddress,
    Decision::EnsuresVirtualCall,
    Decision::EnsuresVirtualFunctionPointer,
    Decision::EnsuresDelegate,
];

/// Mutants are planted in no macro, and the right answers stand in one: each is turned round here,
/// or by a fault, which the matrix holds.
#[test]
fn every_right_answer_matters() {
    let mut corpus = Corpus::new();
    for &decision in Decision::ALL {
        let by_fault = ALL.iter().any(|fault| fault.decisions.contains(&decision));
        assert!(by_fault != UPTURNED.contains(&decision), "{}: who has it wrong?", decision.name());
    }
    for decision in UPTURNED {
        let mut loader = ComposedLoader::new("upturned", &FixedCompiler);
        loader.ask(decision, &Upturned);
        let found = corpus.finding(Box::leak(Box::new(loader)));
        assert!(found > 0, "nothing shows that {} is wrong", decision.name());
    }
    for decision in CompilerDecision::ALL {
        let by_fault = ALL.iter().any(|fault| fault.compiler_decisions.contains(decision));
        assert!(by_fault, "{}: who has it wrong?", decision.name());
    }
}

#[test]
fn a_composed_loader_has_every_defect_of_its_faults() {
    let mut corpus = Corpus::new();
    // Two of the loader's; two of the compiler's; one of each.
    for (one, other) in
        [("issue-131886", "pr-134108"), ("issue-129622", "pr-129173"), ("pr-132965", "pr-120153")]
    {
        let id = format!("{one}+{other}");
        let both = loader(&id).expect("the faults are of different decisions");
        assert_eq!(both.id(), id);
        for id in [one, other] {
            let alone = loader(id).expect("it is in the gallery");
            let (with, without) = (corpus.differing(both, &Fixed), corpus.differing(both, alone));
            assert!(without > 0 && without < with, "{}: {without} of {with}", both.id());
        }
    }
}

#[test]
fn a_compiler_is_its_own_or_a_composed_one() {
    let compiler = |id| loader(id).expect("they compose").compiler().name();
    assert_eq!(compiler("issue-131886+pr-134108"), "fixed");
    assert_eq!(compiler("issue-131886+pr-132965"), "pr-132965");
    assert_eq!(compiler("pr-132965+issue-131886+pr-129173"), "pr-132965+pr-129173");
}

#[test]
fn what_does_not_compose_is_refused_in_one_line() {
    for (id, line) in [
        ("issue-131886+", "`issue-131886+` names no fault beside a `+`"),
        ("+issue-131886", "`+issue-131886` names no fault beside a `+`"),
        ("issue-131886++pr-134108", "`issue-131886++pr-134108` names no fault beside a `+`"),
        ("+", "`+` names no fault beside a `+`"),
        ("fixed+pr-134108", "`fixed+pr-134108`: `fixed` is no fault; leave it out"),
        ("pr-134108+issue-131886+pr-134108", "`pr-134108` is named twice"),
        (
            "issue-131886+issue-129861+issue-134200",
            "issue-129861 and issue-134200 both override the decision `key`",
        ),
        (
            "issue-134355+pr-129766",
            "issue-134355 and pr-129766 both override the decision `dispatches_exports`",
        ),
        ("issue-129622+pr-132926", "issue-129622 and pr-132926 both override the decision `roots`"),
    ] {
        let error = loader(id).expect_err(id);
        assert_eq!(error.to_string(), line);
    }
    let alone = loader("issue-13186").expect_err("there is none");
    assert_eq!(loader("pr-134108+issue-13186").expect_err("there is none"), alone);
    assert_eq!(alone, LoaderError::Unknown("issue-13186".to_owned()));
    assert!(alone.to_string().contains("issue-131886"), "{alone}");
}
