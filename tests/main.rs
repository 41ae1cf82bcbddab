//! Every integration test, in one binary, so that all of it is linked once. Each module below is
//! one subject; `cargo test --test main gallery::` runs one of them alone.

mod util;

mod campaign;
mod cli;
mod corpus;
mod csharp;
mod emit;
mod fuzz_cli;
mod gallery;
mod generated;
mod matrix;
mod measured;
mod mutants_report;
mod oracle;
mod readme;
mod rooms;
mod scenario_forms;
mod states;
