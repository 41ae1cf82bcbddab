//! Delegate objects.
//!
//! `[MethodTable, _target, _methodBase, _methodPtr, _methodPtrAux]`, as measured:
//! closed over an instance or a first argument, `_methodPtr` is the callee's
//! entry point; open, it is a shuffle thunk's, and `_methodPtrAux` the callee's.

use super::callee::{Callee, StubKind};
use super::interpreter::{self, Arguments};
use super::memory::{read_u32, write_u32};
use super::trace::Step;
use super::{Vm, VmProcess, addresses, entry, stubs, types};
use crate::abi::Shape;
use crate::abi::crossgen::lower;
use crate::abi::vm::returns_by_buffer;
use crate::engine::Trap;
use crate::image::delegate::{DELEGATE_SIZE, METHOD_PTR, METHOD_PTR_AUX, TARGET};
use crate::image::map::VARIABLES;
use crate::image::pep::{CLOSED_STATIC_SIZE, CLOSED_STATIC_TARGET, CODE};
use crate::image::words::{Address, FunctionPointer, ObjectAddress, PepAddress};
use crate::scenario::{MethodId, VariableId};

/// Makes a delegate over what `pointer` leads to, and stores it in a variable.
// mutants: variables by other numbers, or at other addresses, each still its own
pub fn construct(
    process: &mut VmProcess<'_>,
    variable: Address,
    object: ObjectAddress,
    pointer: FunctionPointer,
    closed: bool,
) -> Result<(), Trap> {
    let id = VariableId((variable.get().wrapping_sub(VARIABLES) / 4) as u16);
    let delegate = allocate(process, id);
    let (callee, _) = interpreter::owner(process, pointer.assume_pep())?;
    let method = process.vm().method_of(callee);
    let (target, method_ptr, aux) = if closed {
        let entry = closed_entry(process, callee, pointer.assume_pep())?;
        (object, entry, FunctionPointer::NULL)
    } else {
        let stub = stubs::stub(process, StubKind::Shuffle(method))?;
        let entry = entry_point(process, stub)?;
        (delegate, entry, open_aux(process, method, pointer.assume_pep()))
    };
    write_u32(process, delegate.at(TARGET), target.get())?;
    write_u32(process, delegate.at(METHOD_PTR), method_ptr.get())?;
    write_u32(process, delegate.at(METHOD_PTR_AUX), aux.get())?;
    process.vm().trace.push(Step::Delegate { delegate, target, method_ptr, aux });
    write_u32(process, variable, delegate.get())
}

/// A delegate object; the one that a variable held before is garbage.
fn allocate(process: &mut VmProcess<'_>, variable: VariableId) -> ObjectAddress {
    let vm = process.vm();
    let known = vm.delegates.iter().find(|(v, _)| *v == variable).map(|(_, at)| *at);
    known.unwrap_or_else(|| {
        let at = ObjectAddress::made_at(vm.allocate(DELEGATE_SIZE));
        vm.delegates.push((variable, at));
        at
    })
}

fn entry_point(process: &mut VmProcess<'_>, callee: Callee) -> Result<PepAddress, Trap> {
    let pep = addresses(process, callee)?.pep;
    entry::ensure_at(process, Vm::ensures_delegate, callee)?;
    Ok(pep)
}

fn open_aux(process: &mut VmProcess<'_>, method: MethodId, pointer: PepAddress) -> FunctionPointer {
    let vm = process.vm();
    let dispatched = vm.scenario.layout.method(method).is_virtual();
    if !dispatched {
        return pointer.into();
    }
    vm.open_virtual_aux(pointer)
}

