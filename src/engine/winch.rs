//! The winch engine: wasmtime's Winch, a compiler that makes machine code in one pass.
//!
//! It shares the runtime with the wasmtime engine, and no code with Cranelift but the assembler.
//! Its settings are its own: Winch has neither optimisation nor register allocation to choose, and
//! refuses explicit checks, so that traps of memory are signals here.

use wasmtime::{Config, Strategy};

use super::stored::Stored;
use super::wasmtime::{Wasmtime, common_settings};
use super::{Engine, Keep};

/// The engine by this name.
pub(super) fn start<S: 'static>(name: &'static str, keep: Keep) -> Box<dyn Engine<S>> {
    Box::new(Stored::new(name, Wasmtime::new(&settings()), keep))
}

fn settings() -> Config {
    let mut config = common_settings();
    config.strategy(Strategy::Winch);
    config
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke(super::start);
    }
}
