//! `calliper fuzz` and `calliper shrink` as people and scripts use them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use calliper::EngineKind;
use serde_json::Value;

use crate::util::{
    SEED, assert_one_line, calliper, calliper_in, command, names, root, stderr, stdout, utf8,
};

const FAULT: &str = "issue-129857";

/// Fuzzes on paper with one job.
fn fuzz(arguments: &[&str]) -> Output {
    let mut all = vec!["fuzz", "--engine", "paper", "--jobs", "1"];
    all.extend_from_slice(arguments);
    calliper(&all)
}

/// Every file below a directory with its content.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            let below = files(&path).into_iter();
            all.extend(below.map(|(file, content)| (format!("{name}/{file}"), content)));
        } else {
            all.insert(name, fs::read(&path).expect("a file"));
        }
    }
    all
}

#[test]
fn the_fixed_loader_is_clean() {
    let output = fuzz(&["--runs", "20000"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("fuzzed 20000 scenarios under fixed on paper: "), "{text}");
    assert!(text.ends_with(" cells, 0 findings\n"), "{text}");
    assert!(stderr(&output).contains("scenarios of"), "{}", stderr(&output));
}

#[test]
fn findings_get_a_folder_each_that_replays() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("found");
    let output = fuzz(&["--runs", "20000", "--loader", FAULT, "--out", utf8(&out)]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let folders: Vec<_> = fs::read_dir(&out)
        .expect("it was made")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(folders.len() >= 3, "{folders:?}");
    for folder in folders {
        let scenario = folder.join("scenario.toml");
        let replayed = calliper(&["replay", utf8(&scenario)]);
        assert_eq!(replayed.status.code(), Some(0), "{}", stdout(&replayed));
        let card = fs::read(folder.join("finding.json")).expect("it is there");
        let card: Value = serde_json::from_slice(&card).expect("JSON");
        assert_eq!(card["loader"], FAULT);
        assert!(card["hits"].as_u64().is_some_and(|hits| hits > 0), "{card}");
        assert!(card["methods"].as_u64().is_some_and(|methods| methods <= 3), "{card}");
        assert!(card["events"].as_u64().is_some_and(|events| events <= 4), "{card}");
        let fingerprint = card["fingerprint"].as_str().expect("text");
        assert!(stdout(&output).contains(fingerprint));
        let replay = card["replay"].as_str().expect("text");
        let account = fs::read_to_string(folder.join("account.txt")).expect("it is there");
        assert!(account.contains(replay) && account.contains("steps of the loader"), "{account}");
        let arguments: Vec<&str> = replay.split(' ').skip(1).collect();
        let again = calliper_in(&folder, &arguments);
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        assert!(stdout(&again).contains(fingerprint), "{}", stdout(&again));
    }
}

#[test]
fn findings_are_printed_where_there_is_no_directory() {
    let output = fuzz(&["--runs", "5000", "--loader", FAULT]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("steps of the loader") && text.contains("calliper = 1"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let run = |name: &str, seed: &str| {
        let out = directory.path().join(name);
        let seed = ["--runs", "20000", "--seed", seed, "--loader", FAULT, "--out", utf8(&out)];
        let output = fuzz(&seed);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        (files(&out), stdout(&output).replace(utf8(&out), "OUT"))
    };
    let first = run("first", "3");
    assert!(!first.0.is_empty());
    assert!(first == run("second", "3"));
    assert!(first != run("third", "4"));
}

#[test]
fn a_corpus_grows_and_a_campaign_goes_on_from_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let corpus = directory.path().join("corpus");
    let first = fuzz(&["--runs", "5000", "--corpus", utf8(&corpus)]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let grown = files(&corpus);
    assert!(grown.len() > 100 && grown.keys().all(|name| name.ends_with(".clpr")), "{grown:?}");
    let replayed = calliper(&["replay", "--engine", "paper", utf8(&corpus)]);
    assert_eq!(replayed.status.code(), Some(0), "{}", stderr(&replayed));
    // With no more runs than there are scenarios in it, all that is known is reached at once.
    let runs = grown.len().to_string();
    let again = fuzz(&["--runs", &runs, "--corpus", utf8(&corpus)]);
    let cells = |output: &Output| {
        let text = stdout(output);
        let words: Vec<&str> = text.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "of").expect("so many of so many");
        words[at - 1].parse::<usize>().expect("a number")
    };
    assert!(cells(&again) >= cells(&first), "{}", stdout(&again));
    assert_eq!(files(&corpus), grown);
}

#[test]
fn a_bad_corpus_file_is_one_line_and_the_rest_is_used() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("bad.clpr"), b"CLPR\xff").expect("written");
    fs::copy(root().join(SEED), directory.path().join("good.toml")).expect("copied");
    let output = fuzz(&["--runs", "100", "--corpus", utf8(directory.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).lines().any(|line| line.contains("bad.clpr")), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("fuzzed 100 scenarios"), "{}", stdout(&output));
}

#[test]
fn time_ends_a_campaign() {
    let output = fuzz(&["--time", "200ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("fuzzed "));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_campaign_cleanly() {
    use std::io::{BufRead, BufReader};
    let directory = tempfile::tempdir().expect("a directory");
    let (out, corpus) = (directory.path().join("out"), directory.path().join("corpus"));
    let mut child = command()
        .args(["fuzz", "--engine", "paper", "--loader", FAULT, "--out", utf8(&out)])
        .args(["--corpus", utf8(&corpus)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // The first plain line comes when it is well under way.
    let mut line = String::new();
    let errors = child.stderr.take().expect("a pipe");
    BufReader::new(errors).read_line(&mut line).expect("a line");
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("findings"), "{}", stdout(&output));
    let left: Vec<_> = files(&out).into_keys().chain(files(&corpus).into_keys()).collect();
    assert!(left.iter().all(|name| !name.contains(".tmp")), "{left:?}");
}

#[test]
fn bad_usage_is_told() {
    assert_one_line(&fuzz(&["--loader", "nope"]), &["nope", "`fixed`"]);
    let engines = names(&EngineKind::available());
    assert_one_line(&calliper(&["fuzz", "--engine", "v8"]), &["v8", &engines]);
    assert_one_line(&fuzz(&["--runs", "1", "--out", SEED]), &[SEED]);
    assert_one_line(&fuzz(&["--runs", "1", "--corpus", SEED]), &[SEED]);
    for bad in ["0", "-1", "x", "5d", "99999999999999999999h"] {
        let output = fuzz(&[&format!("--time={bad}")]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(stderr(&output).contains("expected a positive number"), "{}", stderr(&output));
    }
    assert_eq!(fuzz(&["--jobs", "0"]).status.code(), Some(2));
}

#[test]
fn a_finding_shrinks_to_what_shows_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let small = directory.path().join("small.toml");
    let output = calliper(&["shrink", SEED, "--loader", FAULT, "--out", utf8(&small)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("to 2 methods, 3 events"), "{}", stderr(&output));
    let replayed = calliper(&["replay", utf8(&small)]);
    assert_eq!(replayed.status.code(), Some(0), "{}", stdout(&replayed));
    let printed = calliper(&["shrink", SEED, "--loader", FAULT]);
    assert_eq!(printed.stdout, fs::read(&small).expect("it was written"));
}

#[test]
fn a_composed_loader_is_fuzzed_and_shrunk_as_any_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let (out, small) = (directory.path().join("found"), directory.path().join("small.toml"));
    let both = "issue-129857+pr-133894";
    let output = fuzz(&["--runs", "5000", "--loader", both, "--out", utf8(&out)]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let found = files(&out);
    let cards = found.iter().filter(|(name, _)| name.ends_with("finding.json"));
    let cards: Vec<Value> =
        cards.map(|(_, card)| serde_json::from_slice(card).expect("JSON")).collect();
    assert!(cards.iter().all(|card| card["loader"] == both), "{cards:?}");
    for class in ["signature-mismatch", "out-of-bounds"] {
        assert!(cards.iter().any(|card| card["class"] == class), "{class}: {cards:?}");
    }
    let output = calliper(&["shrink", SEED, "--loader", both, "--out", utf8(&small)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let replayed = calliper(&["replay", "--loader", both, utf8(&small)]);
    assert!(stdout(&replayed).contains("signature-mismatch"), "{}", stdout(&replayed));
}

#[test]
fn what_cannot_be_shrunk_is_one_line() {
    assert_one_line(&calliper(&["shrink", SEED, "--loader", "fixed"]), &[SEED, "no finding"]);
    assert_one_line(&calliper(&["shrink", SEED, "--loader", "nope"]), &["nope"]);
    assert_one_line(&calliper(&["shrink", "no/file.toml", "--loader", FAULT]), &["no/file.toml"]);
    let nowhere = ["shrink", SEED, "--loader", FAULT, "--out", "no/such/directory/small.toml"];
    assert_eq!(calliper(&nowhere).status.code(), Some(2));
    assert_eq!(calliper(&["shrink", SEED]).status.code(), Some(2));
}

#[test]
fn the_scoreboard_has_a_row_for_each_fault() {
    let list = "issue-129857,pr-129766,pr-131246";
    let output = calliper(&[
        "score", "--seeds", "2", "--fault", list, "--runs", "20000", "--format", "json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows_of = |rows: &Value| rows.as_array().expect("an array").clone();
    let ids: Vec<Value> = rows_of(&rows).iter().map(|row| row["fault"].clone()).collect();
    assert_eq!(ids, list.split(',').collect::<Vec<_>>());
    for row in rows.as_array().expect("an array") {
        for count in ["seeds", "reached", "triggered", "detected"] {
            assert_eq!(row[count], 2, "{row}");
        }
        for number in ["median_scenarios", "worst_scenarios", "median_seconds", "worst_seconds"] {
            assert!(row[number].is_number(), "{row}");
        }
    }
    let text = calliper(&["score", "--seeds", "1", "--fault", FAULT]);
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    assert!(stdout(&text).contains("under fixed, 0 findings\n"), "{}", stdout(&text));
    assert_one_line(&calliper(&["score", "--fault", "nope"]), &["nope", FAULT]);
    assert_eq!(calliper(&["score", "--seeds", "0"]).status.code(), Some(2));
}
