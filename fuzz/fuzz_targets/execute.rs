//! Reference against loader on real engines beside the paper engine.
//!
//! `CALLIPER_LOADER` names the loader: `fixed` if it is not set, a fault's id, or several
//! with + between. `CALLIPER_ENGINE` names the engines, with commas between: if it is not set,
//! those that run by default, which are those whose compiling is worth its time here.
#![cfg_attr(fuzzing, no_main)]

calliper_fuzz::target!(
    "--features engines execute",
    calliper_fuzz::engines_from_environment(),
    200
);

/// Those as well that run when they are named.
#[test]
fn smoke_on_every_engine() {
    calliper_fuzz::smoke(&EngineKind::available(), 20);
}
