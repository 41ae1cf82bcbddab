//! Every instruction and every trap, on every engine.

use std::sync::Arc;

use super::program::{
    ENTRY, IMAGE_FUNCTIONS, LONG, MEMORY, NULL_SLOT, OUT, PAST_THE_END, every_op, function, slot,
    types,
};
use super::{HostWork, Log, TRAPS, agree, agree_with, engines, load, program};
use crate::engine::{MAX_REENTRIES, Process, Trap};
use crate::image::code::Op;
use crate::image::{HOST_SLOTS, Program};

fn call(process: &mut dyn Process<()>, log: &mut Log, index: u32, arguments: [u32; 3]) {
    log.push(super::call(process, index, arguments));
}

fn word(memory: &[u8], at: u32) -> u32 {
    u32::from_le_bytes(memory[at as usize..][..4].try_into().expect("four bytes"))
}

#[test]
fn arithmetic_and_locals() {
    let program = every_op();
    let index = slot(&program, "arithmetic");
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, index, [OUT, 0xffff_fff0, 0x21]);
    });
    assert_eq!(log, [Ok(0)]);
    let words: Vec<u32> = (0..6).map(|i| word(&memory, OUT + 4 * i)).collect();
    assert_eq!(words, [0x11, 0xffff_ffcf, 0xffff_fff0, 0x21, 0, -5i32 as u32]);
}

#[test]
fn every_width_moves_unchanged() {
    let program = every_op();
    let index = slot(&program, "widths");
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, index, [OUT, 0x101, 0]);
    });
    assert_eq!(log, [Ok(0)]);
    for (i, len) in [4, 8, 4, 8, 16].into_iter().enumerate() {
        let (from, to) = (0x102 + i, OUT as usize + 32 * i + 3);
        assert_eq!(memory[from..from + len], memory[to..to + len]);
        assert_eq!(memory[to + len], 0);
    }
    assert_eq!(word(&memory, OUT + 160), word(&memory, 0x106) & 0xffff);
}

#[test]
fn copies_and_fills() {
    let program = every_op();
    let index = slot(&program, "bulk");
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, index, [OUT, 0x100, 32]);
        call(process, log, index, [0x4000, 0x100, 0]);
    });
    assert_eq!(log, [Ok(0); 2]);
    assert_eq!(memory[OUT as usize + 5..][..27], memory[0x100..0x11b]);
    assert_eq!(memory[OUT as usize + 32..][..33], [[0xab; 32].as_slice(), &[0]].concat());
}

#[test]
fn globals_are_kept_within_a_run_and_reset_between_runs() {
    let program = every_op();
    let index = slot(&program, "globals");
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, index, [OUT, 0xabcd, 0]);
        log.push(Ok(process.stack_pointer()));
        process.set_stack_pointer(0x500);
        call(process, log, index, [OUT + 16, 0, 0]);
        log.push(Ok(process.stack_pointer()));
    });
    assert_eq!(log, [Ok(0), Ok(0xfff0), Ok(0), Ok(0x4f0)]);
    let words: Vec<u32> = (0..8).map(|i| word(&memory, OUT + 4 * i)).collect();
    let base = program.host_base().get();
    assert_eq!(words, [0x1_0000, 0, base, 0, 0x500, 0, base, 0xabcd]);
}

#[test]
fn the_host_is_asked_and_calls_back() {
    let program = every_op();
    let (ask, pass_on) = (slot(&program, "ask_host"), slot(&program, "pass_on"));
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, ask, [41, OUT + 8, 0]);
        // wasm -> host -> wasm -> host.
        call(process, log, pass_on, [HostWork::Call as u32, ask, 99]);
    });
    assert_eq!(log, [Ok(0); 2]);
    assert_eq!([word(&memory, OUT + 8), word(&memory, OUT + 12)], [41, 42]);
    // The inner call was ask_host(99, pass-through of its own index, 99).
    assert_eq!([word(&memory, ask), word(&memory, OUT)], [99, 7]);
}

