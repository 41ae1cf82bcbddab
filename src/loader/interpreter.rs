//! The interpreter's side of calls: entered from R2R code and from C, and calling out.

use super::callee::Callee;
use super::decisions::{ExportDispatch, KeyRequest};
use super::host::answer;
use super::memory::{read_u32, write_u32};
use super::observation::{Body, Entry};
use super::trace::Step;
use super::{Vm, VmProcess, entry, images, method_pep, stubs};
use crate::abi::vm::{MetadataConvention, Slot, argument_slots, returns_by_buffer};
use crate::engine::{Memory, Trap};
use crate::image::map::THREAD;
use crate::image::pep::PepWords;
use crate::image::thunks::TRANSITION_BLOCK;
use crate::image::words::{
    Address, ArgsAddress, FunctionPointer, ObjectAddress, PepAddress, TableIndex,
};
use crate::scenario::{Convention, MethodId, Signature, meaning};

/// `ExecuteInterpretedMethodWithArgs_PortableEntryPoint` (`vm/prestub.cpp`),
/// behind every R2R-to-interpreter thunk. Without byte code it acts as the
/// prestub, and if that published R2R code it bounces there.
pub fn execute_with_args(
    process: &mut VmProcess<'_>,
    pep: PepAddress,
    transition_block: Address,
    ret: Address,
) -> Result<(), Trap> {
    let args = ArgsAddress::made_at(transition_block.at(TRANSITION_BLOCK));
    let (callee, words) = owner(process, pep)?;
    if words.interpreter_data == 0 {
        entry::do_prestub(process, callee)?;
        if pep.words(process)?.has_native_entry_point() {
            return invoke_managed_method(process, pep, callee, args, ret);
        }
    }
    interpret(process, pep, callee, args, ret)
}

/// `ExecuteInterpretedMethodFromUnmanaged`, behind every reverse thunk. Where
/// the method has an R2R body, that is what must run (#134355).
pub fn execute_from_unmanaged(
    process: &mut VmProcess<'_>,
    token: u32,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let method = process.vm().method_by_token(token)?;
    let pep = method_pep(process, method)?;
    if let Some(body) = images::ready_to_run_body(process, method)? {
        match process.vm().dispatches_exports() {
            ExportDispatch::Native => {
                let scenario = process.vm().scenario.clone();
                let signature = &scenario.layout.method(method).signature;
                return native_call(process, body.into(), signature, args, ret);
            }
            ExportDispatch::Managed => {
                let callee = method.into();
                entry::do_prestub(process, callee)?;
                return invoke_managed_method(process, pep, callee, args, ret);
            }
            ExportDispatch::Interpret => {}
        }
    }
    if pep.words(process)?.interpreter_data == 0 {
        entry::do_prestub(process, method.into())?;
    }
    set_gc_mode(process, GcMode::Cooperative)?;
    interpret(process, pep, method.into(), args, ret)?;
    set_gc_mode(process, GcMode::Preemptive)
}

/// `INTOP_CALL` (`vm/interpexec.cpp`): asks for byte code alone, preparing the
/// method if there is none yet. A method without any goes through the
/// interpreter-to-R2R thunk; one with both kinds of code is interpreted.
pub fn call(
    process: &mut VmProcess<'_>,
    target: PepAddress,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let (callee, words) = owner(process, target)?;
    if words.interpreter_data == 0 {
        entry::do_prestub(process, callee)?;
        if target.words(process)?.interpreter_data == 0 && !is_pinvoke(process, callee) {
            return invoke_managed_method(process, target, callee, args, ret);
        }
    }
    interpret(process, target, callee, args, ret)
}

/// `INTOP_CALLI` of a managed pointer: native code wins if the entry point has
/// some and does not prefer the interpreter; else as [`call`].
pub fn calli(
    process: &mut VmProcess<'_>,
    target: PepAddress,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let (callee, words) = owner(process, target)?;
    if words.has_native_entry_point() {
        return invoke_managed_method(process, target, callee, args, ret);
    }
    call(process, target, args, ret)
}

/// [`calli`] of a callee with arguments that are not in slots yet.
pub fn calli_with(
    process: &mut VmProcess<'_>,
    target: PepAddress,
    callee: Callee,
    arguments: &Arguments,
    ret: Address,
) -> Result<(), Trap> {
    let signature = process.vm().signature(callee).clone();
    with_slots(process, &signature, arguments, |process, args| calli(process, target, args, ret))
}

