//! Hostile scenario text and binary: no panic, and what is read survives being written.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| calliper_fuzz::text::run(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This is a fuzz target: cargo fuzz run -s none text");
}
