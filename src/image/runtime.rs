//! The runtime module's functions: helpers that R2R code calls, and the C code
//! that the native build generates (interpreter stubs, reverse thunks).

use super::HOST_SLOTS;
use super::code::{Global, Op};
use super::facts::{Role, RuntimeFacts};
use super::function::{Assembler, Types};
use super::map::{FRAME_ARGUMENTS, THREAD};
use super::methods::ArgumentPlan;
use super::values::held_token;
use super::{Function, Module};
use crate::abi::crossgen::{Lowered, lower};
use crate::abi::{FuncType, Shape, ValType, jit};
use crate::loader::HostFunction;
use crate::scenario::{Action, Caller, Layout, MethodId, Signature, SiteId};

/// A function of the runtime that R2R images and bodies reach by table index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Helper {
    /// Calliper's own: a body reports what it sees and is told its result.
    Probe,
    /// `DelayLoad_MethodCall` (0x08), `vm/wasm/helpers.cpp`.
    DelayLoadMethodCall,
    /// `READYTORUN_HELPER_R2RToInterpreter` (0x118).
    R2RToInterpreter,
    /// `JIT_PInvokeBegin` (0x42).
    PInvokeBegin,
    /// `JIT_PInvokeEnd` (0x43).
    PInvokeEnd,
    /// `JIT_ReversePInvokeEnter` (0x45).
    ReversePInvokeEnter,
    /// `JIT_ReversePInvokeExit` (0x46).
    ReversePInvokeExit,
}

impl Helper {
    /// All of them, in table order: they are the last of the host's slots.
    pub const ALL: [Helper; 7] = [
        Helper::Probe,
        Helper::DelayLoadMethodCall,
        Helper::R2RToInterpreter,
        Helper::PInvokeBegin,
        Helper::PInvokeEnd,
        Helper::ReversePInvokeEnter,
        Helper::ReversePInvokeExit,
    ];
    /// Those that the JIT calls, through a portable entry point of their own.
    pub const JIT: [Helper; 4] = [
        Helper::PInvokeBegin,
        Helper::PInvokeEnd,
        Helper::ReversePInvokeEnter,
        Helper::ReversePInvokeExit,
    ];

    /// Its table index.
    pub fn slot(self) -> u32 {
        HOST_SLOTS - Self::ALL.len() as u32 + self as u32
    }

    /// Its symbol.
    pub fn symbol(self) -> &'static str {
        match self {
            Helper::Probe => "calliper_probe",
            Helper::DelayLoadMethodCall => "DelayLoad_MethodCall",
            Helper::R2RToInterpreter => "R2RToInterpreter",
            Helper::PInvokeBegin => "JIT_PInvokeBegin",
            Helper::PInvokeEnd => "JIT_PInvokeEnd",
            Helper::ReversePInvokeEnter => "JIT_ReversePInvokeEnter",
            Helper::ReversePInvokeExit => "JIT_ReversePInvokeExit",
        }
    }

    /// Its type.
    pub fn func_type(self) -> FuncType {
        let i = ValType::I32;
        match self {
            // (method token, block)
            Helper::Probe => FuncType::new([i, i], None),
            // (argsPtr, importThunkPEP, imageBase, rvaOfModuleCell) -> PEP
            Helper::DelayLoadMethodCall => FuncType::new([i, i, i, i], Some(i)),
            // (pep, transitionBlock, argsSize, retBuf)
            Helper::R2RToInterpreter => FuncType::new([i, i, i, i], None),
            // (sp, frame, pep)
            _ => FuncType::new([i, i, i], None),
        }
    }
}

/// The runtime module for a layout.
pub fn runtime(layout: &Layout, types: &mut Types) -> (Module, RuntimeFacts) {
    let mut functions = Vec::new();
    let mut roles = Vec::new();
    let mut add = |role, function| {
        roles.push(role);
        functions.push(function);
    };

    for (id, site) in (0u16..).map(SiteId).zip(&layout.sites) {
        if let (Caller::Native, Action::UnmanagedCalli(signature)) = (site.caller, &site.action) {
            let name = format!("native_caller_{}", site.name);
            add(Role::NativeCaller(id), native_caller(layout, types, name, signature));
        }
    }
    let mut stubs: Vec<String> = Vec::new();
    for site in &layout.sites {
        let (Caller::Interpreter(_), Action::UnmanagedCalli(signature)) =
            (site.caller, &site.action)
        else {
            continue;
        };
        let lowered = lower(layout, signature, Shape::Unmanaged);
        let key = lowered.to_string();
        if !stubs.contains(&key) {
            let function = interpreter_to_native(types, &lowered);
            add(Role::InterpreterToNative(key.clone()), function);
            stubs.push(key);
        }
    }
    for (id, method) in (0u16..).map(MethodId).zip(&layout.methods) {
        if method.reverse_thunk {
            let lowered = lower(layout, &method.signature, Shape::Unmanaged);
            let name = format!("Call_{}", method.name);
            add(Role::ReverseThunk(id), reverse_thunk(types, name, id, &lowered));
        }
    }
    for helper in Helper::ALL {
        add(Role::Helper(helper), helper_function(types, helper));
    }
    (Module { name: "runtime".into(), functions, payload: Vec::new() }, RuntimeFacts { roles })
}