#[test]
fn images_run_at_their_bases() {
    let program = every_op();
    let (binary, mixed) = (slot(&program, "call_binary"), slot(&program, "call_mixed"));
    let (log, memory) = agree(&mut engines(), &program, &|process, log| {
        let first = load(process, 0, 0x8000);
        log.push(first);
        log.push(load(process, 1, 0x9008));
        let first = first.expect("it fits");
        call(process, log, first, [OUT, 5, 7]);
        call(process, log, first + IMAGE_FUNCTIONS, [OUT + 16, 5, 7]);
        call(process, log, binary, [first + 2, OUT + 32, 7]);
        call(process, log, mixed, [first + 1, 0x400, 0x104]);
        log.push(Ok(process.table_len()));
    });
    let second = HOST_SLOTS + IMAGE_FUNCTIONS;
    assert_eq!(log[..2], [Ok(HOST_SLOTS), Ok(second)]);
    assert_eq!(log[2..6], [Ok(0); 4]);
    assert_eq!(log[6], Ok(second + IMAGE_FUNCTIONS));
    let words: Vec<u32> = (0..9).map(|i| word(&memory, OUT + 4 * i)).collect();
    let first = [0x8000, HOST_SLOTS, 0x3534_3332, HOST_SLOTS - 12];
    let other = [0x9008, second, 0x7b7a_7978, second - 12];
    assert_eq!(words[..8], [first, other].concat());
    assert_eq!(words[8], HOST_SLOTS - OUT - 32 - 7);
    assert_eq!(memory[0x400..0x414], memory[0x104..0x118]);
    assert_eq!(memory[0x414..0x424], [0; 16]);
    assert_eq!(memory[0x424..0x434], memory[0x118..0x128]);
    assert_eq!(memory[0x440..0x450], memory[0x118..0x128]);
}

/// Each of these ends in the trap it says, on every engine, after which the engine is good for
/// another run.
#[test]
fn every_trap() {
    let program = every_op();
    let at = |name| slot(&program, name);
    let (end, big) = (MEMORY as u32, u32::MAX);
    let cases = [
        ("call: null", NULL_SLOT, [0; 3], Trap::NullElement),
        ("call: past the end", PAST_THE_END, [0; 3], Trap::TableOutOfBounds),
        ("call: far past the end", big, [0; 3], Trap::TableOutOfBounds),
        ("call: another type", at("binary"), [0; 3], Trap::SignatureMismatch),
        ("indirect: null", at("call_binary"), [NULL_SLOT, OUT, 0], Trap::NullElement),
        (
            "indirect: past the end",
            at("call_binary"),
            [PAST_THE_END, OUT, 0],
            Trap::TableOutOfBounds,
        ),
        ("indirect: far", at("call_mixed"), [big, OUT, OUT], Trap::TableOutOfBounds),
        (
            "indirect: another type",
            at("call_binary"),
            [at("last"), OUT, 0],
            Trap::SignatureMismatch,
        ),
        ("unreachable", at("fail"), [0; 3], Trap::Unreachable),
        ("load past 2^32", at("load_any"), [16, 0, 0], Trap::MemoryOutOfBounds),
        ("load half", at("load_half"), [end - 1, 0, 0], Trap::MemoryOutOfBounds),
        ("store", at("store"), [end - 3, 0, 0], Trap::MemoryOutOfBounds),
        ("store outside", at("store"), [end, 0, 0], Trap::MemoryOutOfBounds),
        ("fill", at("fill"), [end - 3, 1, 4], Trap::MemoryOutOfBounds),
        ("fill nothing, outside", at("fill"), [end + 1, 1, 0], Trap::MemoryOutOfBounds),
        ("copy from", at("copy"), [OUT, end - 3, 4], Trap::MemoryOutOfBounds),
        ("copy to", at("copy"), [end - 3, OUT, 4], Trap::MemoryOutOfBounds),
        ("copy all", at("copy"), [1, 0, big], Trap::MemoryOutOfBounds),
        ("recursion", at("recurse"), [at("recurse"), 0, 0], Trap::StackExhausted),
        ("host write", at("ask_host"), [1, end - 2, 0], Trap::MemoryOutOfBounds),
        ("null by the host", at("pass_on"), [HostWork::Call as u32, 0, 0], Trap::NullElement),
        ("nested", at("pass_on"), [HostWork::Call as u32, at("fail"), 0], Trap::Unreachable),
    ];
    let mut engines = engines();
    for (name, index, arguments, trap) in cases {
        let (log, _) = agree(&mut engines, &program, &|process, log| {
            call(process, log, index, arguments);
            // The process may be looked at still.
            log.push(Ok(process.stack_pointer()));
        });
        assert_eq!(log, [Err(trap), Ok(0x1_0000)], "{name}");
    }
    for (i, trap) in (0..).zip(TRAPS) {
        let (log, _) = agree(&mut engines, &program, &|process, log| {
            call(process, log, at("pass_on"), [HostWork::Trap as u32, i, 0]);
        });
        assert_eq!(log, [Err(trap)], "by the host");
    }
}

