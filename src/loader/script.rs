//! Drives a process through a scenario's script.

use super::interpreter::{self, GcMode, set_gc_mode};
use super::observation::{EventObservation, Finals, Place, StrayWrite};
use super::pep::{PEP_GUARD, PEP_SIZE};
use super::trace::Step;
use super::words::{FunctionPointer, PepAddress};
use super::{Vm, entry, fixups, images, method_pep};
use crate::abi::vm::argument_slots;
use crate::engine::{Process, Trap, read_u32, write_u32};
use crate::image::facts::Role;
use crate::image::map::{FRAME_ARGUMENTS, GUARD, THREAD, VARIABLES};
use crate::scenario::{
    Action, AssemblyId, Call, Caller, Event, MethodId, Signature, SiteId, VariableId, meaning,
};

/// Runs every event until one traps; then observes the final state. The
/// results are left in the process's [`Vm`].
pub fn run(process: &mut dyn Process) {
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
fn step(process: &mut dyn Process, event: &Event) -> Result<(), Trap> {
    let first_entry = process.vm().observation.entries.len();
    let before = process.stack_pointer();
    let pointer = pointer_of(process, event)?;
    let outcome = execute(process, event);
    let after = process.stack_pointer();
    let (result, mut stray_write) = match (&outcome, event) {
        (Ok(()), Event::Call(call)) => collect_result(process, call)?,
        _ => (0..0, None),
    };
    stray_write = match stray_write {
        Some(write) => Some(write),
        None => find_stray_write(process)?,
    };
    let pointer = match event {
        Event::Take { into, .. } if outcome.is_ok() => Some(read_variable(process, *into)?),
        _ => pointer,
    };
    // The VM's own frame, which called in, restores its stack pointer.
    process.set_stack_pointer(before);
    let observation = &mut process.vm().observation;
    let entries = first_entry..observation.entries.len();
    observation.events.push(EventObservation {
        entries,
        result,
        pointer,
        stack_pointer: (before, after),
        stray_write,
    });
    outcome
}

fn pointer_of(process: &mut dyn Process, event: &Event) -> Result<Option<FunctionPointer>, Trap> {
    match event {
        Event::Call(Call { pointer: Some(variable), .. }) => {
            read_variable(process, *variable).map(Some)
        }
        _ => Ok(None),
    }
}

fn variable_address(variable: VariableId) -> u32 {
    VARIABLES + 4 * u32::from(variable.0)
}

fn read_variable(process: &mut dyn Process, variable: VariableId) -> Result<FunctionPointer, Trap> {
    read_u32(process, variable_address(variable)).map(FunctionPointer)
}

fn execute(process: &mut dyn Process, event: &Event) -> Result<(), Trap> {
    match event {
        Event::Load(assembly) => images::load(process, *assembly),
        Event::Prepare(method) => entry::do_prestub(process, *method),
        Event::Touch(method) => entry::ensure_callable_from_r2r(process, *method),
        Event::Take { site, into } => take(process, *site, *into),
        Event::Call(call) => make_call(process, call),
    }
}

/// Runs an `ldftn` site.
fn take(process: &mut dyn Process, site: SiteId, into: VariableId) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    let site_data = scenario.layout.site(site);
    let Action::Ldftn(method) = site_data.action else { return Ok(()) };
    let address = variable_address(into);
    match site_data.caller {
        Caller::ReadyToRun(_) => {
            fixups::prepare_caller(process, site)?;
            let code = caller_slot(process.vm(), site);
            let sp = process.stack_pointer();
            process.call(code, [sp, address, 0])?;
        }
        Caller::Interpreter(_) | Caller::Native => {
            let value = entry::multi_callable_address(process, method)?;
            write_u32(process, address, value.0)?;
        }
    }
    let value = read_variable(process, into)?;
    process.vm().trace.push(Step::Stored { variable: into, value });
    Ok(())
}

/// The table slot of the code that holds a site.
fn caller_slot(vm: &Vm, site: SiteId) -> u32 {
    if let Some((image, facts)) = vm.emission.caller(site) {
        return vm.images[image].map_or(0, |i| i.table_base + facts.function);
    }
    vm.emission.runtime_slot(&Role::NativeCaller(site)).unwrap_or(0)
}