/// C code that calls through a function pointer: `result = pointer(args...)`.
/// Entered as `(sp, frame, result)`.
fn native_caller(
    layout: &Layout,
    types: &mut Types,
    name: String,
    signature: &Signature,
) -> Function {
    let ty = jit::call_type(layout, signature, Shape::Unmanaged);
    let call = types.intern(ty);
    let plan = ArgumentPlan::new(layout, signature);
    let mut f = Assembler::new(types, name, driver_type());
    let (args, result) = (1, 2);
    let (saved, frame) = (f.local(), f.local());
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.enter_frame(saved, frame, plan.copies_size());
    f.get(frame).op(Op::GlobalSet(Global::StackPointer));
    plan.copy_structs(&mut f, args, frame, 0);
    plan.push_result_address(&mut f, result);
    plan.push_return_buffer(&mut f, result);
    plan.push_arguments(&mut f, args, frame, 0);
    f.load(ValType::I32, args, 0).op(Op::CallIndirect(call));
    plan.store_result(&mut f);
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    f.finish()
}

/// The type by which the VM enters callers and interpreter stubs:
/// `(i32 i32 i32)->()`, upstream's `viii`.
pub fn driver_type() -> FuncType {
    FuncType::new([ValType::I32; 3], None)
}

/// `CallFunc_<args>_Ret<r>(pcode, pArgs, pRet)`: `pcode` is the raw index
/// (key without `p`; `callhelpers-interp-to-managed.cpp`).
fn interpreter_to_native(types: &mut Types, lowered: &Lowered) -> Function {
    let call = types.intern(lowered.func_type());
    let mut f = Assembler::new(types, format!("CallFunc_{lowered}"), driver_type());
    let (code, args, ret) = (0, 1, 2);
    let (slots, _) = lowered.argument_slots();
    let result = lowered.ret.map(held_token);
    if lowered.ret.is_some() {
        // The return buffer argument, or the address that the result is stored to.
        f.get(ret);
    }
    for (&token, &slot) in lowered.params.iter().zip(&slots) {
        f.unspill(held_token(token), args, slot);
    }
    f.get(code).op(Op::CallIndirect(call));
    if let Some(super::values::Held::Scalar(ty)) = result {
        f.op(Op::Store(ty, 0));
    }
    f.finish()
}

/// The generated wrapper that native code reaches an interpreted UCO method
/// by: packs the arguments into slots and enters the interpreter
/// (`callhelpers-reverse.cpp`, `ExecuteInterpretedMethodFromUnmanaged`).
fn reverse_thunk(types: &mut Types, name: String, method: MethodId, lowered: &Lowered) -> Function {
    let mut f = Assembler::new(types, name, lowered.func_type());
    let (slots, size) = lowered.argument_slots();
    let result = lowered.ret.map(held_token);
    let (saved, frame) = (f.local(), f.local());
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.enter_frame(saved, frame, size + 16);
    f.get(frame).op(Op::GlobalSet(Global::StackPointer));
    let mut param = u32::from(lowered.has_return_buffer());
    for (&token, &slot) in lowered.params.iter().zip(&slots) {
        f.spill(held_token(token), param, frame, slot);
        param += held_token(token).operands();
    }
    f.constant(HostFunction::ExecuteInterpretedMethodFromUnmanaged as u32);
    f.constant(u32::from(method.0)).get(frame).constant(size);
    if lowered.has_return_buffer() {
        f.get(0);
    } else {
        f.address(frame, size);
    }
    f.op(Op::CallHost).op(Op::Drop);
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
    if let Some(held @ super::values::Held::Scalar(_)) = result {
        f.unspill(held, frame, size);
    }
    f.finish()
}

fn helper_function(types: &mut Types, helper: Helper) -> Function {
    let mut f = Assembler::new(types, helper.symbol(), helper.func_type());
    match helper {
        Helper::Probe => {
            f.constant(HostFunction::Probe as u32).get(0).get(1).constant(0).constant(0);
            f.op(Op::CallHost).op(Op::Drop);
        }
        // Naked: `__stack_pointer` := local 0, call X_IMPL, restore (fcall.h WASM_* macros).
        Helper::DelayLoadMethodCall => {
            let saved = f.local();
            f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
            f.get(0).op(Op::GlobalSet(Global::StackPointer));
            f.constant(HostFunction::ExternalMethodFixupWorker as u32);
            f.get(0).get(1).get(2).get(3).op(Op::CallHost);
            f.get(saved).op(Op::GlobalSet(Global::StackPointer));
        }
        Helper::R2RToInterpreter => {
            f.constant(HostFunction::ExecuteInterpretedMethodWithArgs as u32);
            f.get(0).get(1).get(2).get(3).op(Op::CallHost).op(Op::Drop);
        }
        // Publishes sp and enters preemptive mode (`JIT_PInvokeBegin`).
        Helper::PInvokeBegin => {
            f.get(0).op(Op::GlobalSet(Global::StackPointer));
            f.store_local(ValType::I32, 1, 0, 0);
            set_gc_mode(&mut f, 0);
        }
        Helper::PInvokeEnd => set_gc_mode(&mut f, 1),
        Helper::ReversePInvokeEnter => {
            let thread = f.local();
            f.constant(THREAD).set(thread);
            f.get(1).load(ValType::I32, thread, 0).op(Op::Store(ValType::I32, 0));
            set_gc_mode(&mut f, 1);
        }
        Helper::ReversePInvokeExit => {
            f.constant(THREAD).load(ValType::I32, 1, 0).op(Op::Store(ValType::I32, 0));
        }
    }
    f.finish()
}

fn set_gc_mode(f: &mut Assembler, mode: u32) {
    f.constant(THREAD).constant(mode).op(Op::Store(ValType::I32, 0));
}

const _: () = assert!(FRAME_ARGUMENTS >= 4, "the function pointer lies in front of the arguments");
