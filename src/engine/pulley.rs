//! The pulley engine: wasmtime's Cranelift for the byte code of Pulley, wasmtime's own interpreter.
//!
//! What it shares with the wasmtime engine is all but the last step: another instruction selection,
//! and an interpreter where that one has the processor.

use super::CannotRun;
use super::wasmtime::{Wasmtime, settings};

/// The wasmtime engine's settings, for another machine.
pub(super) fn backend() -> Result<Wasmtime, CannotRun> {
    let mut settings = settings();
    settings.target(TARGET).map_err(CannotRun::because)?;
    Wasmtime::new(&settings)
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
        crate::engine::tests::smoke("pulley");
    }
}
