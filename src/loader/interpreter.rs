//! The interpreter's side of calls: entered from R2R code and from C, and calling out.

use super::observation::{Body, Entry};
use super::pep::PepWords;
use super::trace::Step;
use super::words::{FunctionPointer, PepAddress, TableIndex};
use super::{answer, entry, method_pep};
use crate::abi::vm::{MetadataConvention, argument_slots, returns_by_buffer, signature_key};
use crate::engine::{Process, Trap};
use crate::image::facts::Role;
use crate::image::map::THREAD;
use crate::image::thunks::TRANSITION_BLOCK;
use crate::scenario::{MethodId, Signature};

/// `ExecuteInterpretedMethodWithArgs_PortableEntryPoint` (`vm/prestub.cpp`),
/// behind every R2R-to-interpreter thunk. Without byte code it acts as the
/// prestub, and if that published R2R code it bounces there.
pub fn execute_with_args(
    process: &mut dyn Process,
    pep: PepAddress,
    transition_block: u32,
    ret: u32,
) -> Result<(), Trap> {
    let args = transition_block.wrapping_add(TRANSITION_BLOCK);
    let (method, words) = owner(process, pep)?;
    if words.interpreter_data == 0 {
        entry::do_prestub(process, method)?;
        if pep.words(process)?.has_native_entry_point() {
            return invoke_managed_method(process, pep, method, args, ret);
        }
    }
    interpret(process, pep, method, args, ret)
}

/// `ExecuteInterpretedMethodFromUnmanaged`, behind every reverse thunk.
pub fn execute_from_unmanaged(
    process: &mut dyn Process,
    token: u32,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    let method = MethodId(token as u16);
    let pep = method_pep(process, method)?;
    if pep.words(process)?.interpreter_data == 0 {
        entry::do_prestub(process, method)?;
    }
    set_gc_mode(process, GcMode::Cooperative)?;
    interpret(process, pep, method, args, ret)?;
    set_gc_mode(process, GcMode::Preemptive)
}

/// `INTOP_CALL` (`vm/interpexec.cpp`): asks for byte code alone, preparing the
/// method if there is none yet. A method without any goes through the
/// interpreter-to-R2R thunk; one with both kinds of code is interpreted.
pub fn call(
    process: &mut dyn Process,
    target: PepAddress,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    let (method, words) = owner(process, target)?;
    if words.interpreter_data == 0 {
        entry::do_prestub(process, method)?;
        if target.words(process)?.interpreter_data == 0 {
            return invoke_managed_method(process, target, method, args, ret);
        }
    }
    interpret(process, target, method, args, ret)
}

/// `INTOP_CALLI` of a managed pointer: native code wins if the entry point has
/// some and does not prefer the interpreter; else as [`call`].
pub fn calli(
    process: &mut dyn Process,
    target: PepAddress,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    let (method, words) = owner(process, target)?;
    if words.has_native_entry_point() {
        return invoke_managed_method(process, target, method, args, ret);
    }
    call(process, target, args, ret)
}

/// `InvokeUnmanagedCalli(ftn, cookie)`: the raw index goes to the C stub for the signature's key.
pub fn call_unmanaged(
    process: &mut dyn Process,
    target: FunctionPointer,
    signature: &Signature,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let key = signature_key('M', layout, signature, MetadataConvention::Unmanaged);
    let role = Role::InterpreterToNative(key[1..].to_owned());
    let stub = vm.emission.runtime_slot(&role).map_or(TableIndex::NONE, TableIndex);
    if stub == TableIndex::NONE {
        vm.trace.push(Step::NoStub { key });
    }
    set_gc_mode(process, GcMode::Preemptive)?;
    process.call(stub.0, [target.0, args, ret])?;
    set_gc_mode(process, GcMode::Cooperative)
}

/// `InvokeManagedMethod`: the `M` thunk for the metadata signature's key.
fn invoke_managed_method(
    process: &mut dyn Process,
    pep: PepAddress,
    method: MethodId,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let key = signature_key('M', layout, signature, MetadataConvention::Default);
    let thunk = vm.thunks.find(&key).unwrap_or(TableIndex::NONE);
    if thunk == TableIndex::NONE {
        vm.trace.push(Step::NoStub { key });
    }
    process.call(thunk.0, [pep.0, args, ret])
}

/// Who owns an entry point: what `GetMethodDesc` reads and VM code then
/// dereferences. A word that is no entry point leads anywhere.
fn owner(process: &mut dyn Process, pep: PepAddress) -> Result<(MethodId, PepWords), Trap> {
    let words = pep.words(process)?;
    if let Some(method) = process.vm().method_at(words.method_desc) {
        return Ok((method, words));
    }
    words.method_desc.dereference(process)?;
    Err(process.vm().abort("a function pointer's MethodDesc is none"))
}

/// Runs a method's byte code on the arguments in these slots.
fn interpret(
    process: &mut dyn Process,
    pep: PepAddress,
    method: MethodId,
    args: u32,
    ret: u32,
) -> Result<(), Trap> {
    if pep.words(process)?.interpreter_data == 0 {
        // Address 0 is readable: a null byte-code pointer decodes as opcode 0 (class C3).
        return Err(process.vm().abort("unimplemented or invalid interpreter opcode"));
    }
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let (slots, _) = argument_slots(layout, signature);
    let by_buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    let size = signature.ret.map_or(0, |ty| crate::scenario::meaning::stack_size(layout, ty));
    let entry = Entry {
        method,
        body: Body::Interpreter,
        stack_pointer: process.stack_pointer(),
        return_buffer: if by_buffer { ret } else { 0 },
        arguments: 0..0,
    };
    let result = answer(process, entry, |process, seen| {
        for slot in &slots {
            let end = seen.len() + slot.size.next_multiple_of(8) as usize;
            seen.extend_from_slice(process.read(args.wrapping_add(slot.offset), slot.size)?);
            seen.resize(end, 0);
        }
        Ok(())
    })?;
    process.write(ret, &result[..size as usize])
}

/// Which mode the thread is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcMode {
    /// Native code runs.
    Preemptive = 0,
    /// Managed code runs.
    Cooperative = 1,
}

/// Switches the thread's mode.
pub fn set_gc_mode(process: &mut dyn Process, mode: GcMode) -> Result<(), Trap> {
    crate::engine::write_u32(process, THREAD, mode as u32)
}
