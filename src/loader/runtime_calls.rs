//! Methods that the runtime runs by itself.
//!
//! The managed helpers by which it does are R2R code of its own library, so that
//! each entry point must be callable from R2R code before it is handed to one: the
//! places where upstream forgot are the families cold-slot and no-byte-code.

#![deny(clippy::wildcard_enum_match_arm)]

use super::callee::StubKind;
use super::calls::{arguments, enter_caller, receiver};
use super::decisions::Ensures;
use super::interpreter::{self, Arguments, GcMode, set_gc_mode, with_slots};
use super::memory::write_u32;
use super::{Vm, VmProcess, addresses, entry, fixups, method_pep, stubs, types};
use crate::abi::vm::returns_by_buffer;
use crate::engine::Trap;
use crate::image::facts::Import;
use crate::image::words::{FunctionPointer, PepAddress, TableIndex};
use crate::scenario::{Call, MethodId, RuntimePath, meaning};

/// Runs a method on the runtime's behalf.
pub fn run(
    process: &mut VmProcess<'_>,
    path: RuntimePath,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    match path {
        RuntimePath::Reflection => reflection(process, method, call, depth),
        RuntimePath::Export => export(process, method, call, depth),
        RuntimePath::Resume => resume(process, method, call, depth),
        RuntimePath::ClassConstructor => {
            managed(process, Vm::ensures_class_constructor, method, call, depth)
        }
        RuntimePath::DefaultConstructor => {
            managed(process, Vm::ensures_default_constructor, method, call, depth)
        }
        RuntimePath::EntryPoint => managed(process, Vm::ensures_entry_point, method, call, depth),
        RuntimePath::Finalizer => finalizer(process, method, call, depth),
    }
}

/// A managed helper calls the method's entry point (`RunClassInitEx`, `CallDefaultConstructor`,
/// `RunMainInternal`).
fn managed(
    process: &mut VmProcess<'_>,
    ensures: Ensures,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    entry::ensure_at(process, ensures, method.into())?;
    let pep = method_pep(process, method)?;
    call_managed(process, pep, call, depth)
}

/// A managed helper calls the entry point in the object's Finalize slot (`RunFinalizers`).
fn finalizer(
    process: &mut VmProcess<'_>,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    let pep = fixups::receiver_entry(process, receiver(call), method, Vm::ensures_finalizer)?;
    call_managed(process, pep, call, depth)
}

fn call_managed(
    process: &mut VmProcess<'_>,
    pep: PepAddress,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    if !process.vm().ready_to_run() {
        let arguments = arguments(process.vm(), call, None);
        return interpreted(process, pep, arguments, depth);
    }
    enter_with(process, pep.into(), call, depth)
}

/// Enters the helper that holds a site, with this as the pointer that it calls.
fn enter_with(
    process: &mut VmProcess<'_>,
    pointer: FunctionPointer,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    let frame = process.vm().facts.map.frame(depth);
    write_u32(process, frame, pointer.get())?;
    enter_caller(process, call.site, depth)
}

fn interpreted(
    process: &mut VmProcess<'_>,
    pep: PepAddress,
    arguments: Arguments,
    depth: usize,
) -> Result<(), Trap> {
    let ret = process.vm().facts.map.result(depth);
    let (callee, _) = interpreter::owner(process, pep)?;
    let signature = process.vm().signature(callee).clone();
    with_slots(process, &signature, &arguments, |process, args| {
        interpreter::call(process, pep, args, ret)
    })
}

/// `MethodBase.Invoke`, down to `CallDescrWorkerInternal`: prepares the method;
/// byte code is interpreted, anything else goes through `InvokeManagedMethod` (#129766).
fn reflection(
    process: &mut VmProcess<'_>,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let by_buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    let boxed = call.this.is_some() && layout.is_boxed(method);
    let shared = signature.context && !boxed;
    let dispatched = layout.method(method).is_virtual();
    let ret = vm.facts.map.result(depth);
    let mut arguments = arguments(vm, call, None);
    if by_buffer && !vm.reflection_skips_return_buffer() {
        arguments.put_first(ret.get());
    }
    let pep = if shared {
        let stub = stubs::stub(process, StubKind::Instantiating(method))?;
        addresses(process, stub)?.pep
    } else if dispatched {
        types::slot_entry(process, receiver(call), method)?
    } else if call.this.is_some() {
        types::bound_entry(process, method)?
    } else {
        method_pep(process, method)?
    };
    if Vm::reflected_call(process, pep, &arguments, ret)? {
        return Ok(());
    }
    interpreted(process, pep, arguments, depth)
}

/// C code calls the wrapper that a UCO method is exported as.
fn export(
    process: &mut VmProcess<'_>,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Preemptive)?;
    let wrapper = process.vm().facts.runtime.reverse_thunks.get(&method).copied();
    enter_with(process, wrapper.unwrap_or(TableIndex::NONE).into(), call, depth)
}

/// A suspended method goes on: through its resumption stub if its image has one,
/// else in the interpreter.
fn resume(
    process: &mut VmProcess<'_>,
    method: MethodId,
    call: &Call,
    depth: usize,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Cooperative)?;
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let assembly = layout.method(method).assembly;
    let compiled = layout.method(method).code.has_r2r_body() && vm.ready_to_run();
    if !compiled {
        let continuation = Some(meaning::CONTINUATION);
        let arguments = Arguments { continuation, ..Arguments::default() };
        let pep = method_pep(process, method)?;
        return interpreted(process, pep, arguments, depth);
    }
    fixups::resolve(process, assembly, Import::MethodEntry(method))?;
    let stub = fixups::resolve(process, assembly, Import::ResumptionStub(method))?;
    enter_with(process, stub.unwrap_or(FunctionPointer::NULL), call, depth)
}
