//! The regression corpus: how much of the program space it holds, and that it replays as it says.

use std::collections::{BTreeMap, BTreeSet};

use crate::abi::Shape;
use crate::abi::crossgen::lower;
use crate::engine::EngineKind;
use crate::replay::{Case, Loaders, ReplayPlan, replay};
use crate::scenario::meaning;
use crate::scenario::spell::spell;
use crate::scenario::targets::Variables;
use crate::scenario::{
    Action, Binding, Caller, Code, Convention, Event, Scenario, Site, Type, binary, text,
};

use crate::tests::util::{complaint, corpus};

/// The worked examples of signature lowering: C# signature, managed key, and
/// the key of the `[UnmanagedCallersOnly]` form where there is one.
const WORKED_EXAMPLES: [(&str, &str, Option<&str>); 10] = [
    ("int (int, int)", "iiip", Some("iii")),
    ("void ()", "vp", Some("v")),
    ("long (long, double, float)", "lldfp", Some("lldf")),
    ("instance void (int)", "vTip", None),
    ("S16 ()", "S16p", Some("S16")),
    ("instance S12 (int)", "S12Tip", None),
    ("void (S8)", "vS8p", Some("vS8")),
    ("int (Wrapped)", "idp", Some("id")),
    ("void (Int128)", "vl2p", Some("vl2")),
    ("Vector128<int> (Vector128<int>)", "VVp", Some("VV")),
];

/// Every way from a call site to a managed method.
const MANAGED_PATHS: [&str; 5] = [
    "lazy direct call from R2R",
    "eager direct call from R2R",
    "direct call from the interpreter",
    "managed calli from R2R",
    "managed calli from the interpreter",
];

/// Every way from a call site to a UCO method.
const UNMANAGED_PATHS: [&str; 3] =
    ["unmanaged calli from R2R", "unmanaged calli from the interpreter", "native caller"];

const CODES: [Code; 3] = [Code::ReadyToRun, Code::Interpreted, Code::Both];

/// Signature as C# spells it, key, path, and the callee's code.
type Reached = BTreeSet<(String, String, &'static str, String)>;

fn path(site: &Site) -> Option<&'static str> {
    Some(match (&site.action, site.caller) {
        (Action::Direct { binding: Binding::Lazy, .. }, Caller::ReadyToRun(_)) => MANAGED_PATHS[0],
        (Action::Direct { binding: Binding::Eager, .. }, Caller::ReadyToRun(_)) => MANAGED_PATHS[1],
        (Action::Direct { .. }, _) => MANAGED_PATHS[2],
        (Action::ManagedCalli(_), Caller::ReadyToRun(_)) => MANAGED_PATHS[3],
        (Action::ManagedCalli(_), _) => MANAGED_PATHS[4],
        (Action::UnmanagedCalli(_), Caller::ReadyToRun(_)) => UNMANAGED_PATHS[0],
        (Action::UnmanagedCalli(_), Caller::Interpreter(_)) => UNMANAGED_PATHS[1],
        (Action::UnmanagedCalli(_), Caller::Native) => UNMANAGED_PATHS[2],
        _ => return None,
    })
}

/// What the scripts of the corpus call, and how.
fn reached(cases: &[Case]) -> Reached {
    let mut reached = Reached::new();
    for case in cases {
        let (scenario, layout) = (&case.scenario, &case.scenario.layout);
        let mut variables = Variables::new(scenario);
        for event in &scenario.script {
            variables.step(event);
            let Event::Call(call) = event else { continue };
            let Some(target) = variables.target(call) else { continue };
            let method = layout.method(target.method);
            let shape = match method.convention {
                Convention::Managed => Shape::Managed,
                Convention::UnmanagedCallersOnly | Convention::PInvoke => Shape::Unmanaged,
            };
            let Some(path) = path(layout.site(call.site)) else { continue };
            reached.insert((
                spell(layout, &method.signature),
                lower(layout, &method.signature, shape).to_string(),
                path,
                format!("{:?}", method.code),
            ));
        }
    }
    reached
}

#[test]
fn every_worked_example_is_called_through_every_path_to_every_kind_of_callee() {
    let cases = corpus();
    assert!(cases.len() >= 30, "{} scenarios", cases.len());
    let reached = reached(&cases);
    let mut missing = Vec::new();
    for (signature, managed, unmanaged) in WORKED_EXAMPLES {
        let managed = MANAGED_PATHS.iter().map(|path| (managed, path));
        let unmanaged =
            unmanaged.into_iter().flat_map(|k| UNMANAGED_PATHS.iter().map(move |p| (k, p)));
        for (key, path) in managed.chain(unmanaged) {
            for code in CODES {
                let code = format!("{code:?}");
                let wanted = (signature.to_owned(), key.to_owned(), *path, code);
                if !reached.contains(&wanted) {
                    missing.push(wanted);
                }
            }
        }
    }
    assert!(missing.is_empty(), "not called in any scenario: {missing:#?}");
}

#[test]
fn the_corpus_replays_without_surprises() {
    let plan = ReplayPlan { loaders: Loaders::Named, engines: EngineKind::available() };
    let outcomes = replay(&plan, corpus(), |_| ());
    assert_eq!(complaint(&outcomes), None);
}

#[test]
fn every_scenario_says_what_it_is_for_and_survives_both_forms() {
    for case in corpus() {
        let source = std::fs::read_to_string(&case.path).expect("it was read before");
        assert!(source.starts_with("# "), "{}: begins with a comment", case.name);
        let scenario = &*case.scenario;
        let printed = text::print(scenario);
        let read = text::parse(&case.name, printed.as_bytes()).expect("what is printed is read");
        assert_eq!(&read, scenario, "{}", case.name);
        let bytes = binary::encode(scenario);
        assert_eq!(&binary::decode(&bytes).expect("what is encoded is decoded"), scenario);
    }
}

/// Whether a value of the type is a word that could be taken for another one.
fn is_word(ty: Type) -> bool {
    use Type::{I32, I64, NInt, NUInt, Object, Pointer, U32, U64};
    matches!(ty, I32 | U32 | NInt | NUInt | Pointer | Object | I64 | U64)
}

/// Words that calls pass, with how often each is passed.
fn words(scenario: &Scenario) -> BTreeMap<u64, usize> {
    let mut words = BTreeMap::new();
    for event in &scenario.script {
        let Event::Call(call) = event else { continue };
        let layout = &scenario.layout;
        let typed = layout.call_signature(call.site).params.iter().zip(&call.args);
        let args = typed.filter(|(ty, _)| is_word(**ty)).map(|(_, &word)| word);
        // The address of an object is told by being one.
        let is_object = |word: &u64| {
            u32::try_from(*word).is_ok_and(|word| meaning::class_at(layout, word).is_some())
        };
        for word in args.chain(call.this.map(u64::from)).filter(|word| !is_object(word)) {
            *words.entry(word).or_insert(0) += 1;
        }
    }
    words
}

/// Programs that keep the arguments that an upstream thread gives.
const QUOTED: [&str; 3] = ["issue-129857", "gallery/issue-131639", "gallery/issue-131639.healthy"];

/// A shifted or swapped argument must not look like the right one.
#[test]
fn arguments_are_distinguishable_constants() {
    for case in corpus().iter().filter(|case| !QUOTED.contains(&case.name.as_str())) {
        for (word, times) in words(&case.scenario) {
            assert!(word > 0xffff, "{}: {word:#x} could be anything", case.name);
            assert_eq!(times, 1, "{}: {word:#x} is passed more than once", case.name);
        }
    }
}
