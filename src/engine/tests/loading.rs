//! Loading, and the reuse of stores: a run must not see what an earlier one loaded.

use std::sync::Arc;

use super::program::{ENTRY, IMAGE_FUNCTIONS, MEMORY, OUT, every_op, slot};
use super::{HostWork, Log, agree, call, engines, host, instantiate, load, observe, write_u32};
use crate::engine::{Process, Trap};
use crate::image::{FunctionId, HOST_SLOTS, Program};
use crate::random::SplitMix;

#[test]
fn slots_of_images_that_are_not_loaded_are_out_of_bounds() {
    let program = every_op();
    let call_binary = slot(&program, "call_binary");
    let index = HOST_SLOTS + 2;
    let early = |process: &mut dyn Process<()>, log: &mut Log| {
        log.push(call(process, index, [0; 3]));
        log.push(call(process, call_binary, [index, OUT, 0]));
        log.push(Ok(process.table_len()));
    };
    let grown = |process: &mut dyn Process<()>, log: &mut Log| {
        process.table_grow(IMAGE_FUNCTIONS);
        early(process, log);
    };
    let late = |process: &mut dyn Process<()>, log: &mut Log| {
        log.push(load(process, 0, 0x8000));
        early(process, log);
    };
    let out = Err(Trap::TableOutOfBounds);
    let mut engines = engines();
    for _ in 0..3 {
        let (log, _) = agree(&mut engines, &program, &late);
        let longer = Ok(HOST_SLOTS + IMAGE_FUNCTIONS);
        assert_eq!(log, [Ok(HOST_SLOTS), Err(Trap::SignatureMismatch), Ok(0), longer]);
        assert_eq!(agree(&mut engines, &program, &early).0, [out, out, Ok(HOST_SLOTS)]);
        let null = Err(Trap::NullElement);
        assert_eq!(agree(&mut engines, &program, &grown).0, [null, null, longer]);
    }
}

#[test]
fn an_image_that_does_not_fit_changes_nothing() {
    let program = every_op();
    let end = MEMORY as u32;
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        process.table_grow(IMAGE_FUNCTIONS);
        for (memory_base, table_base) in
            [(end - 39, HOST_SLOTS), (0x8000, HOST_SLOTS + 1), (u32::MAX, u32::MAX)]
        {
            log.push(instantiate(process, 0, memory_base, table_base));
        }
        log.push(call(process, HOST_SLOTS, [OUT, 0, 0]));
        log.push(instantiate(process, 0, end - 40, HOST_SLOTS));
        log.push(call(process, HOST_SLOTS, [OUT, 0, 0]));
    });
    let (memory_out, table_out) = (Err(Trap::MemoryOutOfBounds), Err(Trap::TableOutOfBounds));
    let expected = [memory_out, table_out, table_out, Err(Trap::NullElement), Ok(0), Ok(0)];
    assert_eq!(log, expected);
    assert_eq!(memory[MEMORY - 40], 0x31);
}

/// What VM code writes to a payload (relocations) must survive until wasm runs.
#[test]
fn relocations_survive() {
    let program = every_op();
    let (_, memory) = agree(&mut engines(), &program, &|process, log| {
        log.push(load(process, 0, 0x8000));
        log.push(process.write(0x8001, &[9, 8, 7, 6]).map(|()| 0));
        log.push(call(process, HOST_SLOTS, [OUT, 0, 0]));
        log.push(load(process, 1, 0x8010));
        log.push(process.write(0x8011, &[1, 2, 3, 4]).map(|()| 0));
        log.push(call(process, HOST_SLOTS + IMAGE_FUNCTIONS, [OUT + 16, 0, 0]));
    });
    assert_eq!(memory[OUT as usize + 8..][..4], [9, 8, 7, 6]);
    assert_eq!(memory[OUT as usize + 24..][..4], [1, 2, 3, 4]);
}

