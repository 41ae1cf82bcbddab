//! The C# programs of the corpus and of generated scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use arbitrary::Unstructured;
use calliper::csharp;
use calliper::reference::expect;
use calliper::scenario::generate::generate;
use calliper::scenario::{Scenario, StructShape, Type, meaning, text};
use tree_sitter::{Node, Parser};

use crate::util::{corpus, root};

/// Scenarios that are no regressions, by name.
const FIXTURES: [(&str, &str); 2] = [
    ("every-form", include_str!("fixtures/scenario/every-form.toml")),
    ("every-path", include_str!("fixtures/scenario/every-path.toml")),
];

fn fixtures() -> impl Iterator<Item = (&'static str, Scenario)> {
    FIXTURES.into_iter().map(|(name, text)| {
        let scenario = text::parse(name, text.as_bytes()).expect("the fixture is valid");
        (name, scenario)
    })
}

/// Scenarios that mean the same for ever.
fn generated(count: u64) -> impl Iterator<Item = Scenario> {
    (0..count).map(|seed| {
        let words = (0..seed % 160).map(|at| meaning::mix(seed, at));
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        generate(&mut Unstructured::new(&bytes))
    })
}

#[test]
fn every_program_of_the_corpus_is_as_it_was() {
    let mut named = BTreeSet::new();
    for case in corpus() {
        let name = case.name.replace(['/', '\\'], "-");
        snapshot(&name, &case.scenario);
        assert!(named.insert(format!("{name}.snap")), "two scenarios are called {name}");
    }
    for (name, scenario) in fixtures() {
        snapshot(name, &scenario);
        named.insert(format!("{name}.snap"));
    }
    for entry in fs::read_dir(snapshots()).expect("the snapshots are there") {
        let name = entry.expect("it can be listed").file_name().to_string_lossy().into_owned();
        let known = named.contains(&name) || name == "support.snap" || name.ends_with(".new");
        assert!(known, "{name} is of no scenario; delete it");
    }
}

fn snapshots() -> PathBuf {
    root().join("tests/snapshots/csharp")
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// Everything but what no scenario changes.
fn snapshot(name: &str, scenario: &Scenario) {
    let mut all = String::new();
    for (path, text) in csharp::program(scenario) {
        let path = path.display().to_string().replace('\\', "/");
        if path.starts_with("Calliper.Runtime") && !path.ends_with("Types.cs") {
            continue;
        }
        let usings = text.find("using System;").zip(text.find("MethodImplOptions;\n"));
        let text = match usings {
            Some((from, to)) => format!("{}using ...{}", &text[..from], &text[to + 18..]),
            None => text,
        };
        all.push_str(&format!("=== {path}\n{text}"));
    }
    settings().bind(|| insta::assert_snapshot!(name, all));
}

#[test]
fn the_support_code_is_as_it_was() {
    let files = csharp::program(&Scenario::default());
    let support = files.iter().find(|(path, _)| path.ends_with("Calliper.cs")).expect("support");
    settings().bind(|| insta::assert_snapshot!("support", support.1));
}

#[test]
fn every_program_is_c_sharp() {
    let mut syntax = Syntax::new();
    for case in corpus() {
        syntax.check(&case.name, &case.scenario);
    }
    for (name, scenario) in fixtures() {
        syntax.check(name, &scenario);
    }
    for (index, scenario) in generated(600).enumerate() {
        syntax.check(&format!("generated {index}"), &scenario);
    }
}

/// Parses sources, each text once.
struct Syntax {
    parser: Parser,
    seen: BTreeSet<String>,
}

impl Syntax {
    fn new() -> Self {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_c_sharp::LANGUAGE.into()).expect("the grammar loads");
        Syntax { parser, seen: BTreeSet::new() }
    }

    fn check(&mut self, name: &str, scenario: &Scenario) {
        for (path, source) in csharp::program(scenario) {
            let is_source = path.extension().is_some_and(|e| e == "cs");
            if is_source && self.seen.insert(source.clone()) {
                let tree = self.parser.parse(&source, None).expect("a parser with a language");
                let wrong = wrong_node(tree.root_node()).map(|node| node.start_position().row + 1);
                assert_eq!(wrong, None, "{name}: {} at this line\n{source}", path.display());
            }
        }
    }
}