/// Runs a call site.
fn make_call(process: &mut dyn Process, call: &Call) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    let site = scenario.layout.site(call.site);
    write_frame(process, call)?;
    let (frame, result) = (process.vm().emission.map.frame, process.vm().emission.map.result);
    match site.caller {
        Caller::Interpreter(_) => return interpreted_call(process, call),
        Caller::ReadyToRun(_) => {
            fixups::prepare_caller(process, call.site)?;
            set_gc_mode(process, GcMode::Cooperative)?;
        }
        Caller::Native => set_gc_mode(process, GcMode::Preemptive)?,
    }
    let code = caller_slot(process.vm(), call.site);
    let sp = process.stack_pointer();
    process.call(code, [sp, frame, result])
}

/// Writes the function pointer and the arguments where the caller finds them,
/// and makes the result buffer recognisable.
fn write_frame(process: &mut dyn Process, call: &Call) -> Result<(), Trap> {
    let pointer = match call.pointer {
        Some(variable) => read_variable(process, variable)?,
        None => FunctionPointer(0),
    };
    let bytes = argument_bytes(process.vm(), call);
    let map = process.vm().emission.map.clone();
    write_u32(process, map.frame, pointer.0)?;
    process.write(map.frame + FRAME_ARGUMENTS, &bytes)?;
    fill(process, map.result, map.result_size)
}

fn fill(process: &mut dyn Process, address: u32, len: u32) -> Result<(), Trap> {
    const CHUNK: [u8; 64] = [GUARD; 64];
    let mut at = 0;
    while at < len {
        let n = (len - at).min(64);
        process.write(address + at, &CHUNK[..n as usize])?;
        at += n;
    }
    Ok(())
}

/// What the arguments of a call look like in memory.
fn argument_bytes(vm: &Vm, call: &Call) -> Vec<u8> {
    let layout = &vm.scenario.layout;
    let signature = signature_of(vm, call.site);
    let mut bytes = Vec::with_capacity(8 * call.args.len() + 8);
    if let Some(this) = call.this {
        bytes.extend_from_slice(&u64::from(this).to_le_bytes());
    }
    for (&ty, &word) in signature.params.iter().zip(&call.args) {
        meaning::push_value(layout, ty, word, &mut bytes);
    }
    bytes
}

/// The signature that a site calls with.
fn signature_of(vm: &Vm, site: SiteId) -> &Signature {
    let layout = &vm.scenario.layout;
    match &layout.site(site).action {
        Action::Direct { callee, .. } | Action::Ldftn(callee) => &layout.method(*callee).signature,
        Action::ManagedCalli(signature) | Action::UnmanagedCalli(signature) => signature,
    }
}

/// A call site in interpreted code: arguments go to interpreter slots.
fn interpreted_call(process: &mut dyn Process, call: &Call) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    let scenario = process.vm().scenario.clone();
    let signature = signature_of(process.vm(), call.site).clone();
    let bytes = argument_bytes(process.vm(), call);
    let map = process.vm().emission.map.clone();
    let (slots, _) = argument_slots(&scenario.layout, &signature);
    let (args, ret) = (map.interpreter_stack, map.result);
    let mut at = 0usize;
    for slot in slots {
        let value = &bytes[at..at + slot.size as usize];
        process.write(args + slot.offset, value)?;
        at += slot.size.next_multiple_of(8) as usize;
    }
    let pointer = FunctionPointer(read_u32(process, map.frame)?);
    match &scenario.layout.site(call.site).action {
        Action::Direct { callee, .. } => {
            let pep = method_pep(process, *callee)?;
            interpreter::call(process, pep, args, ret)
        }
        Action::ManagedCalli(_) => interpreter::calli(process, PepAddress(pointer.0), args, ret),
        Action::UnmanagedCalli(signature) => {
            interpreter::call_unmanaged(process, pointer, signature, args, ret)
        }
        Action::Ldftn(_) => Ok(()),
    }
}

