//! How a portable entry point gets its code.
//!
//! The state machine of `vm/precode_portable.cpp` and `vm/method.cpp`: cold, thunk installed by
//! compare-and-swap, interpreted, R2R published, UCO checked and has, FCall.

use super::callee::{Callee, StubKind};
use super::decisions::{Ensures, KeyRequest};
use super::observation::Place;
use super::trace::{Prestub, Step, Writer};
use super::{Vm, VmProcess, addresses, images, method_pep, stubs, thunks};
use crate::abi::vm::MetadataConvention;
use crate::engine::Trap;
use crate::image::pep::{BYTE_CODE_SIZE, PREFERS_INTERPRETER, UCO_CHECKED, UCO_HAS};
use crate::image::words::{FunctionPointer, PepAddress, TableIndex};
use crate::scenario::{Code, Convention, Form, MethodId};

/// [`ensure_callable_from_r2r`], where upstream calls it.
pub fn ensure_at(
    process: &mut VmProcess<'_>,
    ensures: Ensures,
    callee: Callee,
) -> Result<(), Trap> {
    if ensures(process.vm()) {
        ensure_callable_from_r2r(process, callee)?;
    }
    Ok(())
}

/// `MethodDesc::EnsurePortableEntryPointIsCallableFromR2R` (`vm/method.cpp`): a
/// slot that R2R code will `call_indirect` through must hold something of the
/// managed type. Without native code, that is the R2R-to-interpreter thunk for
/// the key of the *metadata* signature, which is managed for a UCO method too.
/// Does nothing where ReadyToRun is switched off (#132965).
// mutants: a thunk is only written over null, so asking first whether there is code changes nothing
pub fn ensure_callable_from_r2r(process: &mut VmProcess<'_>, callee: Callee) -> Result<(), Trap> {
    let at = addresses(process, callee)?;
    let vm = process.vm();
    if !vm.ready_to_run() || at.pep.words(process)?.has_native_code() {
        return Ok(());
    }
    let key = key(process.vm(), 'I', callee);
    let vm = process.vm();
    let Some(thunk) = vm.thunks.find(&key) else {
        vm.trace.push(Step::Pending { callee, key });
        thunks::add_pending(vm, callee);
        return Ok(());
    };
    if at.pep.try_set_actual_code(process, thunk)? {
        at.pep.change_flags(process, PREFERS_INTERPRETER, 0)?;
        let by = Writer::InterpreterThunk;
        process.vm().trace.push(Step::ActualCode { callee, code: thunk, by });
    }
    Ok(())
}

/// The key of a callee's metadata signature.
pub fn key(vm: &Vm, prefix: char, callee: Callee) -> String {
    vm.key(&KeyRequest {
        prefix,
        layout: &vm.scenario.layout,
        callee: Some(callee),
        signature: vm.signature(callee),
        convention: MetadataConvention::Default,
    })
}

/// `MethodDesc::GetMultiCallableAddrOfCode(CORINFO_ACCESS_UNMANAGED_CALLER_MAYBE)`: what `ldftn`
/// yields.
///
/// A managed method's is the address of its entry point, made callable from
/// R2R, or of its instantiating stub's if it is shared generic code; a UCO
/// method's is up to the [loader](super::Loader::uco_method_entry).
pub fn multi_callable_address(
    process: &mut VmProcess<'_>,
    method: MethodId,
) -> Result<FunctionPointer, Trap> {
    if is_unmanaged_callers_only(process, method) {
        return Vm::uco_method_entry(process, method);
    }
    let vm = process.vm();
    let shared = vm.scenario.layout.method(method).signature.context;
    let callee = if shared && vm.instantiates() {
        stubs::stub(process, StubKind::Instantiating(method))?
    } else {
        method.into()
    };
    callable_address(process, callee, Vm::ensures_multi_callable_address).map(FunctionPointer::from)
}