/// The first node that is no C#.
fn wrong_node(root: Node<'_>) -> Option<Node<'_>> {
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if node.is_error() || node.is_missing() {
            return Some(node);
        }
        let children = (0..node.child_count()).rev();
        pending.extend(children.filter_map(|i| node.child(i as _)).filter(Node::has_error));
    }
    None
}

#[test]
fn the_same_scenario_gives_the_same_program() {
    for scenario in generated(50) {
        assert_eq!(csharp::program(&scenario), csharp::program(&scenario.clone()));
    }
}

#[test]
fn paths_are_told_apart_by_any_file_system() {
    for scenario in generated(200) {
        let paths = csharp::program(&scenario).into_iter().map(|(path, _)| path);
        let paths: Vec<String> = paths.map(|p| p.display().to_string().to_lowercase()).collect();
        let distinct: BTreeSet<&String> = paths.iter().collect();
        assert_eq!(distinct.len(), paths.len(), "{paths:?}");
    }
}

#[test]
fn expected_results_are_the_references() {
    let mut compared = 0;
    let corpus = corpus().into_iter().map(|case| (*case.scenario).clone());
    let others = fixtures().map(|(_, scenario)| scenario).chain(generated(400));
    for scenario in corpus.chain(others).filter(|s| !has_empty_structs(s)) {
        let wanted = counted(references_results(&scenario).into_iter());
        let files = csharp::program(&scenario);
        let main =
            &files.iter().find(|(path, _)| path.ends_with("Program.cs")).expect("a script").1;
        compared += wanted.values().sum::<usize>();
        assert_eq!(counted(written_results(main)), wanted, "{main}");
    }
    assert!(compared > 2_000, "{compared} results");
}

/// Padding is not what C# passes on; such values are 0 there.
fn has_empty_structs(scenario: &Scenario) -> bool {
    scenario.layout.structs.iter().any(|s| s.shape == StructShape::Empty)
}

fn counted(results: impl Iterator<Item = u64>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result).or_default() += 1;
    }
    counts
}

/// The constants behind `Report.Result(` and `Report.Done(`.
fn written_results(main: &str) -> impl Iterator<Item = u64> {
    let behind = |call| main.split(call).skip(1);
    behind("Report.Result(0x").chain(behind("Report.Done(0x")).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        u64::from_str_radix(&digits, 16).expect("hexadecimal digits")
    })
}

/// What each call must give: its result's bits, a hash of a large result, or of what a callee
/// that returns nothing sees.
fn references_results(scenario: &Scenario) -> Vec<u64> {
    let expectation = expect(scenario);
    let words = |bytes: &[u8]| -> Vec<u64> {
        let chunk = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        };
        bytes.chunks(8).map(chunk).collect()
    };
    let result = |call: &calliper::reference::ExpectedCall| {
        let result = words(&expectation.bytes[call.result.clone()]);
        let seen = words(&expectation.bytes[call.arguments.clone()]);
        match result.as_slice() {
            [] => {
                let mut wide = scenario.layout.clone();
                wide.methods[usize::from(call.callee.0)].signature.ret = Some(Type::U64);
                let mut out = Vec::new();
                let seen: Vec<u8> = seen.into_iter().flat_map(u64::to_le_bytes).collect();
                meaning::push_result(&wide, call.callee, &seen, &mut out);
                words(&out)[0]
            }
            [word] => *word,
            words => words.iter().fold(0, |hash, &word| meaning::mix(hash, word)),
        }
    };
    expectation.calls.iter().map(result).collect()
}
