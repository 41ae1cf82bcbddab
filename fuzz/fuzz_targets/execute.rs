//! Reference against loader on the paper engine, wasmtime and wasmi.
//!
//! `CALLIPER_LOADER` names the loader: `fixed` if it is not set, a fault's id, or several
//! with + between.
#![cfg_attr(fuzzing, no_main)]

calliper_fuzz::target!(
    "--features engines execute",
    [EngineKind::Paper, EngineKind::Wasmtime, EngineKind::Wasmi],
    200
);