/// A managed entry point, checked for UCO and made callable from R2R code.
///
/// Only a static method can be UCO, and only those are looked at: a delegate
/// closed over an instance method leaves the flag clear (measured).
// mutants: `UCO_CHECKED` alone decides nothing: what publishes sets it again
pub fn callable_address(
    process: &mut VmProcess<'_>,
    callee: Callee,
    ensures: Ensures,
) -> Result<PepAddress, Trap> {
    let pep = addresses(process, callee)?.pep;
    if !process.vm().signature(callee).instance {
        pep.change_flags(process, UCO_CHECKED, 0)?;
    }
    ensure_at(process, ensures, callee)?;
    Ok(pep)
}

fn is_unmanaged_callers_only(process: &mut VmProcess<'_>, method: MethodId) -> bool {
    let layout = &process.vm().scenario.layout;
    layout.method(method).convention == Convention::UnmanagedCallersOnly
}

/// The repaired UCO path: publishes the method's own unmanaged table index apart
/// from `_pActualCode`, and gives it.
///
/// `_pActualCode` gets it as well where it is still null, which keeps the words
/// that were measured (`16c7, MD, 0, 3`); a managed thunk that got there first
/// stays, for managed callers.
// mutants: the bits are apart, so "or" and "exclusive or" are one
pub fn publish_unmanaged_entry(
    process: &mut VmProcess<'_>,
    method: MethodId,
) -> Result<TableIndex, Trap> {
    const KNOWN: u32 = UCO_CHECKED | UCO_HAS;
    let at = addresses(process, method.into())?;
    if at.pep.words(process)?.flags & KNOWN == KNOWN {
        return at.method_desc.unmanaged_entry(process);
    }
    let index = unmanaged_callers_only_thunk(process, method)?;
    set_unmanaged_entry(process, method, index)?;
    at.pep.change_flags(process, KNOWN, 0)?;
    Ok(index)
}

fn set_unmanaged_entry(
    process: &mut VmProcess<'_>,
    method: MethodId,
    index: TableIndex,
) -> Result<(), Trap> {
    let at = addresses(process, method.into())?;
    at.method_desc.set_unmanaged_entry(process, index)?;
    process.vm().trace.push(Step::UnmanagedEntry { method, index });
    if at.pep.try_set_actual_code(process, index)? {
        let (callee, by) = (method.into(), Writer::UnmanagedEntry);
        process.vm().trace.push(Step::ActualCode { callee, code: index, by });
    }
    Ok(())
}

/// `GetUnmanagedCallersOnlyThunk` (`vm/wasm/helpers.cpp`): the R2R body if the
/// image has one (`TryPublishR2RCodeForUnmanagedCallersOnly`, #129766), else
/// the generated C reverse thunk. Byte code is never compiled here.
fn unmanaged_callers_only_thunk(
    process: &mut VmProcess<'_>,
    method: MethodId,
) -> Result<TableIndex, Trap> {
    let body = images::ready_to_run_body(process, method)?;
    let vm = process.vm();
    let thunk = vm.reverse_thunk(method);
    let prefers = vm.prefers_unmanaged_body();
    let found = if prefers { body.or(thunk) } else { thunk.or(body) };
    found.ok_or_else(|| {
        vm.abort("GetUnmanagedCallersOnlyThunk: unknown thunk for unmanaged callers only method")
    })
}

/// `MethodDesc::DoPrestub` to `PrepareInitialCode`: R2R code first, else byte code.
pub fn do_prestub(process: &mut VmProcess<'_>, callee: Callee) -> Result<(), Trap> {
    let outcome = match callee {
        Callee::Stub(_) => compile_byte_code(process, callee).map(|()| Prestub::ByteCode)?,
        Callee::Method(method) => prepare_method(process, method)?,
    };
    process.vm().trace.push(Step::Prestub { callee, outcome });
    Ok(())
}

