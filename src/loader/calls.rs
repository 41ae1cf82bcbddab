//! The script's calls and takes, made by every kind of caller.

#![deny(clippy::wildcard_enum_match_arm)]

use super::interpreter::{self, Arguments, GcMode, set_gc_mode, with_slots};
use super::memory::{read_u32, write_u32};
use super::observation::{CallObservation, Place, StrayWrite};
use super::script::{broken_guard, read_variable, variable_address};
use super::trace::Step;
use super::{Vm, VmProcess, delegates, entry, fixups, method_pep, runtime_calls, types};
use crate::engine::{Memory, Trap};
use crate::image::emission::CallerCode;
use crate::image::map::{FRAME_ARGUMENTS, GUARD};
use crate::image::words::{Address, FunctionPointer, ObjectAddress, TableIndex};
use crate::scenario::{Action, Call, Caller, Layout, MethodId, Site, SiteId, VariableId, meaning};

/// A call that is going on.
#[derive(Debug)]
pub struct Running {
    /// Which of the observed calls.
    pub call: usize,
    /// How many calls it is inside of.
    depth: usize,
    /// What its callee has yet to call.
    inside: Vec<Call>,
}

/// Makes a call, and what its callee calls.
pub fn make(process: &mut VmProcess<'_>, call: &Call, depth: usize) -> Result<(), Trap> {
    let before = process.stack_pointer();
    let vm = process.vm();
    let index = vm.observation.calls.len();
    vm.observation.calls.push(CallObservation {
        depth,
        pointer: None,
        result: None,
        stack_pointer: (before, before),
    });
    vm.running.push(Running { call: index, depth, inside: call.inside.clone() });
    let pointer = call.pointer.map(|variable| read_variable(process, variable)).transpose()?;
    process.vm().observation.calls[index].pointer = pointer;
    let passed = argument_bytes(process.vm(), call);
    write_frame(process, pointer, depth, &passed)?;
    let outcome = dispatch(process, call, depth);
    let after = process.stack_pointer();
    process.vm().observation.calls[index].stack_pointer = (before, after);
    outcome?;
    collect_result(process, call, depth, index, &passed)?;
    process.vm().running.pop();
    // The caller's own frame restores its stack pointer.
    process.set_stack_pointer(before);
    Ok(())
}

/// The callee of the innermost call makes the calls that are inside it, once;
/// compiled code publishes its frame for that.
pub fn inside(process: &mut VmProcess<'_>, frame: Option<Address>) -> Result<(), Trap> {
    let Some(running) = process.vm().running.last_mut() else { return Ok(()) };
    if running.inside.is_empty() {
        return Ok(());
    }
    let depth = running.depth + 1;
    let calls = std::mem::take(&mut running.inside);
    let before = process.stack_pointer();
    process.set_stack_pointer(frame.map_or(before, Address::get));
    for call in &calls {
        make(process, call, depth)?;
    }
    process.set_stack_pointer(before);
    Ok(())
}

/// Who runs a site: with ReadyToRun switched off, compiled code is interpreted too.
fn caller(vm: &Vm, site: &Site) -> Caller {
    match site.caller {
        Caller::ReadyToRun(assembly) if !vm.ready_to_run() => Caller::Interpreter(assembly),
        caller @ (Caller::ReadyToRun(_) | Caller::Interpreter(_) | Caller::Native) => caller,
    }
}

fn dispatch(process: &mut VmProcess<'_>, call: &Call, depth: usize) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    let site = scenario.layout.site(call.site);
    if let Action::Runtime { path, callee } = site.action {
        return runtime_calls::run(process, path, callee, call, depth);
    }
    match caller(process.vm(), site) {
        Caller::Interpreter(_) => {
            return interpreted_call(process, &scenario.layout, call, depth);
        }
        Caller::ReadyToRun(_) => {
            prepare_caller(process, call.site)?;
            set_gc_mode(process, GcMode::Cooperative)?;
        }
        Caller::Native => set_gc_mode(process, GcMode::Preemptive)?,
    }
    enter_caller(process, call.site, depth)
}

/// Prepares the compiled method that holds a site, once.
pub(super) fn prepare_caller(process: &mut VmProcess<'_>, site: SiteId) -> Result<(), Trap> {
    let vm = process.vm();
    if std::mem::replace(&mut vm.prepared_callers[site], true) {
        return Ok(());
    }
    match vm.emission.caller(site) {
        Some(CallerCode::Compiled { image, function, .. }) => {
            fixups::prepare(process, image, function)
        }
        Some(CallerCode::Runtime(_)) | None => Ok(()),
    }
}

