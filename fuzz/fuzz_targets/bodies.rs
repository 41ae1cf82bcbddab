//! Bodies by wasm-smith: wasmtime against wasmi, called by emitted code and directly.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    calliper_fuzz::bodies::run(data);
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This is a fuzz target: cargo fuzz run -s none --features bodies bodies");
}
