//! The C# programs of the corpus and of generated scenarios.
//!
//! Of every one the syntax is checked, and the results that it expects, which are the reference's.
//! Ten are kept word for word ([`SHOWN`]), so that a change of what is written is a change that can
//! be read: one that goes through every call path, which a test asserts, and nine small ones, each
//! for something that the first has not or that is lost in it. Project files and support code are
//! the same in each, and are left out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::mem::{Discriminant, discriminant};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::csharp;
use crate::reference::expect;
use crate::replay::Case;
use crate::scenario::generate::generate;
use crate::scenario::{Action, Caller, RuntimePath, Scenario, StructShape, Type, meaning, text};
use arbitrary::Unstructured;
use tree_sitter::{Node, Parser};

use crate::tests::util::{corpus, root};

/// Scenarios whose programs are kept, and what each shows.
const SHOWN: [(&str, &str); 10] = [
    ("programs/every-path", "every call path, caller and kind of callee"),
    ("issue-129857", "a pointer to an [UnmanagedCallersOnly] method, called by compiled code"),
    ("issue-129857/interpreted-caller", "and by code that has no R2R body"),
    ("issue-129857/compiled-touched-then-prepared", "events of the loader's own are comments"),
    ("gallery/issue-130739-keys", "namespaces and nested types out of a metadata name"),
    ("gallery/pr-134108", "a delegate that is closed over its first argument"),
    ("gallery/pr-131167", "an async method that is resumed"),
    ("programs/callbacks", "calls inside calls, through managed and native code"),
    ("signatures/not-a-number", "constants that no literal of C# can be"),
    ("two-assemblies/pending-managed-thunk", "a project for each assembly"),
];

/// A scenario with every key and kind of argument of the text form, which is no regression.
fn every_form() -> Scenario {
    let text = include_str!("fixtures/every-form.toml");
    text::parse("every-form", text.as_bytes()).expect("the fixture is valid")
}