/// Enters the code that holds a site, on the frame at this depth.
pub(super) fn enter_caller(
    process: &mut VmProcess<'_>,
    site: SiteId,
    depth: usize,
) -> Result<(), Trap> {
    let vm = process.vm();
    let (frame, result) = (vm.facts.map.frame(depth), vm.facts.map.result(depth));
    let code = caller_slot(vm, site);
    let sp = process.stack_pointer();
    process.call(code, [sp, frame.get(), result.get()])
}

/// The table slot of the code that holds a site.
fn caller_slot(vm: &Vm, site: SiteId) -> TableIndex {
    let slot = match vm.emission.caller(site) {
        Some(CallerCode::Compiled { image, function, .. }) => {
            vm.images[image].map(|image| image.table_base.plus(function.0))
        }
        Some(CallerCode::Runtime(slot)) => Some(slot),
        None => None,
    };
    slot.unwrap_or(TableIndex::NONE)
}

/// Runs a site that takes.
pub fn take(
    process: &mut VmProcess<'_>,
    site: SiteId,
    into: VariableId,
    on: Option<u32>,
) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    let data = scenario.layout.site(site);
    let (address, object) = (variable_address(into), ObjectAddress::new(on.unwrap_or(0)));
    match caller(process.vm(), data) {
        Caller::ReadyToRun(_) => {
            prepare_caller(process, site)?;
            let code = caller_slot(process.vm(), site);
            let sp = process.stack_pointer();
            process.call(code, [sp, address.get(), object.get()])?;
        }
        Caller::Interpreter(_) | Caller::Native => {
            interpreted_take(process, &data.action, address, object)?;
        }
    }
    let value = read_variable(process, into)?;
    process.vm().trace.push(Step::Stored { variable: into, value });
    Ok(())
}

fn interpreted_take(
    process: &mut VmProcess<'_>,
    action: &Action,
    variable: Address,
    object: ObjectAddress,
) -> Result<(), Trap> {
    let value = match *action {
        Action::Ldftn(method) => entry::multi_callable_address(process, method)?,
        Action::Ldvirtftn(method) => fixups::virtual_function_pointer(process, object, method)?,
        Action::NewDelegate { method, closed } => {
            let dispatched = process.vm().scenario.layout.method(method).is_virtual();
            let pointer = if closed && dispatched {
                fixups::virtual_function_pointer(process, object, method)?
            } else {
                entry::multi_callable_address(process, method)?
            };
            return delegates::construct(process, variable, object, pointer, closed);
        }
        Action::Direct { .. }
        | Action::Virtual { .. }
        | Action::ManagedCalli(_)
        | Action::UnmanagedCalli(_)
        | Action::Invoke(_)
        | Action::PInvoke { .. }
        | Action::Runtime { .. } => return Ok(()),
    };
    write_u32(process, variable, value.get())
}

/// Writes the function pointer and the arguments where the caller finds them,
/// and makes the result buffer recognisable.
fn write_frame(
    process: &mut VmProcess<'_>,
    pointer: Option<FunctionPointer>,
    depth: usize,
    passed: &[u8],
) -> Result<(), Trap> {
    let pointer = pointer.unwrap_or(FunctionPointer::NULL);
    let map = &process.vm().facts.map;
    let (frame, result, size) = (map.frame(depth), map.result(depth), map.result_size);
    write_u32(process, frame, pointer.get())?;
    process.write(frame.at(FRAME_ARGUMENTS).get(), passed)?;
    fill(process, result, size)
}

fn fill(process: &mut VmProcess<'_>, address: Address, len: u32) -> Result<(), Trap> {
    const CHUNK: [u8; 64] = [GUARD; 64];
    let mut at = 0;
    while at < len {
        let n = (len - at).min(64);
        process.write(address.at(at).get(), &CHUNK[..n as usize])?;
        at += n;
    }
    Ok(())
}

/// What the arguments of a call look like in memory: the receiver, and the parameters.
fn argument_bytes(vm: &Vm, call: &Call) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 * call.args.len() + 8);
    if let Some(this) = call.this {
        bytes.extend_from_slice(&u64::from(this).to_le_bytes());
    }
    push_parameters(vm, call, &mut bytes);
    bytes
}

fn push_parameters(vm: &Vm, call: &Call, out: &mut Vec<u8>) {
    let layout = &vm.scenario.layout;
    for (&ty, &word) in vm.scenario.layout.call_signature(call.site).params.iter().zip(&call.args) {
        meaning::push_value(layout, ty, word, out);
    }
}

