//! `ci/mutants-report`, on a small run: survivors find the reasons that the source has for them.

use std::fs;
use std::process::Command;

use crate::util::root;

const SOURCE: &str = r#"//! A file of the model.

/// A word.
// mutants: plus and minus nothing, which
// is told in two lines
pub fn word(at: u32) -> u32 {
    at + 0
}

impl Vm {
    /// Who it is.
    pub(crate) fn owner(&self) -> u32 {
        // Upstream asks the chunk.
        // mutants: a chunk has one
        self.read(0) - 0
    }

    fn unexplained(&self) -> bool {
        self.word > 1
    }

    // mutants: nobody asks twice
    fn caught(&self) -> bool { true }

    // mutants: not planted in this run
    fn elsewhere(&self) -> u32 {
        2
    }
}

// mutants: this is about nothing
const NOTHING: u32 = 0;
"#;

const MISSED: &str = "\
src/loader/pep.rs:7:8: replace + with - in word
src/loader/pep.rs:7:8: replace + with * in word
src/loader/pep.rs:13:9: replace Vm::owner -> u32 with 0
src/loader/pep.rs:15:22: replace - with + in Vm::owner
src/loader/pep.rs:19:19: replace > with >= in Vm::unexplained
src/loader/pep.rs:40:9: replace <impl Loader for Fixed>::word -> Option<u32> with None
src/image/map.rs:3:1: replace match guard site.caller == Caller::Native with true in word
";

const CAUGHT: &str = "\
src/loader/pep.rs:23:32: replace Vm::caught -> bool with false
src/loader/pep.rs:19:19: replace > with == in Vm::unexplained
";

/// Writes a tree with the script, a file of the model and the results of a run, and reports.
fn report(about: Option<&str>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |file: &str, content: &str| {
        let file = directory.path().join(file);
        fs::create_dir_all(file.parent().expect("it is below")).expect("made");
        fs::write(file, content).expect("written");
    };
    write("src/loader/pep.rs", SOURCE);
    for (file, content) in
        [("missed", MISSED), ("caught", CAUGHT), ("timeout", ""), ("unviable", "")]
    {
        write(&format!("out/mutants.out/{file}.txt"), content);
    }
    if let Some(about) = about {
        write("out/about.txt", about);
    }
    let script = directory.path().join("ci/mutants-report");
    fs::create_dir_all(script.parent().expect("it is below")).expect("made");
    fs::copy(root().join("ci/mutants-report"), &script).expect("copied");
    let out = directory.path().join("out");
    let output = Command::new(&script).arg(&out).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn survivors_are_explained_by_file_and_function() {
    let report = report(Some("Everything at once.\n"));
    let (head, table) = report.split_once("| survivors |").expect("there are survivors");
    assert!(head.starts_with("## Planted mutants\n"), "{head}");
    assert!(head.contains("\n\nEverything at once.\n\n| room |"), "{head}");
    assert!(head.contains("| image | 1 | 0 | 0 | 1 | 0.0 % |\n"), "{head}");
    assert!(head.contains("| loader | 8 | 0 | 2 | 6 | 25.0 % |\n"), "{head}");
    assert!(head.contains("| together | 9 | 0 | 2 | 7 | 22.2 % |\n"), "{head}");
    assert_eq!(
        table,
        " in | why |
|---|---|---|
| 2 | `loader/pep.rs` `owner` | a chunk has one |
| 3 | `loader/pep.rs` `word` | plus and minus nothing, which is told in two lines |

Survivors that no comment explains:

* `src/image/map.rs:3:1: replace match guard site.caller == Caller::Native with true in word`
* `src/loader/pep.rs:19:19: replace > with >= in Vm::unexplained`

Reasons that no survivor has:

* `src/loader/pep.rs` `caught`: nobody asks twice
* `src/loader/pep.rs` `no function`: this is about nothing
"
    );
}

#[test]
fn a_run_needs_no_introduction() {
    assert!(report(None).contains("mutants.toml](../.cargo/mutants.toml).\n\n| room |"));
}

/// A reason that stands where no function is would be lost.
#[test]
fn every_reason_of_the_source_is_about_a_function() {
    let output = Command::new(root().join("ci/mutants-report")).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2), "without results it says how it is used");
    let empty = tempfile::tempdir().expect("a directory");
    let out = empty.path().join("mutants.out");
    fs::create_dir(&out).expect("made");
    for file in ["missed", "caught", "timeout", "unviable"] {
        fs::write(out.join(file).with_extension("txt"), "").expect("written");
    }
    let output = Command::new(root().join("ci/mutants-report")).arg(empty.path()).output();
    let text = String::from_utf8(output.expect("it starts").stdout).expect("UTF-8");
    assert!(!text.contains("Reasons that no survivor has"), "{text}");
}
