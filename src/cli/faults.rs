//! `calliper faults`.

use std::io::Write;

use crate::gallery::Fault;
use serde::Serialize;

use super::{Exit, Failure, Format, json};

/// List the faults: upstream bugs that `--loader` can put back
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  calliper faults
  calliper faults --format json | jq -r '.[].id'")]
pub struct FaultsArgs {
    /// How to write the list
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A fault, as JSON has it.
#[derive(Serialize)]
struct Row {
    id: &'static str,
    class: String,
    upstream: &'static [u32],
    title: &'static str,
}

/// Writes the list.
pub fn run(arguments: &FaultsArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let rows: Vec<Row> = Fault::all()
        .iter()
        .map(|fault| Row {
            id: fault.id(),
            class: fault.class.to_string(),
            upstream: fault.upstream,
            title: fault.title,
        })
        .collect();
    match arguments.format {
        Format::Json => json::document(out, &rows)?,
        Format::Text => text(&rows, out)?,
    }
    Ok(Exit::Expected)
}

/// One aligned line a fault.
fn text(rows: &[Row], out: &mut dyn Write) -> std::io::Result<()> {
    let numbers =
        |row: &Row| row.upstream.iter().map(|n| format!("#{n}")).collect::<Vec<_>>().join(" ");
    let ids = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let classes = rows.iter().map(|row| row.class.len()).max().unwrap_or(0);
    let upstream = rows.iter().map(|row| numbers(row).len()).max().unwrap_or(0);
    for row in rows {
        let (id, class, numbers, title) = (row.id, &row.class, numbers(row), row.title);
        writeln!(out, "{id:<ids$}  {class:<classes$}  {numbers:<upstream$}  {title}")?;
    }
    Ok(())
}
