//! How much engines keep.

use std::sync::Arc;

use super::program::{IMAGE_FUNCTIONS, OUT, every_op};
use super::{call, host, load, observe};
use crate::engine::stored::{PROGRAMS, STORES};
use crate::engine::{EngineKind, Keep};
use crate::image::{HOST_SLOTS, Program};

/// Runs of more programs than engines keep, most of them of one, each with one of several
/// sequences of loads.
#[test]
fn ten_thousand_runs_keep_a_bounded_number_of_stores() {
    const SEQUENCES: usize = 7;
    let programs: Vec<Arc<Program>> = (0..PROGRAMS + 8).map(|_| every_op()).collect();
    // What the paper engine, which keeps nothing, leaves in memory after each sequence.
    let mut left: [Vec<u8>; SEQUENCES] = Default::default();
    for kind in EngineKind::available() {
        let mut engine = kind.start(Keep::Stores);
        for run in 0..10_000 {
            let at = if run % 100 == 0 { run / 100 % programs.len() } else { 0 };
            let sequence = run % SEQUENCES;
            let (log, memory) = observe(&mut *engine, &programs[at], host, &|process, log| {
                log.push(load(process, 0, 0x8000 + 16 * sequence as u32));
                log.push(call(process, HOST_SLOTS, [OUT, 0, 0]));
                log.push(load(process, 1, 0x9000));
                log.push(call(process, HOST_SLOTS + IMAGE_FUNCTIONS, [OUT, 0, 0]));
            });
            assert_eq!(log, [Ok(HOST_SLOTS), Ok(0), Ok(HOST_SLOTS + IMAGE_FUNCTIONS), Ok(0)]);
            if kind == EngineKind::PAPER {
                left[sequence] = memory;
            } else if run % 100 == 0 {
                assert!(memory == left[sequence], "{} after run {run}", kind.name());
            }
        }
        let (kept, stores) = engine.kept();
        let expected = if kind == EngineKind::PAPER { 0 } else { PROGRAMS };
        let name = kind.name();
        assert!(
            kept == expected && stores <= STORES + 1,
            "{name}: {kept} programs, {stores} stores"
        );
    }
}
