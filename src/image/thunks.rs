//! The thunks that crossgen2 emits, each made from its signature key alone.

use super::Function;
use super::code::{Global, Op};
use super::facts::Import;
use super::function::{Assembler, Types};
use super::runtime::{Helper, driver_type};
use super::values::{Held, held_token};
use crate::abi::ValType;
use crate::abi::crossgen::Lowered;

/// A TransitionBlock: +0 `m_ReturnAddress`, +4 `m_StackPointer`. The arguments follow it, 16-aligned.
pub const TRANSITION_BLOCK: u32 = 8;
/// Where a thunk keeps the block in its frame, so that the arguments are 16-aligned.
const BLOCK_AT: u32 = 8;
const ARGUMENTS_AT: u32 = BLOCK_AT + TRANSITION_BLOCK;
/// `TERMINATE_R2R_STACK_WALK`: what an M-thunk leaves where a walk looks for a function index.
const TERMINATE_R2R_STACK_WALK: u32 = 1;

/// What an import thunk's record looks like
/// (`READYTORUN_IMPORT_THUNK_PORTABLE_ENTRYPOINT`): +0 target, +4 RVA of the cell.
pub const IMPORT_THUNK_RECORD: u32 = 8;

/// Makes a frame with a TransitionBlock and spills the arguments behind it.
fn transition_frame(
    f: &mut Assembler,
    lowered: &Lowered,
    frame: u32,
    extra: u32,
    spill_structs: bool,
) {
    let (slots, size) = lowered.argument_slots();
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
            Held::Reference(size) if !spill_structs => {
                f.address(frame, ARGUMENTS_AT + slot).constant(0).constant(size);
                f.op(Op::MemoryFill);
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
    rva_of: &dyn Fn(Import) -> u32,
) -> Function {
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let call = types.intern(ty.clone());
    let name = format!("WasmDelayLoadHelper->DelayLoad_MethodCall(Sig:{lowered})");
    let mut f = Assembler::new(types, name, ty);
    let (frame, pep) = (f.local(), f.local());
    transition_frame(&mut f, lowered, frame, 0, false);
    f.address(frame, BLOCK_AT).get(last).op(Op::GlobalGet(Global::MemoryBase));
    f.constant(rva_of(Import::Module));
    f.load_image_word(rva_of(Import::ThunkHelper(Helper::DelayLoadMethodCall)));
    f.op(Op::CallIndirect(types.intern(Helper::DelayLoadMethodCall.func_type()))).set(pep);
    for param in 0..last {
        f.get(param);
    }
    f.get(pep).load(ValType::I32, pep, 0).op(Op::CallIndirect(call));
    f.finish()
}

/// `WasmR2RToInterpreterThunk` (`WasmR2RToInterpreterThunkNode.cs`): copies the arguments into
/// a TransitionBlock and enters the interpreter.
pub fn r2r_to_interpreter(
    types: &mut Types,
    lowered: &Lowered,
    rva_of: &dyn Fn(Import) -> u32,
) -> Function {
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - 1;
    let mut f = Assembler::new(types, format!("WasmR2RToInterpreterThunk({lowered})"), ty);
    let (frame, saved) = (f.local(), f.local());
    let (_, size) = lowered.argument_slots();
    transition_frame(&mut f, lowered, frame, 16, true);
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.get(frame).op(Op::GlobalSet(Global::StackPointer));
    f.get(last).address(frame, BLOCK_AT).constant(size);
    if lowered.has_return_buffer() {
        f.get(1 + u32::from(lowered.this));
    } else {
        f.address(frame, ARGUMENTS_AT + size);
    }
    f.load_image_word(rva_of(Import::ThunkHelper(Helper::R2RToInterpreter)));
    f.op(Op::CallIndirect(types.intern(Helper::R2RToInterpreter.func_type())));
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    if let Some(result @ Held::Scalar(_)) = lowered.ret.map(held_token) {
        f.unspill(result, frame, ARGUMENTS_AT + size);
    }
    f.finish()
}

/// `WasmInterpreterToR2RThunk` (`WasmInterpreterToR2RThunkNode.cs`): `(pep, pArgs, pRet)`. Loads
/// the arguments from interpreter slots and calls through the entry point.
pub fn interpreter_to_r2r(types: &mut Types, lowered: &Lowered) -> Function {
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
    let (slots, _) = lowered.argument_slots();
    let mut slots = slots.into_iter();
    if lowered.this {
        f.load(ValType::I32, args, slots.next().unwrap_or(0));
    }
    if lowered.has_return_buffer() {
        f.get(ret);
    }
    for (&token, slot) in lowered.params.iter().zip(slots) {
        f.unspill(held_token(token), args, slot);
    }
    f.get(pep).load(ValType::I32, pep, 0).op(Op::CallIndirect(call));
    if let Some(Held::Scalar(ty)) = result {
        f.op(Op::Store(ty, 0));
    }
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    f.finish()
}
