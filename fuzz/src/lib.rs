//! What the fuzz targets share: bytes to scenario to verdict, a panic with the
//! report when there is a finding, and the custom mutator and crossover; and what
//! each of the other targets does.

#[cfg(feature = "bodies")]
pub mod bodies;
#[cfg(feature = "bodies")]
pub mod general;
pub mod image;
pub mod seeds;
pub mod text;

use std::sync::Arc;

use arbitrary::Unstructured;
use calliper::inside::{XorShift, mix, regenerate_script};
use calliper::{
    EngineKind, EngineVerdict, Fixed, Judge, Loader, Scenario, crossover, decode_any_binary,
    encode_binary, find_loader, fixup, generate, mutate, print_text,
};

/// A target that judges scenarios: `target!(ARGUMENTS, ENGINES, INPUTS)`. `ARGUMENTS` of `cargo
/// fuzz run` name it, and its test runs so many `INPUTS`.
#[macro_export]
macro_rules! target {
    ($arguments:literal, $engines:expr, $inputs:literal) => {
        #[cfg(any(fuzzing, test))]
        use ::calliper::EngineKind;

        #[cfg(any(fuzzing, test))]
        fn engines() -> Vec<EngineKind> {
            $engines
        }

        #[cfg(fuzzing)]
        mod target {
            use std::cell::RefCell;

            use $crate::Fuzzer;
            use super::engines;
            use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};

            thread_local! {
                static FUZZER: RefCell<Fuzzer> = RefCell::new(Fuzzer::from_environment(&engines()));
            }

            fuzz_target!(
                // A loader that there is not is told before the first input.
                init: FUZZER.with(|_| ()),
                |data: &[u8]| FUZZER.with_borrow_mut(|fuzzer| fuzzer.run(data))
            );

            fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
                match $crate::mutated(data, size, max_size, seed) {
                    Some(size) => size,
                    None => fuzzer_mutate(data, size, max_size),
                }
            });

            fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
                $crate::crossed(one, other, out, seed)
            });
        }

        #[cfg(not(fuzzing))]
        fn main() {
            eprintln!("This is a fuzz target: cargo fuzz run -s none {}", $arguments);
        }

        #[test]
        fn smoke() {
            $crate::smoke(&engines(), $inputs);
        }
    };
}

/// The environment variable that names the loader: `fixed` if it is not set, a fault's id, or
/// several with + between.
pub const LOADER_VARIABLE: &str = "CALLIPER_LOADER";

/// The environment variable that names the engines of [`engines_from_environment`], as `--engine`
/// does.
pub const ENGINE_VARIABLE: &str = "CALLIPER_ENGINE";

/// The scripts that one input gives for its layout. Engines compile modules in
/// milliseconds, once a layout, and run a script in microseconds.
const SCRIPTS: u64 = 16;
/// Words of bytes that each script after the first is made from.
const SCRIPT_WORDS: u64 = 32;
/// One of so many mutations is a fresh input: what grows from nothing by mutation alone is small
/// for long.
const FRESH: u64 = 4;
/// Words of bytes that a fresh input is, at most.
const FRESH_WORDS: u64 = 128;

/// Judges inputs one after the other, keeping compiled modules between them.
pub struct Fuzzer {
    judge: Judge,
    loader: &'static dyn Loader,
}

impl Fuzzer {
    /// A fuzzer of one loader on some engines.
    pub fn new(engines: &[EngineKind], loader: &'static dyn Loader) -> Self {
        Self { judge: Judge::new(engines), loader }
    }

    /// A fuzzer of the loader that the environment names.
    ///
    /// # Panics
    /// When there is no such loader.
    pub fn from_environment(engines: &[EngineKind]) -> Self {
        Self::new(engines, loader_from_environment())
    }

    /// Runs one input: the binary form, repaired where a mutation broke its rules, or
    /// else what the bytes generate, and more scripts for the same layout.
    ///
    /// # Panics
    /// With the report, when there is a finding.
    pub fn run(&mut self, data: &[u8]) {
        if let Ok(mut scenario) = decode_any_binary(data) {
            fixup(&mut scenario);
            return self.judge(scenario);
        }
        let mut bytes = Unstructured::new(data);
        let mut scenario = generate(&mut bytes);
        self.judge(scenario.clone());
        let seed = data.iter().fold(0, |hash, &byte| mix(hash, byte.into()));
        for script in 1..SCRIPTS {
            let more = seeded_bytes(mix(seed, script), SCRIPT_WORDS);
            regenerate_script(&mut Unstructured::new(&more), &mut scenario);
            self.judge(scenario.clone());
        }
    }

    fn judge(&mut self, scenario: Scenario) {
        let scenario = Arc::new(scenario);
        match self.judge.judge(&scenario, self.loader) {
            Err(error) => panic!("{error}\n\n{}", self.reproduction(&scenario)),
            Ok(verdicts) => {
                if let Some(report) = report(&verdicts) {
                    panic!("{report}\n{}", self.reproduction(&scenario));
                }
            }
        }
    }

    /// The scenario in text form, and how to replay it.
    fn reproduction(&self, scenario: &Scenario) -> String {
        let loader = self.loader.id();
        format!(
            "--- scenario: save as found.toml, then \
             `calliper replay --loader {loader} --explain found.toml` ---\n{}--- end ---",
            print_text(scenario)
        )
    }
}