/// `_methodPtr` of a closed delegate: an unboxing stub for a boxed receiver,
/// a swapping thunk for a static method with a return buffer (#134108), else the
/// callee's own entry point.
fn closed_entry(
    process: &mut VmProcess<'_>,
    callee: Callee,
    pointer: PepAddress,
) -> Result<PepAddress, Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let method = vm.method_of(callee);
    let signature = &layout.method(method).signature;
    if signature.instance {
        // A stub that came out of a slot unboxes already; an instantiating one does not.
        return match callee {
            Callee::Stub(_) if !(signature.context && layout.is_boxed(method)) => Ok(pointer),
            _ => {
                let pep = types::bound_entry(process, method)?;
                let (callee, _) = interpreter::owner(process, pep)?;
                entry_point(process, callee)
            }
        };
    }
    let by_buffer = signature.ret.is_some_and(|ty| returns_by_buffer(layout, ty));
    if !by_buffer || !vm.ready_to_run() || !vm.swaps_return_buffer() {
        return entry_point(process, callee);
    }
    let invoke = layout.invoke_signature(method, true).as_instance();
    let key = format!("D{}", lower(layout, &invoke, Shape::Managed));
    let Some(thunk) = vm.thunks.find(&key) else {
        return Err(vm.abort("no thunk for a delegate closed over a static method"));
    };
    let known = vm.closed_statics.iter().find(|(_, pep)| *pep == pointer).map(|(at, _)| *at);
    let record = known.unwrap_or_else(|| {
        let at = PepAddress::made_at(vm.allocate(CLOSED_STATIC_SIZE));
        vm.closed_statics.push((at, pointer));
        at
    });
    write_u32(process, record.at(CODE), thunk.get())?;
    write_u32(process, record.at(CLOSED_STATIC_TARGET), pointer.get())?;
    entry::ensure_at(process, Vm::ensures_delegate, callee)?;
    Ok(record)
}

/// `INTOP_CALLDELEGATE`: the target, if it is a receiver or a first argument,
/// goes in front of the arguments.
pub fn invoke(
    process: &mut VmProcess<'_>,
    delegate: ObjectAddress,
    mut arguments: Arguments,
    ret: Address,
) -> Result<(), Trap> {
    let target = read_u32(process, delegate.at(TARGET))?;
    let method_ptr = FunctionPointer::new(read_u32(process, delegate.at(METHOD_PTR))?);
    let method_ptr = delegate_pointer(process, method_ptr)?;
    let (callee, _) = interpreter::owner(process, method_ptr)?;
    if process.vm().signature(callee).instance {
        arguments.this = Some(ObjectAddress::new(target));
    } else {
        arguments.put_first(target);
    }
    interpreter::calli_with(process, method_ptr, callee, &arguments, ret)
}

/// The entry point that the interpreter calls for a `_methodPtr`.
// mutants: the right loader calls what `_methodPtr` holds either way: only `issue-124221`, which is
// asked more often, is wrong
fn delegate_pointer(
    process: &mut VmProcess<'_>,
    method_ptr: FunctionPointer,
) -> Result<PepAddress, Trap> {
    let vm = process.vm();
    let statics = &vm.closed_statics;
    if let Some((_, pep)) = statics.iter().find(|(record, _)| *record == method_ptr.assume_pep()) {
        return Ok(*pep);
    }
    let open_virtual = vm.stubs().iter().any(|(stub, at)| {
        at.pep == method_ptr.assume_pep()
            && matches!(stub.kind, StubKind::Shuffle(method)
                if vm.scenario.layout.method(method).is_virtual())
    });
    if open_virtual {
        return Vm::open_virtual_method_ptr(process, method_ptr).map(FunctionPointer::assume_pep);
    }
    Ok(method_ptr.assume_pep())
}

impl Vm {
    /// Delegate objects, by the variable that holds them.
    pub fn delegates(&self) -> &[(VariableId, ObjectAddress)] {
        &self.delegates
    }

    /// Entry points of delegates closed over static methods, and what they lead to.
    pub fn closed_statics(&self) -> &[(PepAddress, PepAddress)] {
        &self.closed_statics
    }
}