/// What interpreted code passes: a call's own arguments, and hidden ones for
/// the method that it names.
pub(super) fn arguments(vm: &Vm, call: &Call, named: Option<MethodId>) -> Arguments {
    let signature = vm.scenario.layout.call_signature(call.site);
    let context = named.filter(|_| signature.context).map(meaning::context_address);
    let continuation = signature.continuation.then_some(0);
    let mut values = Vec::with_capacity(8 * call.args.len());
    push_parameters(vm, call, &mut values);
    Arguments { this: call.this.map(ObjectAddress::new), context, continuation, values }
}

/// The object that a call is made on, if it is on one.
pub(super) fn receiver(call: &Call) -> ObjectAddress {
    call.this.map(ObjectAddress::new).unwrap_or_default()
}

/// A call site in interpreted code: arguments go to interpreter slots.
fn interpreted_call(
    process: &mut VmProcess<'_>,
    layout: &Layout,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    let vm = process.vm();
    let (frame, ret) = (vm.facts.map.frame(depth), vm.facts.map.result(depth));
    let pointer = FunctionPointer::new(read_u32(process, frame)?);
    let vm = process.vm();
    let signature = layout.call_signature(call.site);
    match &layout.site(call.site).action {
        Action::Direct { callee, .. } => {
            let arguments = arguments(vm, call, Some(*callee));
            let pep = method_pep(process, *callee)?;
            with_slots(process, signature, &arguments, |process, args| {
                interpreter::call(process, pep, args, ret)
            })
        }
        Action::Virtual { method, .. } => {
            let arguments = arguments(vm, call, None);
            let pep = types::slot_entry(process, receiver(call), *method)?;
            with_slots(process, signature, &arguments, |process, args| {
                interpreter::call(process, pep, args, ret)
            })
        }
        Action::ManagedCalli(_) => {
            let arguments = arguments(vm, call, None);
            with_slots(process, signature, &arguments, |process, args| {
                interpreter::calli(process, pointer.assume_pep(), args, ret)
            })
        }
        Action::UnmanagedCalli(_) => {
            let arguments = arguments(vm, call, None);
            with_slots(process, signature, &arguments, |process, args| {
                interpreter::call_unmanaged(process, pointer, signature, args, ret)
            })
        }
        Action::PInvoke { callee, .. } => {
            let arguments = arguments(vm, call, None);
            let target = entry::native_code(process, *callee)?;
            with_slots(process, signature, &arguments, |process, args| {
                interpreter::call_unmanaged(process, target.into(), signature, args, ret)
            })
        }
        Action::Invoke(_) => {
            let arguments = arguments(vm, call, None);
            delegates::invoke(process, pointer.assume_delegate(), arguments, ret)
        }
        Action::Ldftn(_)
        | Action::Ldvirtftn(_)
        | Action::NewDelegate { .. }
        | Action::Runtime { .. } => Ok(()),
    }
}

/// Keeps the result's bytes, and checks what lies behind them and what the caller passed.
fn collect_result(
    process: &mut VmProcess<'_>,
    call: &Call,
    depth: usize,
    index: usize,
    passed: &[u8],
) -> Result<(), Trap> {
    let (memory, vm) = process.split();
    let map = &vm.facts.map;
    let (frame, result, result_size) = (map.frame(depth), map.result(depth), map.result_size);
    let ret = vm.scenario.layout.call_signature(call.site).ret;
    let size = ret.map_or(0, |ty| meaning::stack_size(&vm.scenario.layout, ty));
    let kept = &mut vm.observation.bytes;
    let start = kept.len();
    let buffer = memory.read(result.get(), result_size)?;
    kept.extend_from_slice(&buffer[..size as usize]);
    let behind = broken_guard(&buffer[size as usize..])
        .map(|(at, expected, found)| (result.at(size + at), Place::BehindResult, expected, found));
    let at = frame.at(FRAME_ARGUMENTS);
    let arguments = memory.read(at.get(), passed.len() as u32)?;
    let changed = first_difference(&arguments, passed)
        .map(|(offset, expected, found)| (at.at(offset), Place::CallerArguments, expected, found));
    vm.observation.calls[index].result = Some(start..kept.len());
    if let Some((address, place, expected, found)) = behind.or(changed) {
        let address = address.get();
        vm.stray_write.get_or_insert(StrayWrite { address, place, expected, found });
    }
    Ok(())
}

/// The first byte that is not what it should be: offset, expected, found.
pub(super) fn first_difference(bytes: &[u8], expected: &[u8]) -> Option<(u32, u8, u8)> {
    if bytes == expected {
        return None;
    }
    let mut pairs = (0..).zip(bytes.iter().zip(expected));
    pairs.find(|(_, (found, expected))| found != expected).map(|(i, (f, e))| (i, *e, *f))
}
