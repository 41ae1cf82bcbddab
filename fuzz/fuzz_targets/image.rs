//! Hostile images into the loader: an error or a trap, never a panic or a stray write.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| calliper_fuzz::image::run(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This is a fuzz target: cargo fuzz run -s none image");
}
