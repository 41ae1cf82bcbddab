//! One suite for all engines: equal results, equal traps, equal memory. Its processes have no
//! state: what a test needs is in memory.

mod instructions;
#[cfg(any(feature = "wasmtime", feature = "wasmi"))]
mod keeping;
mod list;
mod loading;
mod modules;
mod program;
mod random;
mod smoke;

use std::sync::Arc;

use super::{Engine, EngineKind, HostCall, Keep, Process, Trap};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{ModuleId, Program};
pub(in crate::engine) use smoke::smoke;

/// What a test saw of a process, in order.
type Log = Vec<Result<u32, Trap>>;

/// Every engine in every mode, the paper engine first.
fn engines() -> Vec<Box<dyn Engine<()>>> {
    let mut engines = vec![EngineKind::PAPER.start(Keep::Stores)];
    for kind in EngineKind::available().into_iter().filter(|kind| *kind != EngineKind::PAPER) {
        engines.extend([Keep::Modules, Keep::Stores].map(|keep| kind.start(keep)));
    }
    engines
}

/// One run: what `drive` logged, and memory.
fn observe(
    engine: &mut dyn Engine<()>,
    program: &Arc<Program>,
    host: HostCall<()>,
    drive: &dyn Fn(&mut dyn Process<()>, &mut Log),
) -> (Log, Vec<u8>) {
    let mut log = Log::new();
    engine
        .run(program, (), host, &mut |process| drive(process, &mut log))
        .unwrap_or_else(|error| panic!("{error}"));
    (log, engine.memory().into_owned())
}

/// Runs on every engine, and that three times, asserts that all agree, and gives what they say.
fn agree(
    engines: &mut [Box<dyn Engine<()>>],
    program: &Arc<Program>,
    drive: &dyn Fn(&mut dyn Process<()>, &mut Log),
) -> (Log, Vec<u8>) {
    agree_with(engines, program, host, drive)
}

/// The same with a host of the test's own.
fn agree_with(
    engines: &mut [Box<dyn Engine<()>>],
    program: &Arc<Program>,
    host: HostCall<()>,
    drive: &dyn Fn(&mut dyn Process<()>, &mut Log),
) -> (Log, Vec<u8>) {
    let expected = observe(&mut *engines[0], program, host, drive);
    for round in 0..3 {
        for engine in engines.iter_mut() {
            let (log, memory) = observe(&mut **engine, program, host, drive);
            let name = engine.name();
            assert_eq!(log, expected.0, "{name}, round {round}");
            let differs = (0..memory.len()).find(|&i| memory[i] != expected.1[i]);
            assert_eq!((differs, memory.len()), (None, expected.1.len()), "{name}, round {round}");
        }
    }
    expected
}

/// What a process is asked to do when it calls the host.
#[derive(Clone, Copy)]
enum HostWork {
    /// `(a, address)`: writes `a` at `address` and returns `a + 1`.
    Write,
    /// `(index, x, y, z)`: calls the table.
    Call,
    /// `(n)`: returns [`TRAPS`]`[n]`.
    Trap,
    /// `(module, memory base)`: loads an image at the end of the table, and returns its table base.
    Load,
}

const TRAPS: [Trap; 7] = [
    Trap::SignatureMismatch,
    Trap::NullElement,
    Trap::TableOutOfBounds,
    Trap::MemoryOutOfBounds,
    Trap::Unreachable,
    Trap::StackExhausted,
    Trap::OutOfFuel,
];

/// The host of these tests.
fn host(process: &mut dyn Process<()>, work: u32, [a, b, c, d]: [u32; 4]) -> Result<u32, Trap> {
    match work {
        w if w == HostWork::Write as u32 => {
            write_u32(process, b, a)?;
            Ok(a.wrapping_add(1))
        }
        w if w == HostWork::Call as u32 => process.call(TableIndex::new(a), [b, c, d]).map(|()| 7),
        w if w == HostWork::Trap as u32 => Err(TRAPS[a as usize]),
        w if w == HostWork::Load as u32 => load(process, a, b),
        _ => Err(Trap::Unreachable),
    }
}

/// Loads an image at the end of the table, as a driver does; there are two.
fn load(process: &mut dyn Process<()>, module: u32, memory_base: u32) -> Result<u32, Trap> {
    if module > 1 {
        return Err(Trap::Unreachable);
    }
    let table_base = process.table_grow(program::IMAGE_FUNCTIONS);
    process.instantiate(
        ModuleId::from(module as usize),
        ImageBase::new(memory_base),
        table_base,
    )?;
    Ok(table_base.get())
}

/// Loads an image at these bases.
fn instantiate(
    process: &mut dyn Process<()>,
    module: u16,
    memory_base: u32,
    table_base: u32,
) -> Result<u32, Trap> {
    let (memory_base, table_base) = (ImageBase::new(memory_base), TableIndex::new(table_base));
    process.instantiate(ModuleId(module), memory_base, table_base).map(|()| 0)
}

/// Calls the slot of this number.
fn call(process: &mut dyn Process<()>, index: u32, arguments: [u32; 3]) -> Result<u32, Trap> {
    process.call(TableIndex::new(index), arguments).map(|()| 0)
}

/// Writes a little-endian word.
fn write_u32<S>(process: &mut dyn Process<S>, address: u32, value: u32) -> Result<(), Trap> {
    process.write(address, &value.to_le_bytes())
}
