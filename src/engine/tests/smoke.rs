//! What every engine must be able to do, in a few lines: each engine's file has a test that is
//! this.

use super::program::{IMAGE_FUNCTIONS, OUT, every_op, slot};
use super::write_u32;
use crate::engine::{EngineKind, Keep, Memory, Process, Trap};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{HOST_SLOTS, ModuleId};

/// Calls, a host import with a state, memory, an image, and a trap, thrice in a new process.
pub(in crate::engine) fn smoke(name: &str) {
    let program = every_op();
    let [ask, fail] = ["ask_host", "fail"].map(|name| TableIndex::new(slot(&program, name)));
    let kind: EngineKind = name.parse().unwrap_or_else(|missing| panic!("{missing}"));
    let mut engine = kind.start(Keep::Stores);
    for before in 0..3 {
        let drive = &mut |process: &mut dyn Process<u32>| {
            assert_eq!(process.word(OUT), Ok(0), "memory is as the program has it");
            assert_eq!(process.call(ask, [41, OUT, 0]), Ok(()));
            assert_eq!(process.call(fail, [0; 3]), Err(Trap::Unreachable));
            assert_eq!(process.call(TableIndex::NONE, [0; 3]), Err(Trap::NullElement));
            assert_eq!(process.table_len(), HOST_SLOTS, "no image is loaded");
            let (image, base) = (ImageBase::new(0x8000), process.table_grow(IMAGE_FUNCTIONS));
            assert_eq!(base.get(), HOST_SLOTS, "they lie at the end");
            assert_eq!(process.instantiate(ModuleId(0), image, base), Ok(()));
            assert_eq!(process.call(base, [OUT + 8, 0, 0]), Ok(()));
            let (memory, asked) = process.split();
            assert_eq!(*asked, before + 1);
            let words = [OUT, OUT + 4, OUT + 8].map(|at| memory.word(at));
            assert_eq!(words, [Ok(41), Ok(42), Ok(0x8000)]);
            *asked += 10;
        };
        let state = engine.run(&program, before, count, drive);
        assert_eq!(state.unwrap_or_else(|error| panic!("{error}")), before + 11);
        assert_eq!(engine.memory().word(OUT), Ok(41), "memory outlives the process");
    }
}

/// Counts how often it is asked, and answers with one more than it is given.
fn count(process: &mut dyn Process<u32>, _: u32, [a, at, ..]: [u32; 4]) -> Result<u32, Trap> {
    *process.state() += 1;
    write_u32(process, at, a)?;
    Ok(a.wrapping_add(1))
}
