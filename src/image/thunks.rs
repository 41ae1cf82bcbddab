//! The thunks that crossgen2 emits, each made from its signature key alone.

use super::Function;
use super::code::{Global, Op};
use super::decisions::{Compiler, Transition};
use super::facts::Import;
use super::function::{Assembler, Types};
use super::helpers::{Helper, driver_type};
use super::pep::{CLOSED_STATIC_TARGET, Pep, virtual_dispatch_entry};
use super::values::{Held, held_token};
use super::words::Rva;
use crate::abi::ValType;
use crate::abi::crossgen::Lowered;
use crate::scenario::Layout;

/// A TransitionBlock: +0 `m_ReturnAddress`, +4 `m_StackPointer`. The arguments follow it,
/// 16-aligned.
pub const TRANSITION_BLOCK: u32 = 8;
/// Where a thunk keeps the block in its frame, so that the arguments are 16-aligned.
const BLOCK_AT: u32 = 8;
const ARGUMENTS_AT: u32 = BLOCK_AT + TRANSITION_BLOCK;
/// `TERMINATE_R2R_STACK_WALK`: what an M-thunk leaves where a walk looks for a function index.
const TERMINATE_R2R_STACK_WALK: u32 = 1;

/// What becomes of structs, which are passed by reference, in a TransitionBlock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Structs {
    Copied,
    Zeroed,
    ByAddress,
}

/// Makes a frame with a TransitionBlock and spills the arguments behind it.
// mutants: words of a thunk's block that nothing reads (upstream they are for stack walks), an
// argument in its slot 0, or a larger frame
fn transition_frame(
    f: &mut Assembler,
    lowered: &Lowered,
    frame: u32,
    extra: u32,
    (slots, size): (Vec<u32>, u32),
    structs: Structs,
) {
    f.enter_frame(0, frame, ARGUMENTS_AT + size + extra);
    f.store_constant(frame, BLOCK_AT, 0);
    f.store_local(ValType::I32, frame, BLOCK_AT + 4, 0);
    let mut slots = slots.into_iter();
    let mut param = 1;
    if lowered.this {
        let slot = slots.next().unwrap_or(0);
        f.store_local(ValType::I32, frame, ARGUMENTS_AT + slot, param);
        param += 1;
    }
    param += u32::from(lowered.has_return_buffer());
    for (&token, slot) in lowered.params.iter().zip(slots) {
        let held = held_token(token);
        match held {
            Held::Reference(size) if structs == Structs::Zeroed => {
                f.address(frame, ARGUMENTS_AT + slot).constant(0).constant(size);
                f.op(Op::MemoryFill);
            }
            Held::Reference(_) if structs == Structs::ByAddress => {
                f.store_local(ValType::I32, frame, ARGUMENTS_AT + slot, param);
            }
            _ => f.spill(held, param, frame, ARGUMENTS_AT + slot),
        }
        param += held.operands();
    }
}

/// `WasmImportThunk` (`WasmImportThunk.cs`): asks the VM for the real entry
/// point, then makes the same call again. By-reference structs are
/// zero-filled in the block: nothing reads them there.
pub fn import_thunk(
    types: &mut Types,
    lowered: &Lowered,
    rva_of: &dyn Fn(Import) -> Rva,
) -> Function {
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let call = types.intern(ty.clone());
    let name = format!("WasmDelayLoadHelper->DelayLoad_MethodCall(Sig:{lowered})");
    let mut f = Assembler::new(types, name, ty);
    let (frame, pep) = (f.local(), f.local());
    transition_frame(&mut f, lowered, frame, 0, lowered.argument_slots(), Structs::Zeroed);
    f.address(frame, BLOCK_AT).get(last).op(Op::GlobalGet(Global::MemoryBase));
    f.constant(rva_of(Import::Module).get());
    f.load_image_word(rva_of(Import::ThunkHelper(Helper::DelayLoadMethodCall)));
    f.op(Op::CallIndirect(types.intern(Helper::DelayLoadMethodCall.func_type()))).set(pep);
    for param in 0..last {
        f.get(param);
    }
    f.call_pep(Pep::Local(pep), call);
    f.finish()
}

/// How a thunk finds `READYTORUN_HELPER_R2RToInterpreter`.
#[derive(Clone, Copy, Debug)]
pub enum InterpreterEntry {
    /// In an image: through the helper's cell, at this RVA.
    Cell(Rva),
    /// In the runtime.
    Runtime,
}

/// `WasmR2RToInterpreterThunk` (`WasmR2RToInterpreterThunkNode.cs`): copies the arguments into
/// a TransitionBlock and enters the interpreter.
pub fn r2r_to_interpreter(
    layout: &Layout,
    types: &mut Types,
    lowered: &Lowered,
    entry: InterpreterEntry,
    compiler: &dyn Compiler,
) -> Function {
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let mut f = Assembler::new(types, format!("WasmR2RToInterpreterThunk({lowered})"), ty);
    let (frame, saved) = (f.local(), f.local());
    let slots = compiler.argument_slots(layout, Transition::ToInterpreter, lowered);
    let size = slots.1;
    let copies = compiler.copies_structs(lowered);
    let structs = if copies { Structs::Copied } else { Structs::ByAddress };
    transition_frame(&mut f, lowered, frame, 16, slots, structs);
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.get(frame).op(Op::GlobalSet(Global::StackPointer));
    f.get(last).address(frame, BLOCK_AT).constant(size);
    if lowered.has_return_buffer() {
        f.get(1 + u32::from(lowered.this));
    } else {
        f.address(frame, ARGUMENTS_AT + size);
    }
    match entry {
        InterpreterEntry::Cell(rva) => f.load_image_word(rva),
        InterpreterEntry::Runtime => f.constant(Helper::R2RToInterpreter.slot().get()),
    };
    f.op(Op::CallIndirect(types.intern(Helper::R2RToInterpreter.func_type())));
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    if let Some(result @ Held::Scalar(_)) = lowered.ret.map(held_token) {
        f.unspill(result, frame, ARGUMENTS_AT + size);
    }
    f.finish()
}

