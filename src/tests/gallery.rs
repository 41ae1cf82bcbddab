//! `docs/gallery.md` is made from the faults and from what their scenarios give.
//! `CALLIPER_BLESS=1 cargo test --lib tests::gallery::` writes it.

use std::fmt::Write as _;

use crate::engine::EngineKind;
use crate::gallery::{Family, Fault};
use crate::replay::{Expected, Loaders, ReplayOutcome, ReplayPlan, Run, replay};

use crate::tests::util::{corpus, root};

const HEAD: &str = "\
# The gallery

Upstream bugs that Calliper can put back, by family: what is wrong. Each is one file under
[`src/gallery`](../src/gallery), which overrides decisions of the loader or of the compiler; the
fixed loader passes every scenario of the corpus. *Says* is the headline finding of the scenario
under the fault, on each engine that runs by default.

This page is generated: `CALLIPER_BLESS=1 cargo test --release --lib tests::gallery::`.
";

/// Rows of the upstream bug family that are no fault here, and why.
const LEFT_OUT: [(&str, &str); 16] = [
    (
        "#127751, #133773, #127473, #131654",
        "how UCO bodies and P/Invokes are compiled; each is in the model as it is now",
    ),
    (
        "#126662, #126778, #126901, #121359, #122007, #124730",
        "changes that brought the present design, which the fixed loader models",
    ),
    (
        "#121222, #119485, #133124",
        "call cookies made cheaper or earlier; what a missing one does is `pr-125455`",
    ),
    (
        "#133146, #132787, #133218",
        "V-thunks and unboxing stubs, in the model; the bug they answer is `pr-120153`",
    ),
    ("#129075, #129137, #129337", "facets of #129622 and #129903, which are faults"),
    (
        "#129816, #130391, #130101, #130866",
        "the module does not validate: the engine refuses it before a pointer is resolved",
    ),
    (
        "#129197, #132172",
        "virtual IPs serve stack walks and the method map; no call goes through one",
    ),
    (
        "#131668, #131243, #133707, #131890",
        "stack walks and tail calls, which the model has not; #131243's stack pointer is `pr-130384-stack-pointer`",
    ),
    ("#130446, #129807", "miscompiled prologs and jumps: no pointer is involved"),
    ("#129947", "an assertion of debug builds alone"),
    (
        "#133307",
        "the cause is not known from the thread beyond what `issue-134200` and `pr-129903` have",
    ),
    ("#120280, #120205", "earlier forms of `pr-126199`"),
    ("#134092, #134356, #129634", "infrastructure that the threads refer to"),
    (
        "#130585, #132412, #132416",
        "a method that crossgen2 rejects is interpreted: `code = \"rejected\"`, no bug",
    ),
    (
        "#132855, #132865, #132870",
        "the engine rejects a module with over 1,000 parameters: nothing is resolved",
    ),
    (
        "#133305, #133310, #133463 to #133469, #133502 to #133506, #133219, #133269, #133991",
        "lists and failures that are not about dispatch",
    ),
];

fn outcomes() -> Vec<ReplayOutcome> {
    let plan = ReplayPlan { loaders: Loaders::Named, engines: EngineKind::by_default() };
    replay(&plan, corpus(), |_| ())
}

/// The scenario that a fault is shown by first of all, and its run under it.
fn own<'o>(fault: &Fault, outcomes: &'o [ReplayOutcome]) -> (&'o ReplayOutcome, &'o Run) {
    let runs = outcomes.iter().flat_map(|o| o.runs.iter().map(move |run| (o, run)));
    let mut showing: Vec<_> = runs
        .filter(|(_, run)| run.loader == fault.id())
        .filter(|(_, run)| run.expected == Expected::Finding(fault.class))
        .collect();
    // Its namesake, else the shortest.
    showing.sort_by_key(|(o, _)| {
        (!o.case.name.ends_with(fault.id()), o.case.scenario.script.len(), o.case.name.clone())
    });
    *showing.first().unwrap_or_else(|| panic!("no scenario shows {}", fault.id()))
}

fn entry(fault: &Fault, outcomes: &[ReplayOutcome]) -> String {
    let (outcome, run) = own(fault, outcomes);
    let links: Vec<String> = (fault.upstream.iter())
        .map(|n| format!("[#{n}](https://github.com/dotnet/runtime/issues/{n})"))
        .collect();
    let scenario = format!("corpus/regressions/{}.toml", outcome.case.name);
    let mut out = format!("\n### {}\n\n**{}**\n\n", fault.id(), capital(fault.title));
    let _ = writeln!(out, "{}\n", fault.story());
    let _ = writeln!(out, "- class of finding: `{}`", fault.class);
    let decisions: Vec<String> = fault.overridden().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(out, "- decides wrong: {}", decisions.join(", "));
    let _ = writeln!(out, "- upstream: {}", links.join(", "));
    let _ =
        writeln!(out, "- scenario: [`{scenario}`](../{scenario}): {}", outcome.case.scenario.title);
    for verdict in &run.verdicts {
        let finding = verdict.findings.first().expect("the run is as expected");
        let what = finding.account.lines().nth(1).unwrap_or_default();
        let what = what.trim().trim_start_matches("what").trim();
        let _ = writeln!(out, "- {} says: `{}`, {what}", verdict.engine, finding.fingerprint);
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

fn gallery() -> String {
    let outcomes = outcomes();
    let mut out = HEAD.to_owned();
    out.push_str("\n| family | fault | finding | upstream |\n|---|---|---|---|\n");
    for fault in Fault::all() {
        let numbers: Vec<String> = fault.upstream.iter().map(|n| format!("#{n}")).collect();
        let (family, id, class) = (fault.family, fault.id(), fault.class);
        let _ = writeln!(out, "| {family} | [{id}](#{id}) | {class} | {} |", numbers.join(" "));
    }
    for family in Family::all() {
        let _ = writeln!(out, "\n## {family}: {}", family.title());
        for fault in Fault::all().iter().filter(|fault| fault.family == family) {
            out.push_str(&entry(fault, &outcomes));
        }
    }
    out.push_str("\n## Left out\n\n| upstream | why |\n|---|---|\n");
    for (numbers, why) in LEFT_OUT {
        let _ = writeln!(out, "| {numbers} | {why} |");
    }
    out
}

#[test]
fn the_gallery_is_current() {
    let path = root().join("docs/gallery.md");
    let now = gallery();
    if std::env::var_os("CALLIPER_BLESS").is_some() {
        std::fs::write(&path, &now).expect("docs can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let advice = "CALLIPER_BLESS=1 cargo test --release --lib tests::gallery:: writes it anew";
    assert!(kept == now, "docs/gallery.md is not current; {advice}");
    assert!(Fault::all().len() >= 36);
}