#[test]
fn an_image_may_be_loaded_over_the_hosts_slots() {
    let program = every_op();
    let base = program.host_base().get();
    let mut engines = engines();
    for _ in 0..2 {
        let (log, _) = agree(&mut engines, &program, &|process, log| {
            log.push(instantiate(process, 1, 0x8000, base));
            log.push(call(process, base, [OUT, 0, 0]));
            log.push(process.read(OUT, 4).map(|b| b[1].into()));
        });
        assert_eq!(log, [Ok(0), Ok(0), Ok(0x80)]);
        let (log, _) = agree(&mut engines, &program, &|process, log| {
            log.push(call(process, base, [OUT, 1, 2]));
            log.push(process.read(OUT, 4).map(|b| b[0].into()));
        });
        assert_eq!(log, [Ok(0), Ok(3)]);
    }
}

/// One step of a random script.
#[derive(Clone, Copy, Debug)]
enum Step {
    Grow(u32),
    Load(u32, u32),
    LoadInside(u32, u32),
    Call(u32, [u32; 3]),
    Write(u32, u32),
    StackPointer(u32),
}

fn step(random: &mut SplitMix, program: &Program) -> Step {
    let base = 0x8000 + 8 * random.below(64);
    let slot_near_the_end = program.host_base().get() + random.below(30);
    let callable = ["call_binary", "arithmetic", "ask_host", "bulk", "globals", "pass_on"];
    let name = callable[random.below(callable.len() as u32) as usize];
    match random.below(12) {
        0 => Step::Grow(random.below(4)),
        1 | 2 => Step::Load(random.below(2), base),
        3 => Step::LoadInside(random.below(2), base),
        4 => Step::Write(base + random.below(16), random.word() as u32),
        5 => Step::StackPointer(random.word() as u32),
        6 | 7 => Step::Call(HOST_SLOTS + random.below(12), [OUT + random.below(64), 1, 2]),
        8 => Step::Call(slot(program, "pass_on"), [HostWork::Call as u32, slot_near_the_end, OUT]),
        9 => Step::Call(slot(program, "call_binary"), [slot_near_the_end, OUT, base]),
        _ => Step::Call(slot(program, name), [OUT + random.below(64), base, random.below(80)]),
    }
}

fn take(process: &mut dyn Process<()>, step: Step, load_image: u32) -> Result<u32, Trap> {
    match step {
        Step::Grow(n) => _ = process.table_grow(n),
        Step::Load(module, base) => return load(process, module, base),
        Step::LoadInside(module, base) => _ = call(process, load_image, [module, base, OUT])?,
        Step::Call(index, arguments) => _ = call(process, index, arguments)?,
        Step::Write(at, value) => write_u32(process, at, value)?,
        Step::StackPointer(value) => process.set_stack_pointer(value),
    }
    Ok(process.stack_pointer() ^ process.table_len())
}

/// Random interleavings of loading, calling and loading from inside calls,
/// repeated on engines that keep stores: all must agree with the paper engine in each run.
#[test]
fn random_scripts_agree() {
    let program: Arc<Program> = every_op();
    assert_eq!(program.runtime.functions[FunctionId(0)].ty, ENTRY);
    let load_image = slot(&program, "load_image");
    let mut engines = engines();
    let mut returned = 0;
    for seed in 0..300 {
        let mut random = SplitMix(seed);
        let steps: Vec<Step> = (0..12).map(|_| step(&mut random, &program)).collect();
        let drive = |process: &mut dyn Process<()>, log: &mut Log| {
            for &step in &steps {
                log.push(take(process, step, load_image));
            }
        };
        let expected = observe(&mut *engines[0], &program, host, &drive);
        returned += expected.0.iter().filter(|entry| entry.is_ok()).count();
        for engine in &mut engines[1..] {
            let seen = observe(&mut **engine, &program, host, &drive);
            let name = engine.name();
            assert_eq!(seen.0, expected.0, "{name}, seed {seed}, {steps:?}");
            assert!(seen.1 == expected.1, "{name}, seed {seed}, {steps:?}: memory differs");
        }
    }
    assert!(returned > 1200, "only {returned} of 3600 steps returned");
}
