//! Reference against loader on the paper engine: no engine is linked without the feature `engines`.
//!
//! `CALLIPER_LOADER` names the loader: `fixed` if it is not set, a fault's id, or several
//! with + between.
#![cfg_attr(fuzzing, no_main)]

calliper_fuzz::target!("resolve", vec![EngineKind::PAPER], 500);
