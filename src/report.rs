//! What a replay gave, as text for people.

use std::io::{self, Write};

use crate::judge::EngineVerdict;
use crate::replay::{ReplayOutcome, Run};
use crate::verdict::FindingClass;

/// Writes one line a scenario, every surprise in full, and the summary.
/// With `explain`, every finding in full, expected or not.
///
/// # Errors
/// When `out` cannot be written.
pub fn text(
    out: &mut dyn Write,
    outcomes: &[ReplayOutcome],
    engines: &[&str],
    explain: bool,
) -> io::Result<()> {
    let width = outcomes.iter().map(|o| o.case.name.chars().count()).max().unwrap_or(0);
    for outcome in outcomes {
        let mark = if outcome.is_as_expected() { "ok" } else { "SURPRISE" };
        let runs: Vec<String> = outcome.runs.iter().map(summary).collect();
        writeln!(out, "{mark:<8}  {:<width$}  {}", outcome.case.name, runs.join(", "))?;
    }
    let mut told = false;
    for outcome in outcomes {
        for run in &outcome.runs {
            told |= details(out, outcome, run, explain)?;
        }
    }
    if told {
        writeln!(out)?;
    }
    let surprises = surprises(outcomes);
    let (all, on) = (outcomes.len(), engines.join(", "));
    let expected = all - surprises;
    writeln!(out, "replayed {all} scenarios on {on}: {expected} as expected, {surprises} surprises")
}

/// Scenarios with a run that was not as expected.
pub fn surprises(outcomes: &[ReplayOutcome]) -> usize {
    outcomes.iter().filter(|outcome| !outcome.is_as_expected()).count()
}

/// What happened under one loader, in a few words.
fn summary(run: &Run) -> String {
    let verdicts: Vec<(&str, String)> =
        run.verdicts.iter().map(|v| (v.engine, word(v.headline()))).collect();
    match verdicts.split_first() {
        Some(((_, first), rest)) if rest.iter().all(|(_, word)| word == first) => {
            format!("{}: {first}", run.loader)
        }
        _ => {
            let each: Vec<String> =
                verdicts.iter().map(|(engine, word)| format!("{word} on {engine}")).collect();
            format!("{}: {}", run.loader, each.join(" but "))
        }
    }
}

/// `agree`, or the class.
fn word(class: Option<FindingClass>) -> String {
    class.map_or_else(|| "agree".to_owned(), |class| class.to_string())
}

/// A run's surprises in full, with `explain` all its findings. Returns whether there were any.
/// Engines that give the same findings share one account.
fn details(
    out: &mut dyn Write,
    outcome: &ReplayOutcome,
    run: &Run,
    explain: bool,
) -> io::Result<bool> {
    let mut told = false;
    let mut rest: Vec<&EngineVerdict> = run.verdicts.iter().collect();
    while let Some(first) = rest.first().copied() {
        let (same, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|v| v.findings == first.findings);
        rest = others;
        let surprise = !run.expected.admits(first.headline());
        if !surprise && (!explain || first.findings.is_empty()) {
            continue;
        }
        told = true;
        let engines: Vec<&str> = same.iter().map(|v| v.engine).collect();
        let (name, path) = (&outcome.case.name, outcome.case.path.display());
        let what = if surprise { "surprise" } else { "as expected" };
        writeln!(out)?;
        writeln!(out, "{what}: {name} under {} on {}", run.loader, engines.join(", "))?;
        writeln!(out, "  file {path}: {}", outcome.case.scenario.title)?;
        if surprise {
            let (expected, got) = (run.expected, word(first.headline()));
            writeln!(out, "  expected {expected}, got {got}")?;
        }
        for finding in &first.findings {
            writeln!(out, "  {} [{}]", finding.class, finding.fingerprint)?;
            for line in finding.account.lines() {
                writeln!(out, "{}", format!("    {line}").trim_end())?;
            }
        }
    }
    Ok(told)
}