/// Puts arguments into slots of the interpreter's stack for the time of `work`.
// mutants: the end of the interpreter's stack, which no valid script comes to
pub fn with_slots(
    process: &mut VmProcess<'_>,
    signature: &Signature,
    arguments: &Arguments,
    work: impl FnOnce(&mut VmProcess<'_>, ArgsAddress) -> Result<(), Trap>,
) -> Result<(), Trap> {
    let vm = process.vm();
    let (slots, size) = argument_slots(&vm.scenario.layout, signature);
    let args = vm.interpreter_top;
    let map = &vm.facts.map;
    if args.get() + size > map.interpreter_stack + map.interpreter_stack_size {
        return Err(Trap::StackExhausted);
    }
    vm.interpreter_top = ArgsAddress::made_at(args.at(size));
    let outcome =
        arguments.write(process, signature, &slots, args).and_then(|()| work(process, args));
    process.vm().interpreter_top = args;
    outcome
}

/// `InvokeUnmanagedCalli(ftn, cookie)`: the raw index goes to the C stub for
/// the signature's key.
pub fn call_unmanaged(
    process: &mut VmProcess<'_>,
    target: FunctionPointer,
    signature: &Signature,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    set_gc_mode(process, GcMode::Preemptive)?;
    native_call(process, target, signature, args, ret)?;
    set_gc_mode(process, GcMode::Cooperative)
}

fn native_call(
    process: &mut VmProcess<'_>,
    target: FunctionPointer,
    signature: &Signature,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let cookie = native_cookie(process.vm(), signature);
    process.call(cookie, [target.get(), args.get(), ret.get()])
}

/// The C stub for an unmanaged signature's key.
fn native_cookie(vm: &mut Vm, signature: &Signature) -> TableIndex {
    if let Some(&known) = vm.native_cookies.get(signature) {
        return known;
    }
    let key = vm.key(&KeyRequest {
        prefix: 'M',
        layout: &vm.scenario.layout,
        callee: None,
        signature,
        convention: MetadataConvention::Unmanaged,
    });
    match vm.facts.runtime.interpreter_to_native.get(&key[1..]) {
        Some(&stub) => {
            vm.native_cookies.insert(signature.clone(), stub);
            stub
        }
        None => {
            vm.trace.push(Step::NoStub { key });
            TableIndex::NONE
        }
    }
}

/// `InvokeManagedMethod`: the `M` thunk for the metadata signature's key.
pub fn invoke_managed_method(
    process: &mut VmProcess<'_>,
    pep: PepAddress,
    callee: Callee,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let cookie = cookie(process.vm(), callee);
    process.call(cookie, [pep.get(), args.get(), ret.get()])
}

/// A callee's call cookie: kept once it is found, as the first registration of a key stays.
fn cookie(vm: &mut Vm, callee: Callee) -> TableIndex {
    if let Some(&known) = vm.cookies.get(&callee) {
        return known;
    }
    let key = entry::key(vm, 'M', callee);
    match vm.thunks.find(&key) {
        Some(thunk) => {
            vm.cookies.insert(callee, thunk);
            thunk
        }
        None => {
            vm.trace.push(Step::NoStub { key });
            TableIndex::NONE
        }
    }
}

/// Who owns an entry point: what `GetMethodDesc` reads and VM code then
/// dereferences. A word that is no entry point leads anywhere.
pub fn owner(process: &mut VmProcess<'_>, pep: PepAddress) -> Result<(Callee, PepWords), Trap> {
    let words = pep.words(process)?;
    if let Some(callee) = process.vm().callee_at(words.method_desc) {
        return Ok((callee, words));
    }
    words.method_desc.dereference(process)?;
    Err(process.vm().abort("a function pointer's MethodDesc is none"))
}

fn is_pinvoke(process: &mut VmProcess<'_>, callee: Callee) -> bool {
    let layout = &process.vm().scenario.layout;
    matches!(callee, Callee::Method(m) if layout.method(m).convention == Convention::PInvoke)
}

/// Runs a callee's byte code on the arguments in these slots.
fn interpret(
    process: &mut VmProcess<'_>,
    pep: PepAddress,
    callee: Callee,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    if is_pinvoke(process, callee) {
        return marshal(process, callee, args, ret);
    }
    if pep.words(process)?.interpreter_data == 0 {
        // Address 0 is readable: a null byte-code pointer decodes as opcode 0 (family
        // no-byte-code).
        return Err(process.vm().abort("unimplemented or invalid interpreter opcode"));
    }
    match callee {
        Callee::Stub(stub) => stubs::run(process, stub, args, ret),
        Callee::Method(method) => interpret_method(process, method, args, ret),
    }
}

/// A P/Invoke's marshalling stub: calls the C function.
fn marshal(
    process: &mut VmProcess<'_>,
    callee: Callee,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let Callee::Method(method) = callee else { return Ok(()) };
    let target = entry::native_code(process, method)?;
    let scenario = process.vm().scenario.clone();
    let signature = &scenario.layout.method(method).signature;
    call_unmanaged(process, target.into(), signature, args, ret)
}

// mutants: who ran a body, for the account; `src/tests/oracle.rs` and `src/tests/states.rs` look
// at it
fn interpret_method(
    process: &mut VmProcess<'_>,
    method: MethodId,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let (slots, _) = argument_slots(layout, signature);
    let by_buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    let size = signature.ret.map_or(0, |ty| meaning::stack_size(layout, ty));
    let entry = Entry {
        method,
        body: Body::Interpreter,
        stack_pointer: process.stack_pointer(),
        return_buffer: if by_buffer { ret } else { Address::default() },
        ..Entry::default()
    };
    let result = answer(process, entry, None, |memory, seen| {
        for slot in &slots {
            let end = seen.len() + slot.size.next_multiple_of(8) as usize;
            seen.extend_from_slice(&memory.read(args.at(slot.offset).get(), slot.size)?);
            seen.resize(end, 0);
        }
        Ok(())
    })?;
    process.write(ret.get(), &result[..size as usize])
}

/// The arguments of one call, out of their slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    pub this: Option<ObjectAddress>,
    /// The hidden generic context.
    pub context: Option<u32>,
    /// The hidden continuation.
    pub continuation: Option<u32>,
    /// The parameters, each padded to 8 bytes as `meaning` has them.
    pub values: Vec<u8>,
}