/// Every scenario that is kept as text, by name.
fn written() -> Vec<(String, Arc<Scenario>)> {
    let corpus = corpus().into_iter().map(|case| (case.name, case.scenario));
    corpus.chain([("every-form".to_owned(), Arc::new(every_form()))]).collect()
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
fn the_programs_that_are_shown_are_as_they_were() {
    let corpus = corpus();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut named = BTreeSet::new();
    for (name, what) in SHOWN {
        let case = corpus.iter().find(|case| case.name == name).expect(name);
        settings.set_description(what);
        let file = name.replace('/', "-");
        settings.bind(|| insta::assert_snapshot!(file.as_str(), shown(&case.scenario)));
        named.insert(format!("{file}.snap"));
    }
    for entry in fs::read_dir(snapshots()).expect("the snapshots are there") {
        let name = entry.expect("it can be listed").file_name().to_string_lossy().into_owned();
        assert!(named.contains(&name) || name.ends_with(".new"), "{name} is not shown; delete it");
    }
}

fn snapshots() -> PathBuf {
    root().join("src/tests/snapshots/csharp")
}

/// What a scenario makes of its program: no project file, and no support code.
fn shown(scenario: &Scenario) -> String {
    let mut all = String::new();
    for (path, text) in csharp::program(scenario) {
        let path = path.display().to_string().replace('\\', "/");
        if path.ends_with(".csproj") || path.ends_with("Calliper.cs") {
            continue;
        }
        let support = text.find("using System;").zip(text.find("MethodImplOptions;\n"));
        let text = match (support, text.split_once(C_SUPPORT_ENDS)) {
            (Some((from, to)), _) => format!("{}using ...{}", &text[..from], &text[to + 18..]),
            (_, Some((_, rest))) => format!("/* ... */\n{rest}"),
            _ => text,
        };
        all.push_str(&format!("=== {path}\n{text}"));
    }
    all
}

/// The last line of what every C file begins with.
const C_SUPPORT_ENDS: &str = "typedef int32_t vector512 __attribute__((vector_size(64)));\n";

/// What a site does, who does it, and for a site of the runtime's own, which path that is.
type CallPath = (Discriminant<Action>, Discriminant<Caller>, Option<Discriminant<RuntimePath>>);

fn call_paths(scenario: &Scenario) -> impl Iterator<Item = CallPath> {
    scenario.layout.sites.iter().map(|site| {
        let path = match &site.action {
            Action::Runtime { path, .. } => Some(discriminant(path)),
            _ => None,
        };
        (discriminant(&site.action), discriminant(&site.caller), path)
    })
}

#[test]
fn every_call_path_is_shown() {
    let corpus = corpus();
    let is_shown = |case: &&Case| SHOWN.iter().any(|(name, _)| case.name == *name);
    let shown: HashSet<CallPath> =
        corpus.iter().filter(is_shown).flat_map(|case| call_paths(&case.scenario)).collect();
    for case in &corpus {
        for path in call_paths(&case.scenario) {
            assert!(shown.contains(&path), "a call path of {} is not shown", case.name);
        }
    }
}

#[test]
fn projects_refer_to_projects_that_are_there_and_not_in_a_circle() {
    let others = generated(200).map(|scenario| ("generated".to_owned(), Arc::new(scenario)));
    for (name, scenario) in written().into_iter().chain(others) {
        let files = csharp::program(&scenario);
        let mut left: BTreeMap<String, Vec<&str>> = files
            .iter()
            .filter_map(|(path, text)| {
                let project = path.file_name()?.to_str()?.strip_suffix(".csproj")?;
                let references = text.split("<ProjectReference Include=\"").skip(1);
                let names = references.filter_map(|rest| rest.split('/').nth(1)).collect();
                Some((project.to_owned(), names))
            })
            .collect();
        // Those that refer to none that is left can be built.
        while !left.is_empty() {
            let count = left.len();
            let before: BTreeSet<String> = left.keys().cloned().collect();
            left.retain(|_, references| references.iter().any(|name| before.contains(*name)));
            assert!(left.len() < count, "{name}: {left:?}");
        }
        for (path, text) in &files {
            for rest in text.split("<ProjectReference Include=\"../").skip(1) {
                let file = rest.split_once('"').expect("the attribute ends").0;
                let is_there = files.iter().any(|(other, _)| other == Path::new(file));
                assert!(is_there, "{name}: {} refers to {file}", path.display());
            }
        }
    }
}

/// The C code has the definitions of `meaning` once more.
#[test]
fn the_c_code_mixes_as_meaning_does() {
    let case = corpus().into_iter().find(|case| case.name == "programs/callbacks").expect("it is");
    let files = csharp::program(&case.scenario);
    let source = &files.iter().find(|(path, _)| path.ends_with("calliper.c")).expect("C code").1;
    let (support, _) = source.split_once(C_SUPPORT_ENDS).expect("it begins with support code");
    let main = r#"
#include <stdio.h>
int main(void)
{
    unsigned char bytes[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    uint64_t filled[2];
    fill(filled, sizeof filled, 0x1122334455667788u);
    printf("%llx %llx %llx %llx\n", (unsigned long long)mix(1, 2),
           (unsigned long long)fold(3, bytes, sizeof bytes), (unsigned long long)filled[0],
           (unsigned long long)filled[1]);
}
"#;
    let directory = tempfile::tempdir().expect("a directory");
    let (file, program) = (directory.path().join("main.c"), directory.path().join("main"));
    fs::write(&file, [support, C_SUPPORT_ENDS, main].concat()).expect("written");
    let built = Command::new("cc").arg(&file).arg("-o").arg(&program).status().expect("a linker");
    assert!(built.success());
    let printed = Command::new(&program).output().expect("it starts").stdout;
    let folded = meaning::mix(meaning::mix(3, 0x0807_0605_0403_0201), 9);
    let word = 0x1122_3344_5566_7788;
    let wanted =
        format!("{:x} {folded:x} {word:x} {:x}\n", meaning::mix(1, 2), meaning::mix(word, 1));
    assert_eq!(String::from_utf8_lossy(&printed), wanted);
}

#[test]
fn every_program_is_c_sharp() {
    let mut syntax = Syntax::new();
    for (name, scenario) in written() {
        syntax.check(&name, &scenario);
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
    let written = written().into_iter().map(|(_, scenario)| scenario);
    let all = written.chain(generated(400).map(Arc::new));
    for scenario in all.filter(|s| !has_empty_structs(s)) {
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
    let result = |call: &crate::reference::ExpectedCall| {
        let result = words(&expectation.bytes[call.result.clone()]);
        let seen = words(&expectation.bytes[call.arguments.clone()]);
        match result.as_slice() {
            [] => {
                let mut wide = scenario.layout.clone();
                wide.methods[call.callee].signature.ret = Some(Type::U64);
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
