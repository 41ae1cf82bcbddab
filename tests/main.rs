//! What can be seen of the library and of the program from outside, and what pages say of them, in
//! one binary, so that all of it is linked once. Each module below is one subject;
//! `cargo test --test main matrix::` runs one of them alone. Tests that look inside are the
//! library's own, in `src/tests` and at the foot of the files that they test.

mod util;

mod cli;
mod fuzz_cli;
mod matrix;
mod mutants_report;
mod readme;
mod rooms;