#[test]
fn edges_of_memory_are_inside() {
    let program = every_op();
    let at = |name| slot(&program, name);
    let end = MEMORY as u32;
    let (log, _) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, at("fill"), [end, 1, 0]);
        call(process, log, at("copy"), [end, end, 0]);
        call(process, log, at("fill"), [end - 4, 0x61, 4]);
        log.push(process.word(end - 4));
        call(process, log, at("load_half"), [end - 2, 0, 0]);
        call(process, log, at("store"), [end - 4, 0x5566_7788, 0]);
        log.push(process.word(end - 4));
        log.push(process.read(end - 3, 4).map(|_| 0));
        log.push(process.read(end, 0).map(|b| b.len() as u32));
        log.push(process.write(end - 1, &[1, 2]).map(|()| 0));
        log.push(process.write(end - 1, &[3]).map(|()| 0));
    });
    let out = Err(Trap::MemoryOutOfBounds);
    let (filled, stored) = (Ok(0x6161_6161), Ok(0x5566_7788));
    let calls = [Ok(0), Ok(0), Ok(0), filled, Ok(0), Ok(0), stored];
    assert_eq!(log, [calls.as_slice(), &[out, Ok(0), out, Ok(0)]].concat());
}

/// Slot 0 of the chain does nothing, slot n calls slot n - 1 twice.
fn chain(length: u32) -> Arc<Program> {
    let twice = every_op();
    let double = twice.runtime.functions.iter().find(|f| f.name == "double_call");
    let code = &double.expect("it is there").code;
    let mut functions = vec![function("bottom", ENTRY, &[], vec![])];
    functions.extend((1..length).map(|i| function(&format!("f{i}"), ENTRY, &[], code.clone())));
    program::program(types(), functions, vec![])
}

#[test]
fn fuel_ends_a_run_that_takes_too_long() {
    let program = chain(40);
    let base = program.host_base().get();
    for engine in &mut engines() {
        for _ in 0..2 {
            let (log, _) = super::observe(&mut **engine, &program, super::host, &|process, log| {
                // Function i is told its own slot, less one at each level.
                call(process, log, base + 4, [base + 3, 0, 0]);
                call(process, log, base + 39, [base + 38, 0, 0]);
            });
            assert_eq!(log, [Ok(0), Err(Trap::OutOfFuel)], "{}", engine.name());
        }
    }
}

/// The host calls the function that called it.
fn host_that_calls_back(
    process: &mut dyn Process<()>,
    index: u32,
    [depth, at, ..]: [u32; 4],
) -> Result<u32, Trap> {
    super::write_u32(process, at, depth)?;
    super::call(process, index, [index, depth + 1, at])
}

#[test]
fn entering_again_and_again_is_bounded() {
    let program = every_op();
    let pass_on = slot(&program, "pass_on");
    let (log, memory) =
        agree_with(&mut engines(), &program, host_that_calls_back, &|process, log| {
            call(process, log, pass_on, [pass_on, 1, OUT]);
        });
    assert_eq!(log, [Err(Trap::StackExhausted)]);
    assert_eq!(word(&memory, OUT), MAX_REENTRIES);
}

#[test]
fn a_type_that_no_function_has_is_only_a_mismatch() {
    let code = vec![Op::I32Const(0), Op::LocalGet(0), Op::CallIndirect(LONG), Op::Drop, Op::Drop];
    let caller = function("caller", ENTRY, &[], code);
    let program = program::program(types(), vec![caller], vec![]);
    let base = program.host_base().get();
    let (log, _) = agree(&mut engines(), &program, &|process, log| {
        call(process, log, base, [base, 0, 0]);
        call(process, log, base, [0, 0, 0]);
    });
    assert_eq!(log, [Err(Trap::SignatureMismatch), Err(Trap::NullElement)]);
}
