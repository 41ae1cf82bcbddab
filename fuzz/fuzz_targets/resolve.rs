//! Reference against loader on the paper engine: no engine is linked without the feature `engines`.
//!
//! `CALLIPER_LOADER` names the loader: `fixed` if it is not set, or a fault's id.
#![cfg_attr(fuzzing, no_main)]

#[cfg(any(fuzzing, test))]
use calliper::judge::EngineKind;

#[cfg(any(fuzzing, test))]
const ENGINES: &[EngineKind] = &[EngineKind::Paper];

#[cfg(fuzzing)]
mod target {
    use std::cell::RefCell;

    use calliper_fuzz::Fuzzer;
    use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};

    thread_local! {
        static FUZZER: RefCell<Fuzzer> = RefCell::new(Fuzzer::from_environment(super::ENGINES));
    }

    fuzz_target!(
        // A loader that there is not is told before the first input.
        init: FUZZER.with(|_| ()),
        |data: &[u8]| FUZZER.with_borrow_mut(|fuzzer| fuzzer.run(data))
    );

    fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
        match calliper_fuzz::mutated(data, size, max_size, seed) {
            Some(size) => size,
            None => fuzzer_mutate(data, size, max_size),
        }
    });

    fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
        calliper_fuzz::crossed(one, other, out, seed)
    });
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This is a fuzz target: cargo fuzz run -s none resolve");
}

#[test]
fn smoke() {
    calliper_fuzz::smoke(ENGINES, 500);
}