/// The scenario that the bytes are: the binary form, repaired where a mutation
/// broke its rules, or else what they generate.
pub fn scenario(data: &[u8]) -> Scenario {
    match decode_any_binary(data) {
        Ok(mut scenario) => {
            fixup(&mut scenario);
            scenario
        }
        Err(_) => generate(&mut Unstructured::new(data)),
    }
}

/// Mutates the scenario that the first `size` bytes are, or now and then puts bytes for a fresh
/// one in their place; gives the new size, or `None` if the result takes more than `max_size`
/// bytes.
pub fn mutated(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> Option<usize> {
    let (seed, room) = (seed.into(), &mut data[..max_size]);
    let dice = mix(0, seed);
    if dice.is_multiple_of(FRESH) {
        return store(&seeded_bytes(dice, 1 + dice / FRESH % FRESH_WORDS), room);
    }
    let mut scenario = scenario(&room[..size]);
    mutate(&mut scenario, seed);
    store(&encode_binary(&scenario), room)
}

/// Crosses the scenarios that two inputs are, and gives the size; 0 if the result does not fit.
pub fn crossed(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let (one, other) = (scenario(one), scenario(other));
    store(&encode_binary(&crossover(&one, &other, seed.into())), out).unwrap_or(0)
}

fn store(bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    out.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}

/// So many words of bytes, the same for the same seed.
fn seeded_bytes(seed: u64, words: u64) -> Vec<u8> {
    (0..words).flat_map(|i| mix(seed, i).to_le_bytes()).collect()
}

/// The findings of the first engine that has any, headline first.
fn report(verdicts: &[EngineVerdict]) -> Option<String> {
    let verdict = verdicts.iter().find(|verdict| !verdict.findings.is_empty())?;
    let finding = verdict.findings.first()?;
    let (class, engine, print) = (finding.class, verdict.engine, &finding.fingerprint);
    Some(format!("{class} on {engine} [{print}]\n{}\n", finding.account.trim_end()))
}

/// The engines that the environment names, or those that run by default.
///
/// # Panics
/// When one is not in this build, or cannot run here.
pub fn engines_from_environment() -> Vec<EngineKind> {
    match std::env::var(ENGINE_VARIABLE) {
        Err(_) => EngineKind::by_default(),
        Ok(names) => EngineKind::list(&names)
            .unwrap_or_else(|missing| panic!("{ENGINE_VARIABLE}: {missing}")),
    }
}

fn loader_from_environment() -> &'static dyn Loader {
    let id = std::env::var(LOADER_VARIABLE).unwrap_or_else(|_| Fixed.id().to_owned());
    find_loader(&id).unwrap_or_else(|error| panic!("{LOADER_VARIABLE}: {error}"))
}

/// Runs `count` seeded inputs of up to 2 KiB under the fixed loader: what each target's test does.
///
/// # Panics
/// With the report, when there is a finding.
pub fn smoke(engines: &[EngineKind], count: usize) {
    let mut fuzzer = Fuzzer::new(engines, &Fixed);
    for data in random_inputs(count) {
        fuzzer.run(&data);
    }
}

/// So many seeded inputs of up to 2 KiB.
fn random_inputs(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = XorShift::default();
    (0..count).map(move |_| {
        let words = (random.word() % 256) as usize;
        (0..words).flat_map(|_| random.word().to_le_bytes()).collect()
    })
}

/// Runs `count` broken copies of an input: a byte changed, or bytes left out or doubled.
#[cfg(test)]
fn spoil(input: &[u8], count: usize, run: impl Fn(&[u8])) {
    let mut random = XorShift::default();
    let mut next = || random.word();
    for _ in 0..count {
        let mut data = input.to_vec();
        for _ in 0..=next() % 3 {
            let at = (next() % (data.len() as u64 + 1)) as usize;
            let end = data.len().min(at + (next() % 16) as usize);
            match next() % 4 {
                0 => drop(data.drain(at..end)),
                1 => data.extend_from_within(at..end),
                _ if at < data.len() => data[at] = next() as u8,
                _ => {}
            }
        }
        run(&data);
    }
}

#[cfg(test)]
mod tests {
    use calliper::decode_binary;

    use super::*;

    #[test]
    fn mutated_and_crossed_inputs_decode() {
        let mut data = vec![0; 1 << 16];
        let (mut size, mut fresh) = (0, 0);
        for seed in 0..500 {
            let before = data[..size].to_vec();
            size = mutated(&mut data, size, 1 << 16, seed).expect("there is room");
            fresh += u32::from(decode_binary(&data[..size]).is_err());
            let mut out = vec![0; 1 << 16];
            let crossed = crossed(&before, &data[..size], &mut out, seed);
            decode_binary(&out[..crossed]).expect("it is valid");
        }
        // All others are scenarios.
        assert!((100..150).contains(&fresh), "{fresh} of 500 inputs are fresh");
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_fuzzer() {
        let mut data = [7; 64];
        assert_eq!(mutated(&mut data, 16, 20, 1), None);
        assert_eq!(data, [7; 64]);
        assert_eq!(crossed(&[1], &[2], &mut data[..8], 1), 0);
    }
}