/// `WasmInterpreterToR2RThunk` (`WasmInterpreterToR2RThunkNode.cs`): `(pep, pArgs, pRet)`. Loads
/// the arguments from interpreter slots and calls through the entry point.
pub fn interpreter_to_r2r(
    layout: &Layout,
    types: &mut Types,
    lowered: &Lowered,
    compiler: &dyn Compiler,
) -> Function {
    let call = types.intern(lowered.func_type());
    let name = format!("WasmInterpreterToR2RThunk({lowered})");
    let mut f = Assembler::new(types, name, driver_type());
    let (pep, args, ret) = (0, 1, 2);
    let (saved, frame) = (f.local(), f.local());
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.enter_frame(saved, frame, 16);
    f.store_constant(frame, 0, TERMINATE_R2R_STACK_WALK);
    f.store_local(ValType::I32, frame, 4, frame);

    let result = lowered.ret.map(held_token);
    if matches!(result, Some(Held::Scalar(_))) {
        f.get(ret);
    }
    f.get(frame);
    let (slots, _) = compiler.argument_slots(layout, Transition::FromInterpreter, lowered);
    let mut slots = slots.into_iter();
    let this = lowered.this.then(|| slots.next().unwrap_or(0));
    let buffer = lowered.has_return_buffer();
    if buffer && !compiler.pushes_this_first() {
        f.get(ret);
    }
    if let Some(slot) = this {
        f.load(ValType::I32, args, slot);
    }
    if buffer && compiler.pushes_this_first() {
        f.get(ret);
    }
    for (&token, slot) in lowered.params.iter().zip(slots) {
        f.unspill(held_token(token), args, slot);
    }
    f.call_pep(Pep::Local(pep), call);
    if let Some(Held::Scalar(ty)) = result {
        f.op(Op::Store(ty, 0));
    }
    if compiler.restores_stack_pointer() {
        f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    } else {
        f.get(frame).op(Op::GlobalSet(Global::StackPointer));
    }
    f.finish()
}

/// The key of a V-thunk: `V`, the result, and every lowered parameter
/// (`WasmVirtualDispatchThunkNode.cs`).
pub fn virtual_key(lowered: &Lowered) -> String {
    let letter = |ty: &ValType| match ty {
        ValType::I32 => 'i',
        ValType::I64 => 'l',
        ValType::F32 => 'f',
        ValType::F64 => 'd',
        ValType::V128 => 'V',
    };
    let ty = lowered.func_type();
    let result = ty.result.as_ref().map_or('v', letter);
    ['V', result].into_iter().chain(ty.params.iter().map(letter)).collect()
}

/// `WasmVirtualDispatchThunk` (`WasmVirtualDispatchThunkNode.cs`): reads the slot from the
/// receiver's MethodTable and calls what it holds, or the initial entry if
/// that has no code yet.
pub fn virtual_dispatch(types: &mut Types, lowered: &Lowered) -> Function {
    use virtual_dispatch_entry::{CHUNK_OFFSET, INITIAL_ENTRY, TABLE_OFFSET};
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let call = types.intern(ty.clone());
    let mut f = Assembler::new(types, format!("WasmVirtualDispatchThunk({lowered})"), ty);
    let (target, this) = (f.local(), 1);
    f.load(ValType::I32, this, 0).get(last).op(Op::LoadHalf(TABLE_OFFSET));
    f.op(Op::I32Add).op(Op::Load(ValType::I32, 0)).get(last).op(Op::LoadHalf(CHUNK_OFFSET));
    f.op(Op::I32Add).op(Op::Load(ValType::I32, 0)).set(target);
    for param in 0..last {
        f.get(param);
    }
    let target = Pep::Local(target);
    f.push_pep(target).push_code(target).load(ValType::I32, last, INITIAL_ENTRY);
    f.push_code(target).op(Op::Select).op(Op::CallIndirect(call));
    f.finish()
}

/// A thunk for delegates closed over a static method with a return buffer
/// (#134108): `Invoke` passes `(sp, target, retbuf, ...)`, the method wants
/// `(sp, retbuf, target, ...)`, and both are the same to wasm.
pub fn closed_static(types: &mut Types, lowered: &Lowered) -> Function {
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let call = types.intern(ty.clone());
    let mut f = Assembler::new(types, format!("WasmClosedStaticThunk({lowered})"), ty);
    let pep = f.local();
    f.load(ValType::I32, last, CLOSED_STATIC_TARGET).set(pep);
    f.get(0).get(2).get(1);
    for param in 3..last {
        f.get(param);
    }
    f.call_pep(Pep::Local(pep), call);
    f.finish()
}
