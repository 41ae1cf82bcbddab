//! The in-house fuzzing campaign: no nightly compiler, no sanitizer.

pub mod coverage;
pub mod shrink;
