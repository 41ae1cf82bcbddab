//! The pulley engine: wasmtime's Cranelift for the byte code of Pulley, wasmtime's own interpreter.
//!
//! What it shares with the wasmtime engine is all but the last step: another instruction selection,
//! and an interpreter where that one has the processor.

use wasmtime::Config;

use super::stored::Stored;
use super::wasmtime::{Wasmtime, settings};
use super::{Engine, Keep};

/// The engine by this name.
pub(super) fn start<S: 'static>(name: &'static str, keep: Keep) -> Box<dyn Engine<S>> {
    Box::new(Stored::new(name, Wasmtime::new(&config()), keep))
}

/// The wasmtime engine's settings, for another machine.
fn config() -> Config {
    let mut config = settings();
    config.target(TARGET).expect("wasmtime was built with Pulley");
    config
}

/// Pulley with the host's pointers and byte order.
const TARGET: &str = match (cfg!(target_pointer_width = "64"), cfg!(target_endian = "little")) {
    (true, true) => "pulley64",
    (true, false) => "pulley64be",
    (false, true) => "pulley32",
    (false, false) => "pulley32be",
};

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke(super::start);
    }
}
