//! How a method's portable entry point gets its code.
//!
//! The state machine of `vm/precode_portable.cpp` and `vm/method.cpp`: cold, thunk installed by
//! compare-and-swap, interpreted, R2R published, UCO checked and has.

use super::pep::{PREFERS_INTERPRETER, UCO_CHECKED, UCO_HAS};
use super::trace::{Prestub, Step, Writer};
use super::words::{FunctionPointer, TableIndex};
use super::{addresses, images, method_pep, thunks};
use crate::abi::vm::{MetadataConvention, signature_key};
use crate::engine::{Process, Trap};
use crate::image::facts::Role;
use crate::scenario::{Convention, MethodId};

/// Bytes of the modelled `InterpByteCodeStart`.
const BYTE_CODE_SIZE: u32 = 16;

/// `MethodDesc::EnsurePortableEntryPointIsCallableFromR2R` (`vm/method.cpp`): a
/// slot that R2R code will `call_indirect` through must hold something of the
/// managed type. Without native code, that is the R2R-to-interpreter thunk for
/// the key of the *metadata* signature, which is managed for a UCO method too.
pub fn ensure_callable_from_r2r(process: &mut dyn Process, method: MethodId) -> Result<(), Trap> {
    let pep = method_pep(process, method)?;
    if pep.words(process)?.has_native_code() {
        return Ok(());
    }
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let key = signature_key('I', layout, signature, MetadataConvention::Default);
    let Some(thunk) = vm.thunks.find(&key) else {
        vm.trace.push(Step::Pending { method, key });
        thunks::add_pending(vm, method);
        return Ok(());
    };
    if pep.try_set_actual_code(process, thunk)? {
        pep.change_flags(process, PREFERS_INTERPRETER, 0)?;
        let by = Writer::InterpreterThunk;
        process.vm().trace.push(Step::ActualCode { method, code: thunk, by });
    }
    Ok(())
}

/// `MethodDesc::GetMultiCallableAddrOfCode(CORINFO_ACCESS_UNMANAGED_CALLER_MAYBE)`: what `ldftn` yields.
///
/// A managed method's is the address of its entry point, made callable from
/// R2R; a UCO method's is up to the [loader](super::Loader::uco_method_entry).
pub fn multi_callable_address(
    process: &mut dyn Process,
    method: MethodId,
) -> Result<FunctionPointer, Trap> {
    if is_unmanaged_callers_only(process, method) {
        let loader = process.vm().loader;
        return loader.uco_method_entry(process, method);
    }
    let pep = method_pep(process, method)?;
    pep.change_flags(process, UCO_CHECKED, 0)?;
    ensure_callable_from_r2r(process, method)?;
    Ok(pep.into())
}

fn is_unmanaged_callers_only(process: &mut dyn Process, method: MethodId) -> bool {
    let layout = &process.vm().scenario.layout;
    layout.method(method).convention == Convention::UnmanagedCallersOnly
}

/// The repaired UCO path: publishes the method's own unmanaged table index apart
/// from `_pActualCode`, and gives it.
///
/// `_pActualCode` gets it as well where it is still null, which keeps the words
/// that were measured (`16c7, MD, 0, 3`); a managed thunk that got there first
/// stays, for managed callers.
pub fn publish_unmanaged_entry(
    process: &mut dyn Process,
    method: MethodId,
) -> Result<TableIndex, Trap> {
    const KNOWN: u32 = UCO_CHECKED | UCO_HAS;
    let at = addresses(process, method)?;
    if at.pep.words(process)?.flags & KNOWN == KNOWN {
        return at.method_desc.unmanaged_entry(process);
    }
    let index = unmanaged_callers_only_thunk(process, method)?;
    set_unmanaged_entry(process, method, index)?;
    at.pep.change_flags(process, KNOWN, 0)?;
    Ok(index)
}

fn set_unmanaged_entry(
    process: &mut dyn Process,
    method: MethodId,
    index: TableIndex,
) -> Result<(), Trap> {
    let at = addresses(process, method)?;
    at.method_desc.set_unmanaged_entry(process, index)?;
    process.vm().trace.push(Step::UnmanagedEntry { method, index });
    if at.pep.try_set_actual_code(process, index)? {
        let by = Writer::UnmanagedEntry;
        process.vm().trace.push(Step::ActualCode { method, code: index, by });
    }
    Ok(())
}

/// `GetUnmanagedCallersOnlyThunk` (`vm/wasm/helpers.cpp`): the R2R body if the
/// image has one (`TryPublishR2RCodeForUnmanagedCallersOnly`, #129766), else
/// the generated C reverse thunk. Byte code is never compiled here.
fn unmanaged_callers_only_thunk(
    process: &mut dyn Process,
    method: MethodId,
) -> Result<TableIndex, Trap> {
    if let Some(body) = images::ready_to_run_body(process, method)? {
        return Ok(body);
    }
    let vm = process.vm();
    match vm.emission.runtime_slot(&Role::ReverseThunk(method)) {
        Some(slot) => Ok(TableIndex(slot)),
        None => Err(vm.abort(
            "GetUnmanagedCallersOnlyThunk: unknown thunk for unmanaged callers only method",
        )),
    }
}

/// `MethodDesc::DoPrestub` to `PrepareInitialCode`: R2R code first, else byte code.
pub fn do_prestub(process: &mut dyn Process, method: MethodId) -> Result<(), Trap> {
    let pep = method_pep(process, method)?;
    let body = images::ready_to_run_body(process, method)?;
    if let Some(body) = body {
        if is_unmanaged_callers_only(process, method) {
            set_unmanaged_entry(process, method, body)?;
        } else {
            pep.set_actual_code(process, body)?;
            pep.change_flags(process, 0, PREFERS_INTERPRETER)?;
            let by = Writer::ReadyToRunBody;
            process.vm().trace.push(Step::ActualCode { method, code: body, by });
        }
    }
    let byte_code = process.vm().scenario.layout.method(method).code.has_byte_code();
    if byte_code && pep.words(process)?.interpreter_data == 0 {
        let data = process.vm().allocate(BYTE_CODE_SIZE);
        pep.set_interpreter_data(process, data)?;
    }
    let outcome = match (body, byte_code) {
        (Some(_), false) => Prestub::ReadyToRun,
        (Some(_), true) => Prestub::Both,
        (None, true) => Prestub::ByteCode,
        (None, false) => return Err(process.vm().abort("the method has no code")),
    };
    process.vm().trace.push(Step::Prestub { method, outcome });
    Ok(())
}
