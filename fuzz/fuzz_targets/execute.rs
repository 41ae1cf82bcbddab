//! Reference against loader on every engine of the build.
//!
//! `CALLIPER_LOADER` names the loader: `fixed` if it is not set, a fault's id, or several
//! with + between.
#![cfg_attr(fuzzing, no_main)]

calliper_fuzz::target!("--features engines execute", EngineKind::available(), 200);