/// Keeps the result's bytes, and checks what lies behind them and what the caller passed.
fn collect_result(
    process: &mut dyn Process,
    call: &Call,
) -> Result<(std::ops::Range<usize>, Option<StrayWrite>), Trap> {
    let vm = process.vm();
    let map = vm.emission.map.clone();
    let ret = signature_of(vm, call.site).ret;
    let size = ret.map_or(0, |ty| meaning::stack_size(&vm.scenario.layout, ty));
    let expected = argument_bytes(vm, call);
    let mut kept = std::mem::take(&mut vm.observation.bytes);
    let start = kept.len();
    let buffer = process.read(map.result, map.result_size)?;
    kept.extend_from_slice(&buffer[..size as usize]);
    let behind =
        first_difference(&buffer[size as usize..], |_| GUARD).map(|(at, expected, found)| {
            (map.result + size + at, Place::BehindResult, expected, found)
        });
    let arguments = process.read(map.frame + FRAME_ARGUMENTS, expected.len() as u32)?;
    let changed = first_difference(arguments, |i| expected[i]).map(|(at, expected, found)| {
        (map.frame + FRAME_ARGUMENTS + at, Place::CallerArguments, expected, found)
    });
    let end = kept.len();
    process.vm().observation.bytes = kept;
    let stray = behind.or(changed).map(|(address, place, expected, found)| StrayWrite {
        address,
        place,
        expected,
        found,
    });
    Ok((start..end, stray))
}

/// The first byte that is not what it should be: offset, expected, found.
fn first_difference(bytes: &[u8], expected: impl Fn(usize) -> u8) -> Option<(u32, u8, u8)> {
    let (i, &found) = bytes.iter().enumerate().find(|&(i, &b)| b != expected(i))?;
    Some((i as u32, expected(i), found))
}

/// Looks at the guards round everything that a call is handed.
fn find_stray_write(process: &mut dyn Process) -> Result<Option<StrayWrite>, Trap> {
    let emission = process.vm().emission.clone();
    let stray = |start: u32, place, (at, expected, found)| StrayWrite {
        address: start + at,
        place,
        expected,
        found,
    };
    for (start, end) in emission.map.guards() {
        let bytes = process.read(start, end - start)?;
        if let Some(difference) = broken_guard(bytes) {
            return Ok(Some(stray(start, Place::Guard, difference)));
        }
    }
    for i in 0..process.vm().methods.len() {
        let Some(method) = process.vm().methods[i] else { continue };
        let start = method.pep.0 + PEP_SIZE;
        let bytes = process.read(start, PEP_GUARD)?;
        if let Some(difference) = broken_guard(bytes) {
            let place = Place::BehindEntryPoint(MethodId(i as u16));
            return Ok(Some(stray(start, place, difference)));
        }
    }
    Ok(None)
}

/// The first guard byte that is not one. Guards are looked at after every
/// event, so a whole block is compared at once first.
fn broken_guard(bytes: &[u8]) -> Option<(u32, u8, u8)> {
    const INTACT: [u8; 64] = [GUARD; 64];
    let intact = bytes.chunks(INTACT.len()).all(|chunk| *chunk == INTACT[..chunk.len()]);
    if intact { None } else { first_difference(bytes, |_| GUARD) }
}

/// Looks at the null page and at static data.
fn find_static_write(process: &mut dyn Process) -> Result<Option<StrayWrite>, Trap> {
    let emission = process.vm().emission.clone();
    let initial = &emission.program.memory[..THREAD as usize];
    let bytes = process.read(0, THREAD)?;
    if bytes == initial {
        return Ok(None);
    }
    let difference = first_difference(bytes, |i| initial[i]);
    let place = Place::StaticData;
    Ok(difference.map(|(address, expected, found)| StrayWrite { address, place, expected, found }))
}

/// The loader's structures as the run leaves them.
fn finals(process: &mut dyn Process) -> Result<Finals, Trap> {
    let emission = process.vm().emission.clone();
    let mut finals = Finals {
        table_len: process.table_len(),
        stack_pointer: process.stack_pointer(),
        ..Finals::default()
    };
    for i in 0..process.vm().methods.len() {
        let Some(method) = process.vm().methods[i] else { continue };
        let words = method.pep.words(process)?;
        let own = method.method_desc.unmanaged_entry(process)?;
        finals.methods.push((MethodId(i as u16), words, own));
    }
    for (i, facts) in emission.images.iter().enumerate() {
        let Some(image) = process.vm().images[i] else { continue };
        for cell in &facts.cells {
            let value = read_u32(process, image.image_base + cell.rva)?;
            finals.cells.push((AssemblyId(i as u16), cell.rva, value));
        }
    }
    Ok(finals)
}
