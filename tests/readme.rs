//! What the README shows is what happens: its scenario replays, each console block prints what it
//! says, and every command of it is one that the program takes.

use std::path::Path;
use std::process::{Command, Output};

use calliper::EngineKind;

use crate::util::{SEED, calliper, names, root, stderr, stdout, utf8};

const README: &str = include_str!("../README.md");

/// In a console block, any number of lines where it stands alone, and any text within a line.
const ANYTHING: &str = "…";

/// A command, and what it prints as the README has it.
struct Console<'a> {
    command: &'a str,
    shown: Vec<&'a str>,
}

/// The blocks of a page that are fenced as `text` and start with a prompt.
fn consoles(page: &str) -> Vec<Console<'_>> {
    let fenced = page.split("```text\n$ ").skip(1);
    let blocks = fenced.map(|rest| rest.split_once("\n```").expect("the block ends").0);
    blocks
        .map(|block| {
            let mut lines = block.lines();
            let command = lines.next().expect("a block has a command");
            Console { command, shown: lines.collect() }
        })
        .collect()
}

/// Whether output is what is shown: line by line, from its first to its last.
fn compare(shown: &[&str], printed: &str) -> Result<(), String> {
    let printed: Vec<&str> = printed.lines().collect();
    let mut at = 0;
    let pieces: Vec<&[&str]> = shown.split(|line| line.trim() == ANYTHING).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == pieces.len());
        let end = printed.len().saturating_sub(piece.len());
        let starts = match (first, last) {
            (true, true) if piece.len() != printed.len() => at..at,
            (true, _) => at..at + 1,
            (false, true) => end.max(at)..end + 1,
            (false, false) => at..end + 1,
        };
        let fits = |start: &usize| {
            let lines = printed.get(*start..*start + piece.len());
            lines.is_some_and(|lines| piece.iter().zip(lines).all(|(s, p)| is_line(s, p)))
        };
        let found = starts.into_iter().find(fits);
        at = found.ok_or_else(|| format!("not printed here:\n{}", piece.join("\n")))? + piece.len();
    }
    Ok(())
}

/// Whether a line is what is shown of it.
fn is_line(shown: &str, printed: &str) -> bool {
    let Some((start, rest)) = shown.split_once(ANYTHING) else { return shown == printed };
    let Some(mut printed) = printed.strip_prefix(start) else { return false };
    let (inner, end) = rest.rsplit_once(ANYTHING).map_or((None, rest), |(i, end)| (Some(i), end));
    for part in inner.into_iter().flat_map(|inner| inner.split(ANYTHING)) {
        let Some((_, behind)) = printed.split_once(part) else { return false };
        printed = behind;
    }
    printed.ends_with(end)
}