fn prepare_method(process: &mut VmProcess<'_>, method: MethodId) -> Result<Prestub, Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let (code, convention) = (layout.method(method).code, layout.method(method).convention);
    if code == Code::Native {
        return prepare_native(process, method, convention);
    }
    let body = images::ready_to_run_body(process, method)?;
    if let Some(body) = body {
        if convention == Convention::UnmanagedCallersOnly {
            set_unmanaged_entry(process, method, body)?;
        } else {
            publish(process, method, body, Writer::ReadyToRunBody)?;
        }
    }
    // The interpreter takes any method that has no compiled code to run.
    let byte_code = code.has_byte_code() || !process.vm().ready_to_run();
    if byte_code {
        compile_byte_code(process, method.into())?;
    }
    match (body, byte_code) {
        (Some(_), false) => Ok(Prestub::ReadyToRun),
        (Some(_), true) => Ok(Prestub::Both),
        (None, true) => Ok(Prestub::ByteCode),
        (None, false) => Err(process.vm().abort("the method has no code")),
    }
}

/// An FCall's entry point gets the C++ function. A P/Invoke's stays as it is: its
/// marshalling stub hangs off the MethodDesc (measured).
fn prepare_native(
    process: &mut VmProcess<'_>,
    method: MethodId,
    convention: Convention,
) -> Result<Prestub, Trap> {
    let target = native_code(process, method)?;
    let vm = process.vm();
    let marshals = convention == Convention::PInvoke && vm.marshals_pinvokes();
    if !marshals {
        publish(process, method, target, Writer::FCall)?;
    }
    Ok(if marshals { Prestub::MarshallingStub } else { Prestub::FCall })
}

fn publish(
    process: &mut VmProcess<'_>,
    method: MethodId,
    code: TableIndex,
    by: Writer,
) -> Result<(), Trap> {
    let pep = method_pep(process, method)?;
    pep.set_actual_code(process, code)?;
    pep.change_flags(process, 0, PREFERS_INTERPRETER)?;
    process.vm().trace.push(Step::ActualCode { callee: method.into(), code, by });
    Ok(())
}

/// The table index of an FCall, or of a P/Invoke's target (`PInvoke::ResolvePInvokeTarget`).
pub fn native_code(process: &mut VmProcess<'_>, method: MethodId) -> Result<TableIndex, Trap> {
    let vm = process.vm();
    let slot = vm.facts.runtime.native_code.get(&method).copied();
    slot.ok_or_else(|| vm.abort("the runtime has no such function"))
}

fn compile_byte_code(process: &mut VmProcess<'_>, callee: Callee) -> Result<(), Trap> {
    let pep = addresses(process, callee)?.pep;
    if pep.words(process)?.interpreter_data != 0 {
        return Ok(());
    }
    let known = process.vm().byte_code.get(&callee).copied();
    let data = known.unwrap_or_else(|| {
        let data = process.vm().allocate(BYTE_CODE_SIZE);
        process.vm().byte_code.insert(callee, data);
        data
    });
    pep.set_interpreter_data(process, data.get())
}

/// `MethodDesc::ResetCodeEntryPoint`: the entry point starts anew, with an
/// interpreter thunk (`Init_WithInterpreterThunk`) if it had code that R2R
/// callers may be relying on.
pub fn reset(process: &mut VmProcess<'_>, method: MethodId) -> Result<(), Trap> {
    let at = addresses(process, method.into())?;
    let had_code = at.pep.words(process)?.has_native_code();
    at.pep.init(process, at.method_desc)?;
    process.vm().trace.push(Step::Reset { method });
    let dynamic = process.vm().scenario.layout.method(method).form == Form::Dynamic;
    if had_code && !dynamic {
        ensure_callable_from_r2r(process, method.into())?;
    }
    Ok(())
}

/// A dynamic method's MethodDesc and entry point become another one's.
// mutants: whether a method has memory of its own or a dead one's: addresses are not compared
// mutants: what only the watch over memory asks, which `src/tests/oracle.rs` holds
pub fn recycle(process: &mut VmProcess<'_>, from: MethodId, to: MethodId) -> Result<(), Trap> {
    reset(process, from)?;
    let vm = process.vm();
    if let Some(at) = vm.methods[from].take() {
        vm.recycled.push((from, at));
        let own = Place::BehindEntryPoint(from);
        for (_, place) in vm.guards.iter_mut().filter(|(_, place)| *place == own) {
            *place = Place::BehindEntryPoint(to);
        }
        vm.methods[to] = Some(at);
    }
    vm.thunks.forget(from.into());
    Ok(())
}
