//! The command as people and scripts use it: outputs, exit codes, bad input.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use calliper::EngineKind;
use serde_json::Value;
use tempfile::TempDir;

use crate::util::{SEED, assert_one_line, calliper, command, names, root, stderr, stdout, utf8};

fn seed_text() -> String {
    fs::read_to_string(root().join(SEED)).expect("the seed")
}

/// A directory that holds the seed's program as `good.toml`, and more files.
fn directory(more: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("good.toml"), seed_text()).expect("written");
    for (name, content) in more {
        fs::write(directory.path().join(name), content).expect("written");
    }
    directory
}

fn path(directory: &TempDir) -> &str {
    utf8(directory.path())
}

#[test]
fn the_corpus_replays_as_expected_on_all_engines() {
    let output = calliper(&["replay"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let last = text.lines().last().expect("a summary");
    let count = text.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(count >= 30, "{text}");
    let engines = names(&EngineKind::by_default());
    assert_eq!(
        last,
        format!("replayed {count} scenarios on {engines}: {count} as expected, 0 surprises")
    );
}

#[test]
fn the_seed_is_reproduced_under_its_fault_and_gone_under_the_fixed_loader() {
    let output = calliper(&["replay", "--format", "json", SEED]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["surprises"], 0);
    let rows = document["scenarios"].as_array().expect("an array");
    for engine in EngineKind::by_default() {
        let row = |loader: &str| {
            let found = rows.iter().find(|r| r["loader"] == loader && r["engine"] == engine.name());
            found.expect("each loader on each engine").clone()
        };
        let fixed = row("fixed");
        assert_eq!(fixed["name"], "issue-129857");
        assert_eq!(fixed["verdict"], "agree");
        assert_eq!(fixed["class"], Value::Null);
        assert_eq!(fixed["expected"], "agree");
        let fault = row("issue-129857");
        assert_eq!(fault["verdict"], "finding");
        assert_eq!(fault["class"], "signature-mismatch");
        assert_eq!(fault["expected"], "signature-mismatch");
    }
}

#[test]
fn explain_tells_the_account_of_an_expected_finding() {
    let output = calliper(&["replay", "--loader", "issue-129857", "--explain", SEED]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("as expected: issue-129857 under issue-129857 on paper"), "{text}");
    assert!(text.contains("  signature-mismatch ["), "{text}");
}

#[test]
fn a_surprise_is_told_in_full_and_exits_with_1() {
    // The same program, with the promise of another class.
    let silent = seed_text().replacen("\"signature-mismatch\"", "\"null-slot\"", 1);
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("silent.toml"), silent).expect("written");
    let output = calliper(&["replay", "--loader", "issue-129857", path(&directory)]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    assert!(text.starts_with("SURPRISE  silent"), "{text}");
    assert!(text.contains("expected null-slot, got signature-mismatch"), "{text}");
    assert!(text.ends_with("0 as expected, 1 surprises\n"), "{text}");
}

#[test]
fn output_does_not_change_from_run_to_run() {
    let first = calliper(&["replay", "--explain"]);
    let second = calliper(&["replay", "--explain"]);
    assert!(first.stdout == second.stdout);
}

#[test]
fn one_engine_can_be_asked_for() {
    let by_default = EngineKind::by_default();
    let (paper, other) = (by_default[0].name(), by_default[by_default.len() - 1].name());
    let list = format!("{other},{paper},{other}");
    let output = calliper(&["replay", "--engine", &list, "--loader", "fixed", SEED]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        format!(
            "ok        issue-129857  fixed: agree\n\
             replayed 1 scenarios on {other}, {paper}: 1 as expected, 0 surprises\n"
        )
    );
}

#[test]
fn every_engine_of_the_build_can_be_named() {
    for kind in EngineKind::available() {
        let engine = kind.name();
        let replayed = calliper(&["replay", "--engine", engine, "--loader", "fixed", SEED]);
        assert_eq!(replayed.status.code(), Some(0), "{}", stderr(&replayed));
        let summary = format!("scenarios on {engine}: 1 as expected, 0 surprises\n");
        assert!(stdout(&replayed).ends_with(&summary), "{}", stdout(&replayed));
        let fuzzed = calliper(&["fuzz", "--engine", engine, "--jobs", "1", "--runs", "300"]);
        assert_eq!(fuzzed.status.code(), Some(0), "{}", stderr(&fuzzed));
        assert!(stdout(&fuzzed).contains(&format!("on {engine}: ")), "{}", stdout(&fuzzed));
    }
    // Its control is 20,000 scenarios: once will do.
    let last = EngineKind::available().pop().expect("paper is one").name();
    let fault = ["--fault", "issue-129857", "--seeds", "1", "--no-baselines"];
    let scored = calliper(&[&["score", "--engine", last], fault.as_slice()].concat());
    assert_eq!(scored.status.code(), Some(0), "{}", stderr(&scored));
    assert!(stdout(&scored).contains("| 1 | 1 | 1 | 1 |"), "{}", stdout(&scored));
}

#[test]
fn help_says_what_each_engine_is() {
    for command in ["replay", "fuzz", "shrink", "score"] {
        let output = calliper(&[command, "--help"]);
        for kind in EngineKind::available() {
            let start = format!("{:<8}  ", kind.name());
            let mut lines = stdout(&output).lines();
            let told = lines.any(|line| line.trim_start().starts_with(&start));
            assert!(told, "{command}: {}\n{}", kind.name(), stdout(&output));
        }
    }
}

#[test]
fn bad_usage_is_one_line_that_lists_what_there_is() {
    assert_one_line(&calliper(&["replay", "--loader", "nope"]), &["nope", "expected one of"]);
    let engines = names(&EngineKind::available());
    assert_one_line(&calliper(&["replay", "--engine", "v8"]), &["v8", &engines]);
    assert_one_line(&calliper(&["replay", "--engine", ""]), &[&engines]);
    assert_one_line(&calliper(&["replay", "--explain", "--format", "json"]), &["--format json"]);
    assert_eq!(calliper(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(calliper(&["replay", "--no-such-option"]).status.code(), Some(2));
    assert_eq!(calliper(&[]).status.code(), Some(2));
}

#[test]
fn missing_and_empty_paths_are_one_line() {
    let empty = tempfile::tempdir().expect("a directory");
    assert_one_line(&calliper(&["replay", path(&empty)]), &[path(&empty), "holds no scenario"]);
    assert_one_line(&calliper(&["replay", "no/such/path"]), &["no/such/path: no such file"]);
    assert_one_line(&calliper(&["replay", "/dev/null"]), &["/dev/null", "not a regular file"]);
}

#[test]
fn bad_files_are_one_line_each_and_the_rest_is_replayed() {
    let seed = seed_text();
    let unknown_fault = seed.replacen("[shows]\n", "[shows]\nno-such-fault = \"null-slot\"\n", 1);
    let unknown_class = seed.replacen("\"signature-mismatch\"", "\"no-such-class\"", 1);
    let version = seed.replacen("calliper = 1", "calliper = 9", 1);
    let contradiction = seed.replacen("    { load = \"Repro\" },\n", "", 1);
    let cyclic =
        "calliper = 1\ntitle = \"\"\n[structs]\nA = { wraps = \"B\" }\nB = { wraps = \"A\" }";
    let huge = vec![b'#'; (1 << 20) + 1];
    let bad: [(&str, &[u8], &str); 14] = [
        ("empty.toml", b"", ":1:1: the file is empty"),
        ("truncated.toml", &seed.as_bytes()[..seed.len() / 2], "; expected"),
        ("not-utf-8.toml", b"title = \"\xff\xfe\"", ":1:10: the byte 0xff is not UTF-8"),
        ("not-toml.toml", b"]]][[[\n\n\n= =", ":1:1: "),
        ("version.toml", version.as_bytes(), ":3:12: the format's version is `9`; expected"),
        (
            "contradiction.toml",
            contradiction.as_bytes(),
            "not loaded yet; expected its load before",
        ),
        ("cyclic.toml", cyclic.as_bytes(), ":4:16: struct `B` is not declared before"),
        ("unknown-fault.toml", unknown_fault.as_bytes(), ":8:1: unknown fault `no-such-fault`"),
        ("unknown-class.toml", unknown_class.as_bytes(), ":8:16: unknown finding class"),
        ("huge.toml", &huge, "larger than 1048576 bytes"),
        ("other-version.clpr", b"CLPR\xff\xff\xff\xff", "version 255; expected version 2"),
        ("truncated.clpr", b"CLPR\x02", "truncated"),
        ("empty.clpr", b"", "truncated"),
        ("malformed.clpr", b"CLPR\x02\x01\xff", "binary scenario"),
    ];
    for (name, content, said) in bad {
        let directory = directory(&[(name, content)]);
        let output = calliper(&["replay", "--engine", "paper", path(&directory)]);
        assert_one_line(&output, &[name, said]);
        let text = stdout(&output);
        assert!(
            text.ends_with("replayed 1 scenarios on paper: 1 as expected, 0 surprises\n"),
            "{text}"
        );
    }
    let all = directory(&bad.map(|(name, content, _)| (name, content)));
    let output = calliper(&["replay", "--engine", "paper", path(&all)]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output).lines().count(), bad.len(), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn symbolic_links_in_a_circle_do_not_hang() {
    use std::os::unix::fs::symlink;
    let directory = directory(&[]);
    let below = directory.path().join("below");
    fs::create_dir(&below).expect("made");
    symlink(directory.path(), below.join("up")).expect("linked");
    symlink("self", directory.path().join("self")).expect("linked");
    let output = calliper(&["replay", "--engine", "paper", "--loader", "fixed", path(&directory)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("ok        good  fixed: agree\nreplayed 1 "));
    symlink("loop.toml", directory.path().join("loop.toml")).expect("linked");
    assert_one_line(&calliper(&["replay", path(&directory)]), &["loop.toml", "symbolic links"]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = command()
        .args(["replay", "--explain", "--engine", "paper"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

#[test]
fn faults_are_listed_in_both_formats() {
    let text = calliper(&["faults"]);
    assert_eq!(text.status.code(), Some(0));
    let seed = stdout(&text).lines().any(|line| line.starts_with("issue-129857 "));
    assert!(seed, "{}", stdout(&text));
    let json = calliper(&["faults", "--format", "json"]);
    let rows: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let rows_of = |id: &str| rows.as_array()?.iter().find(|row| row["id"] == id);
    let seed = rows_of("issue-129857").expect("the seed is a fault");
    assert_eq!(seed["class"], "signature-mismatch");
    assert_eq!(seed["upstream"][0], 129857);
    assert!(seed["title"].is_string());
    assert_eq!(rows.as_array().map(Vec::len), Some(stdout(&text).lines().count()));
}

/// Two faults at once, and a scenario that shows each.
const BOTH: &str = "issue-131886+pr-134108";
const SHOWING: [&str; 2] =
    ["corpus/regressions/gallery/issue-131886.toml", "corpus/regressions/gallery/pr-134108.toml"];

#[test]
fn a_composed_loader_has_both_defects_and_nothing_is_expected_of_it() {
    let json = calliper(
        &[&["replay", "--loader", BOTH, "--format", "json", "--engine", "paper"], &SHOWING[..]]
            .concat(),
    );
    assert_eq!(json.status.code(), Some(0), "{}", stderr(&json));
    let rows: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let rows = rows["scenarios"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for (row, class) in rows.iter().zip(["out-of-bounds", "wrong-arguments"]) {
        assert_eq!((&row["loader"], &row["class"]), (&BOTH.into(), &class.into()), "{row}");
        assert_eq!(row["expected"], "anything", "{row}");
    }
    let text = calliper(&["replay", "--loader", BOTH, "--engine", "paper", SHOWING[0]]);
    assert!(stdout(&text).contains(BOTH), "{}", stdout(&text));
}

#[test]
fn loaders_that_do_not_compose_are_one_line() {
    let refused = |loader: &str, parts: &[&str]| {
        assert_one_line(&calliper(&["replay", "--loader", loader]), parts);
    };
    refused("issue-129861+issue-134200", &["issue-129861", "issue-134200", "`key`"]);
    refused("pr-134108+pr-134108", &["`pr-134108` is named twice"]);
    refused("fixed+pr-134108", &["`fixed` is no fault"]);
    refused("pr-134108+", &["`pr-134108+`"]);
    refused("pr-134108+issue-13186", &["`issue-13186`", "`issue-131886`", "`calliper faults`"]);
}

#[test]
fn emit_writes_valid_modules_that_can_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("a/b");
    let output = calliper(&["emit", SEED, "--out", utf8(&out)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let files: Vec<&Path> = stdout(&output).lines().map(Path::new).collect();
    assert!(files.contains(&out.join("runtime.wasm").as_path()), "{files:?}");
    assert!(files.len() >= 4, "{files:?}");
    for file in &files {
        let bytes = fs::read(file).expect("listed files are there");
        if file.extension().is_some_and(|e| e == "wasm") {
            wasmparser::validate(&bytes).expect("valid");
        } else {
            assert!(bytes.starts_with(b"(module"));
        }
    }
    let written = fs::read_dir(&out).expect("made").count();
    assert_eq!(written, files.len(), "nothing but what is listed");
}

#[test]
fn emit_writes_a_c_sharp_program() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("repro");
    let arguments = ["emit", SEED, "--format", "csharp", "--out", utf8(&out)];
    let output = calliper(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let listed: Vec<&Path> = stdout(&output).lines().map(Path::new).collect();
    for file in ["Repro/Repro.csproj", "Repro/Repro.cs", "Calliper.App/Program.cs"] {
        assert!(listed.contains(&out.join(file).as_path()), "{listed:?}");
    }
    let source = fs::read_to_string(out.join("Repro/Repro.cs")).expect("listed files are there");
    assert!(source.contains("[UnmanagedCallersOnly]\n    public static int UcoAdd(int a, int b)"));
    let again = calliper(&arguments);
    assert_eq!(again.stdout, output.stdout, "files are written again where they are");
}

#[test]
fn emit_refuses_what_it_cannot_use() {
    let directory = directory(&[]);
    let file = directory.path().join("good.toml");
    let file = utf8(&file);
    assert_one_line(&calliper(&["emit", "nope.toml", "--out", path(&directory)]), &["nope.toml"]);
    assert_one_line(&calliper(&["emit", file, "--out", file]), &[file]);
    let csharp = ["emit", file, "--format", "csharp", "--out", file];
    assert_one_line(&calliper(&csharp), &[file, "cannot write here"]);
}

#[test]
fn help_teaches_with_examples() {
    for command in ["replay", "faults", "emit"] {
        let output = calliper(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Example"), "{}", stdout(&output));
    }
}
