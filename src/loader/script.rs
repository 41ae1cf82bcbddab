//! Drives a process through a scenario's script.

use std::ops::Range;

use super::calls::{self, first_difference};
use super::memory::read_u32;
use super::observation::{EventObservation, Finals, Place, StrayWrite};
use super::trace::Step;
use super::{VmProcess, callee::Callee, entry, images};
use crate::engine::{Memory, Trap};
use crate::image::map::{GUARD, MemoryMap, THREAD, VARIABLES};
use crate::image::words::{Address, FunctionPointer};
use crate::scenario::{Event, VariableId};

/// Runs every event until one traps; then observes the final state. The
/// results are left in the process's [`Vm`](super::Vm).
pub fn run(process: &mut VmProcess<'_>) {
    let scenario = process.vm().scenario.clone();
    for (i, event) in scenario.script.iter().enumerate() {
        process.vm().trace.push(Step::Event(i));
        if let Err(trap) = step(process, event) {
            process.vm().observation.trap = Some(trap);
            break;
        }
    }
    // Static data is far from what calls use: looked at once, and laid to the last event.
    if let Ok(Some(write)) = find_static_write(process)
        && let Some(last) = process.vm().observation.events.last_mut()
    {
        last.stray_write.get_or_insert(write);
    }
    if let Ok(finals) = finals(process) {
        process.vm().observation.finals = finals;
    }
}

/// One event, observed from both sides.
// mutants: whether a pointer was taken in an event in which the process died
fn step(process: &mut VmProcess<'_>, event: &Event) -> Result<(), Trap> {
    let observation = &process.vm().observation;
    let (first_call, first_entry) = (observation.calls.len(), observation.entries.len());
    let before = process.stack_pointer();
    let outcome = execute(process, event);
    let after = process.stack_pointer();
    let stray_write = match process.vm().stray_write.take() {
        Some(write) => Some(write),
        None => find_stray_write(process)?,
    };
    let pointer = match event {
        Event::Take { into, .. } if outcome.is_ok() => Some(read_variable(process, *into)?),
        _ => None,
    };
    // The VM's own frame, which called in, restores its stack pointer.
    process.set_stack_pointer(before);
    let observation = &mut process.vm().observation;
    let calls = first_call..observation.calls.len();
    let entries = first_entry..observation.entries.len();
    let stack_pointer = (before, after);
    observation.events.push(EventObservation {
        calls,
        entries,
        pointer,
        stack_pointer,
        stray_write,
    });
    outcome
}

// mutants: variables by other numbers, or at other addresses, each still its own
pub(super) fn variable_address(variable: VariableId) -> Address {
    Address::new(VARIABLES + 4 * u32::from(variable.0))
}

pub(super) fn read_variable(
    process: &mut VmProcess<'_>,
    variable: VariableId,
) -> Result<FunctionPointer, Trap> {
    read_u32(process, variable_address(variable)).map(FunctionPointer::new)
}

fn execute(process: &mut VmProcess<'_>, event: &Event) -> Result<(), Trap> {
    match event {
        Event::Load(assembly) => images::load(process, *assembly),
        Event::Prepare(method) => entry::do_prestub(process, Callee::Method(*method)),
        Event::Touch(method) => entry::ensure_callable_from_r2r(process, Callee::Method(*method)),
        Event::Reset(method) => entry::reset(process, *method),
        Event::Recycle { from, to } => entry::recycle(process, *from, *to),
        Event::Take { site, into, on } => calls::take(process, *site, *into, *on),
        Event::Call(call) => calls::make(process, call, 0),
    }
}

/// The guards that are there from the start.
pub(super) fn guards_of(map: &MemoryMap) -> Vec<(Range<u32>, Place)> {
    map.guards().map(|(start, end)| (start..end, Place::Guard)).collect()
}

/// Looks at the guards round everything that a call is handed.
fn find_stray_write(process: &mut VmProcess<'_>) -> Result<Option<StrayWrite>, Trap> {
    let (memory, vm) = process.split();
    let memory = memory.read(0, vm.facts.map.end)?;
    Ok(vm.guards.iter().find_map(|(range, place)| {
        let (at, expected, found) =
            broken_guard(&memory[range.start as usize..range.end as usize])?;
        Some(StrayWrite { address: range.start + at, place: *place, expected, found })
    }))
}

/// The first guard byte that is not one: offset, expected, found.
pub(super) fn broken_guard(bytes: &[u8]) -> Option<(u32, u8, u8)> {
    if is_intact(bytes) {
        return None;
    }
    let position = bytes.iter().position(|&byte| byte != GUARD)?;
    Some((position as u32, GUARD, bytes[position]))
}

/// All are guard bytes. Guards are looked at after every event, so they are
/// compared in blocks, the last of which may overlap the one before.
fn is_intact(bytes: &[u8]) -> bool {
    const BLOCK: [u8; 16] = [GUARD; 16];
    match bytes.last_chunk() {
        Some(last) => *last == BLOCK && bytes.as_chunks().0.iter().all(|block| *block == BLOCK),
        None => bytes.iter().all(|&byte| byte == GUARD),
    }
}

/// Looks at the null page and at static data.
fn find_static_write(process: &mut VmProcess<'_>) -> Result<Option<StrayWrite>, Trap> {
    let (memory, vm) = process.split();
    let initial = &vm.emission.program.memory[..THREAD as usize];
    let difference = first_difference(&memory.read(0, THREAD)?, initial);
    let place = Place::StaticData;
    Ok(difference.map(|(address, expected, found)| StrayWrite { address, place, expected, found }))
}

/// The loader's structures as the run leaves them.
fn finals(process: &mut VmProcess<'_>) -> Result<Finals, Trap> {
    let mut finals = Finals {
        table_len: process.table_len(),
        stack_pointer: process.stack_pointer(),
        ..Finals::default()
    };
    let (memory, vm) = process.split();
    for (id, method) in vm.methods.enumerated() {
        let Some(method) = method else { continue };
        let words = method.pep.words(&memory)?;
        finals.methods.push((id, words, method.method_desc.unmanaged_entry(&memory)?));
    }
    for (_, addresses) in &vm.stubs {
        finals.stubs.push(addresses.pep.words(&memory)?);
    }
    for (assembly, image) in vm.images.enumerated() {
        let Some(image) = image else { continue };
        let facts = &vm.facts.images[assembly];
        for cell in &facts.cells {
            let value = read_u32(&memory, image.image_base.at(cell.rva))?;
            finals.cells.push((assembly, cell.rva, value));
        }
    }
    Ok(finals)
}
