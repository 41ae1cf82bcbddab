//! Results for programs.

use std::io::{self, Write};

use crate::judge::EngineVerdict;
use crate::replay::{ReplayOutcome, Run};
use crate::report::surprises;
use serde::Serialize;

/// What `replay` writes.
#[derive(Serialize)]
struct Document<'a> {
    scenarios: Vec<Row<'a>>,
    surprises: usize,
}

/// A scenario under one loader on one engine.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    loader: &'a str,
    engine: &'a str,
    verdict: &'static str,
    class: Option<String>,
    expected: String,
}

/// Writes the outcomes as one JSON document.
pub fn replayed(out: &mut dyn Write, outcomes: &[ReplayOutcome]) -> io::Result<()> {
    let mut scenarios = Vec::new();
    for outcome in outcomes {
        for run in &outcome.runs {
            scenarios.extend(run.verdicts.iter().map(|verdict| row(outcome, run, verdict)));
        }
    }
    document(out, &Document { scenarios, surprises: surprises(outcomes) })
}

/// One row of the JSON document.
fn row<'a>(outcome: &'a ReplayOutcome, run: &'a Run, verdict: &'a EngineVerdict) -> Row<'a> {
    let class = verdict.headline();
    Row {
        name: &outcome.case.name,
        loader: run.loader,
        engine: verdict.engine,
        verdict: if class.is_some() { "finding" } else { "agree" },
        class: class.map(|class| class.to_string()),
        expected: run.expected.to_string(),
    }
}

/// Writes a value as indented JSON and a newline.
pub fn document(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