/// What a command of the README prints.
fn output(command: &str) -> String {
    match words(command).as_slice() {
        ["cargo", "run", "--release", "--", arguments @ ..] | ["calliper", arguments @ ..] => {
            stdout(&calliper(arguments)).to_owned()
        }
        ["cargo", "test", .., filter] => tests(filter),
        _ => panic!("no test runs `{command}`"),
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

/// What a run of these tests prints, which cannot be run within one of them: they are asked for
/// by name only.
fn tests(filter: &str) -> String {
    let binary = std::env::current_exe().expect("this is a program");
    let listed = Command::new(binary).args([filter, "--list"]).output().expect("it starts");
    let names = stdout(&listed).lines().filter_map(|line| line.strip_suffix(": test"));
    let names: Vec<&str> = names.collect();
    let ran: String = names.iter().map(|name| format!("test {name} ... ok\n")).collect();
    let count = names.len();
    format!("running {count} tests\n{ran}\ntest result: ok. {count} passed; 0 failed; 0 ignored\n")
}

#[test]
fn console_blocks_show_what_is_printed() {
    let consoles = consoles(README);
    assert!(consoles.len() >= 3, "{} blocks", consoles.len());
    for Console { command, shown } in consoles {
        let printed = output(command);
        if let Err(error) = compare(&shown, &printed) {
            panic!("README.md: `{command}`: {error}\nbut this is:\n{printed}");
        }
    }
}

#[test]
fn a_console_block_that_is_wrong_is_seen() {
    let printed = "one 1\ntwo 2 of 3\nthree\nfour\n";
    let right: [&[&str]; 6] = [
        &["one 1", "two 2 of 3", "three", "four"],
        &["…"],
        &["one …", "  …", "four"],
        &["…", "two … of …", "…"],
        &["one 1", "…", "two 2 of 3", "three", "four"],
        &["…", "t… o… 3", "…", "three", "…r"],
    ];
    for shown in right {
        assert_eq!(compare(shown, printed), Ok(()), "{shown:?}");
    }
    let wrong: [&[&str]; 10] = [
        &[],
        &["one 1", "two 2 of 3", "three"],
        &["two 2 of 3", "three", "four"],
        &["one 1", "two 2 of 3", "three", "four", "five"],
        &["one 1", "…", "three"],
        &["one 1", "…", "four", "…", "three", "…"],
        &["one 1", "three", "…"],
        &["…", "two … of 2", "…"],
        &["…", "three", "…", "three", "…"],
        &["one 1", "…", "one 1", "two 2 of 3", "three", "four"],
    ];
    for shown in wrong {
        assert!(compare(shown, printed).is_err(), "{shown:?}");
    }
    let page = "Text.\n\n```text\n$ calliper faults\nno-such-fault …\n…\n```\n\nMore.\n";
    let [Console { command, shown }] = consoles(page).try_into().ok().expect("one block");
    assert!(compare(&shown, &output(command)).is_err());
    assert_eq!(tests("readme::no_such_test").lines().next(), Some("running 0 tests"));
}

/// The commands of the README's indented blocks, without what is said of them.
fn commands(page: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    page.lines().filter_map(move |line| {
        fenced ^= line.starts_with("```");
        let command = line.strip_prefix("    ").filter(|_| !fenced)?;
        let end = command.find("  ").or(command.find(" #")).unwrap_or(command.len());
        Some(command[..end].trim()).filter(|command| !command.is_empty())
    })
}

/// Runs a command as it stands, with files of the corpus for placeholders, and ended early if it
/// takes long.
fn run(command: &str, scratch: &Path) -> Option<Output> {
    let words = words(command);
    let arguments = match words.as_slice() {
        ["cargo", "run", "--release", "--", arguments @ ..] | ["calliper", arguments @ ..] => {
            arguments
        }
        _ => return None,
    };
    let mut filled: Vec<&str> = Vec::new();
    for &argument in arguments {
        match argument {
            "[PATH…]" => {}
            "FILE" => filled.push(SEED),
            "L" => filled.push("issue-129857"),
            _ if filled.last() == Some(&"--out") => filled.push(utf8(scratch)),
            _ => filled.push(argument),
        }
    }
    filled.extend_from_slice(match arguments[0] {
        "fuzz" => &["--runs", "10"],
        "score" => &["--seeds", "1", "--runs", "10", "--no-baselines", "--fault", "issue-129857"],
        _ => &[],
    });
    Some(calliper(&filled))
}

#[test]
fn every_command_is_taken() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut ran = 0;
    for command in commands(README) {
        let Some(output) = run(command, scratch.path()) else { continue };
        // A campaign with a bug put back may find it.
        let good = matches!(output.status.code(), Some(0 | 1));
        assert!(good, "README.md: `{command}`: {}", stderr(&output));
        ran += 1;
    }
    assert!(ran >= 10, "{ran} commands");
}

/// The scripts that the README calls are there, and so are the targets that they are called with.
#[test]
fn every_script_is_there() {
    let mut scripts = 0;
    for command in commands(README) {
        let words = words(command);
        let Some(at) = words.iter().position(|word| word.starts_with("ci/")) else { continue };
        assert!(root().join(words[at]).is_file(), "README.md: `{command}`");
        if words[at] == "ci/fuzz" {
            let target = root().join(format!("fuzz/fuzz_targets/{}.rs", words[at + 1]));
            assert!(target.is_file(), "README.md: `{command}`");
        }
        scripts += 1;
    }
    assert!(scripts >= 5, "{scripts} scripts");
}

#[test]
fn a_command_that_is_wrong_is_seen() {
    let page =
        "Text:\n\n    calliper replay --no-such-option  # never\n    calliper fuzz --time 1x\n";
    let found: Vec<&str> = commands(page).collect();
    assert_eq!(found, ["calliper replay --no-such-option", "calliper fuzz --time 1x"]);
    for command in found {
        let output = run(command, Path::new("nowhere")).expect("it is the program's");
        assert_eq!(output.status.code(), Some(2), "{command}");
    }
    assert_eq!(commands("```text\n    calliper replay\n```\n").count(), 0);
}

/// The scenario that the README teaches with.
fn scenario() -> &'static str {
    let (_, rest) = README.split_once("```toml\n").expect("there is a scenario");
    rest.split_once("```").expect("and its end").0
}

/// It does what it says there.
#[test]
fn the_scenario_replays() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("readme.toml");
    std::fs::write(&file, scenario()).expect("written");
    let engines = names(&EngineKind::available());
    let output = calliper(&["replay", "--engine", &engines, utf8(&file)]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let shown = "fixed: agree, issue-129857: signature-mismatch\n";
    assert!(stdout(&output).contains(shown), "{}", stdout(&output));
}

/// The library's front page, whose example is run as it stands, teaches with the same one.
#[test]
fn the_front_page_has_the_same_scenario() {
    let page = include_str!("../src/lib.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let page: Vec<&str> = page.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let example = format!("r#\"\n{}\"#;", scenario());
    assert!(page.join("\n").contains(&example), "src/lib.rs: expected\n{example}");
}
