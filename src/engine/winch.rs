//! The winch engine: wasmtime's Winch, a compiler that makes machine code in one pass.
//!
//! It shares the runtime with the wasmtime engine, and no code with Cranelift but the assembler.
//! Its settings are its own: Winch has neither optimisation nor register allocation to choose, and
//! refuses explicit checks, so that traps of memory are signals here.

use wasmtime::Strategy;

use super::CannotRun;
use super::wasmtime::{Wasmtime, common_settings};

/// Winch for this machine, if it is one of the two that it knows.
pub(super) fn backend() -> Result<Wasmtime, CannotRun> {
    let mut settings = common_settings();
    settings.strategy(Strategy::Winch);
    Wasmtime::new(&settings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke("winch");
    }
}