impl Arguments {
    /// Reads the arguments of a call with this signature.
    pub fn read(
        process: &mut VmProcess<'_>,
        signature: &Signature,
        at: ArgsAddress,
    ) -> Result<Self, Trap> {
        let (slots, _) = argument_slots(&process.vm().scenario.layout, signature);
        let mut slots = slots.into_iter();
        let mut hidden = |there: bool| -> Result<Option<u32>, Trap> {
            let slot = if there { slots.next() } else { None };
            slot.map(|slot| read_u32(process, at.at(slot.offset))).transpose()
        };
        let this = hidden(signature.instance)?.map(ObjectAddress::new);
        let context = hidden(signature.context)?;
        let continuation = hidden(signature.continuation)?;
        let mut values = Vec::new();
        for slot in slots {
            let bytes = process.read(at.at(slot.offset).get(), slot.size)?;
            let end = values.len() + slot.size.next_multiple_of(8) as usize;
            values.extend_from_slice(&bytes);
            values.resize(end, 0);
        }
        Ok(Self { this, context, continuation, values })
    }

    /// Writes them where a callee with this signature looks for them.
    fn write(
        &self,
        process: &mut VmProcess<'_>,
        signature: &Signature,
        slots: &[Slot],
        at: ArgsAddress,
    ) -> Result<(), Trap> {
        let mut slots = slots.iter();
        let hidden = [
            (signature.instance, self.this.map(ObjectAddress::get)),
            (signature.context, self.context),
            (signature.continuation, self.continuation),
        ];
        for (_, word) in hidden.into_iter().filter(|(there, _)| *there) {
            let offset = slots.next().map_or(0, |slot| slot.offset);
            write_u32(process, at.at(offset), word.unwrap_or(0))?;
        }
        let mut from = 0;
        for slot in slots {
            let end = from + slot.size.next_multiple_of(8) as usize;
            let value = self.values.get(from..from + slot.size as usize).unwrap_or_default();
            process.write(at.at(slot.offset).get(), value)?;
            from = end;
        }
        Ok(())
    }

    /// Takes the first parameter, a word, out.
    pub fn take_first(&mut self) -> u32 {
        let word = self.values.first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b));
        self.values.drain(..self.values.len().min(8));
        word
    }

    /// Puts a word in front of the parameters.
    pub fn put_first(&mut self, word: u32) {
        self.values.splice(0..0, u64::from(word).to_le_bytes());
    }
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
// mutants: the thread's mode, by which upstream's garbage collector acts: nothing in the model does
pub fn set_gc_mode(process: &mut VmProcess<'_>, mode: GcMode) -> Result<(), Trap> {
    write_u32(process, Address::new(THREAD), mode as u32)
}
