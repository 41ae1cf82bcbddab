//! Calliper: does the pointer fit the call?
//!
//! A differential fuzzing harness for function-pointer resolution in CoreCLR's
//! ReadyToRun (R2R) WebAssembly loader.

pub mod abi;
#[cfg(feature = "campaign")]
pub mod campaign;
#[cfg(feature = "cli")]
mod cli;
pub mod csharp;
pub mod engine;
#[cfg(feature = "campaign")]
pub mod files;
pub mod gallery;
pub mod image;
pub mod index;
pub mod judge;
pub mod loader;
pub mod random;
pub mod reference;
pub mod replay;
pub mod report;
pub mod scenario;
#[cfg(test)]
mod tests;
pub mod verdict;

#[cfg(feature = "cli")]
pub use cli::{Exit, run_command_line};
