//! The runtime module's functions: helpers that R2R code calls, and the C code
//! that the native build generates (interpreter stubs, reverse thunks).

#![deny(clippy::wildcard_enum_match_arm)]

use strum::VariantArray;

use super::bodies::{self, Home};
use super::code::{Global, Op};
use super::decisions::Compiler;
use super::emission::Role;
use super::frames::ArgumentPlan;
use super::function::{Assembler, Types};
use super::helpers::{Helper, driver_type};
use super::host::HostFunction;
use super::map::{FRAME_ARGUMENTS, THREAD};
use super::pep::Pep;
use super::thunks::{InterpreterEntry, interpreter_to_r2r, r2r_to_interpreter};
use super::values::{Held, held_token};
use super::{Function, FunctionId, Module};
use crate::abi::crossgen::{Lowered, lower};
use crate::abi::{Shape, ValType, jit};
use crate::index::IndexVec;
use crate::scenario::action::{Subject, VariableKind};
use crate::scenario::meaning::CONTINUATION;
use crate::scenario::{Action, Caller, Code, Convention, Layout, MethodId, RuntimePath, Signature};

/// The runtime module for a layout, and what each of its functions is.
pub fn emit(
    layout: &Layout,
    types: &mut Types,
    compiler: &dyn Compiler,
) -> (Module, IndexVec<FunctionId, Role>) {
    let mut builder = Builder {
        layout,
        compiler,
        types,
        functions: IndexVec::default(),
        roles: IndexVec::default(),
    };
    builder.callers();
    builder.call_stubs();
    builder.bodies();
    builder.reverse_thunks();
    builder.transitions();
    for &helper in Helper::VARIANTS {
        let function = helper_function(builder.types, helper);
        builder.add(Role::Helper(helper), function);
    }
    let Builder { functions, roles, .. } = builder;
    (Module { name: "runtime".into(), functions, payload: Vec::new() }, roles)
}

/// The runtime module while it is put together.
struct Builder<'a> {
    layout: &'a Layout,
    compiler: &'a dyn Compiler,
    types: &'a mut Types,
    functions: IndexVec<FunctionId, Function>,
    roles: IndexVec<FunctionId, Role>,
}

impl Builder<'_> {
    /// Adds a function unless there is one for this already.
    fn add(&mut self, role: Role, function: Function) {
        self.roles.push(role);
        self.functions.push(function);
    }

    fn has(&self, role: &Role) -> bool {
        self.roles.iter().any(|known| known == role)
    }

    /// C code that calls function pointers, and the managed helpers of the
    /// runtime's own library by which it runs methods.
    fn callers(&mut self) {
        let layout = self.layout;
        for (id, site) in layout.sites.enumerated() {
            let name = format!("native_caller_{}", site.name);
            let Some(signature) = site.signature(layout).filter(|_| site.caller == Caller::Native)
            else {
                continue;
            };
            let function = match site.action.kind().runtime_path() {
                None => native_caller(layout, self.types, name, signature),
                Some(path) => match path {
                    // These call by the method's own convention, or not from wasm at all.
                    RuntimePath::Reflection => continue,
                    RuntimePath::Export => native_caller(layout, self.types, name, signature),
                    RuntimePath::ClassConstructor
                    | RuntimePath::DefaultConstructor
                    | RuntimePath::EntryPoint
                    | RuntimePath::Finalizer
                    | RuntimePath::Resume => {
                        runtime_caller(layout, self.types, name, signature, path)
                    }
                },
            };
            self.add(Role::NativeCaller(id), function);
        }
    }

    /// The interpreter's stubs for unmanaged calls, P/Invokes and exported UCO methods.
    fn call_stubs(&mut self) {
        let layout = self.layout;
        // With ReadyToRun switched off, compiled sites are interpreted too.
        let managed = layout.sites.iter().filter(|site| site.caller != Caller::Native);
        let calls = managed.filter_map(|site| match site.action.parts().subject {
            Subject::Variable(VariableKind::UnmanagedPointer, signature) => Some(signature),
            Subject::Variable(VariableKind::ManagedPointer | VariableKind::Delegate, _)
            | Subject::Method(_) => None,
        });
        // A wrapper of an exported UCO method calls its R2R body as the interpreter would.
        let methods = layout.methods.iter();
        let native = methods.filter(|m| m.convention == Convention::PInvoke || m.reverse_thunk);
        for signature in calls.chain(native.map(|m| &m.signature)) {
            let lowered = lower(layout, signature, Shape::Unmanaged);
            let role = Role::InterpreterToNative(lowered.to_string());
            if !self.has(&role) {
                let function = interpreter_to_native(self.types, &lowered);
                self.add(role, function);
            }
        }
    }

    /// FCalls and the targets of P/Invokes.
    fn bodies(&mut self) {
        let layout = self.layout;
        for (id, method) in layout.methods.enumerated() {
            if method.code == Code::Native {
                let body = bodies::body(layout, self.types, id, &Home::Runtime, self.compiler);
                self.add(Role::Body(id), body);
            }
        }
    }

    fn reverse_thunks(&mut self) {
        let layout = self.layout;
        for (id, method) in layout.methods.enumerated() {
            if method.reverse_thunk {
                let lowered = lower(layout, &method.signature, Shape::Unmanaged);
                let name = format!("Call_{}", method.name);
                let thunk = reverse_thunk(self.types, name, id, &lowered, self.compiler);
                self.add(Role::ReverseThunk(id), thunk);
            }
        }
    }

    /// The transition thunks of the runtime's own library: for the methods that
    /// the runtime runs, and for FCalls (`callhelpers-interp-to-managed.cpp`).
    fn transitions(&mut self) {
        let layout = self.layout;
        let run = layout.sites.iter().map(|site| &site.action);
        let run = run.filter(|action| action.kind().runtime_path().is_some());
        let run = run.filter_map(Action::named).map(|callee| layout.method(callee));
        let fcalls = layout.methods.iter().filter(|m| m.code == Code::Native);
        for method in run.chain(fcalls).filter(|m| m.convention == Convention::Managed) {
            let lowered = lower(layout, &method.signature, Shape::Managed);
            let key = lowered.to_string();
            if !self.has(&Role::R2RToInterpreter(key.clone())) {
                let entry = InterpreterEntry::Runtime;
                let thunk = r2r_to_interpreter(layout, self.types, &lowered, entry, self.compiler);
                self.add(Role::R2RToInterpreter(key.clone()), thunk);
                let thunk = interpreter_to_r2r(layout, self.types, &lowered, self.compiler);
                self.add(Role::InterpreterToR2R(key), thunk);
            }
        }
    }
}

/// A managed helper by which the runtime runs a method: `result = pointer(args...)`,
/// where the pointer is an entry point, or for [`RuntimePath::Resume`] a
/// resumption stub's table index. Entered as `(sp, frame, result)`.
// mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to the
// same size
fn runtime_caller(
    layout: &Layout,
    types: &mut Types,
    name: String,
    signature: &Signature,
    path: RuntimePath,
) -> Function {
    let call = types.intern(jit::call_type(layout, signature, Shape::Managed));
    let plan = ArgumentPlan::new(layout, signature);
    let mut f = Assembler::new(types, name, driver_type());
    let (stack, args, result) = (0, 1, 2);
    let frame = f.local();
    f.enter_frame(stack, frame, 16 + plan.copies_size());
    plan.copy_structs(&mut f, args, frame, 16);
    plan.push_result_address(&mut f, result);
    f.get(frame);
    plan.push_this(&mut f, args);
    plan.push_return_buffer(&mut f, result);
    if path == RuntimePath::Resume {
        f.constant(CONTINUATION);
        f.constant(0).load(ValType::I32, args, 0).op(Op::CallIndirect(call));
    } else {
        plan.push_hidden(&mut f, None);
        plan.push_arguments(&mut f, args, frame, 16);
        f.call_pep(Pep::Word(args), call);
    }
    plan.store_result(&mut f);
    f.finish()
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
    if let Some(Held::Scalar(ty)) = result {
        f.op(Op::Store(ty, 0));
    }
    f.finish()
}

/// The generated wrapper that native code reaches an interpreted UCO method
/// by: packs the arguments into slots and enters the interpreter
/// (`callhelpers-reverse.cpp`, `ExecuteInterpretedMethodFromUnmanaged`).
fn reverse_thunk(
    types: &mut Types,
    name: String,
    method: MethodId,
    lowered: &Lowered,
    compiler: &dyn Compiler,
) -> Function {
    let mut ty = lowered.func_type();
    if !compiler.reverse_thunks_return() {
        ty.result = None;
    }
    let returns = ty.result.is_some();
    let mut f = Assembler::new(types, name, ty);
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
    if let Some(held @ Held::Scalar(_)) = result.filter(|_| returns) {
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
            published(&mut f, |f| {
                f.constant(HostFunction::ExternalMethodFixupWorker as u32);
                f.get(0).get(1).get(2).get(3).op(Op::CallHost);
            });
        }
        Helper::R2RToInterpreter => {
            f.constant(HostFunction::ExecuteInterpretedMethodWithArgs as u32);
            f.get(0).get(1).get(2).get(3).op(Op::CallHost).op(Op::Drop);
        }
        Helper::VirtualFunctionPointer => {
            published(&mut f, |f| {
                f.constant(HostFunction::VirtualFunctionPointer as u32).get(1).get(2);
                f.constant(0).constant(0).op(Op::CallHost);
            });
        }
        Helper::DelegateConstruct => {
            published(&mut f, |f| {
                f.constant(HostFunction::DelegateConstruct as u32).get(1).get(2).get(3).get(4);
                f.op(Op::CallHost).op(Op::Drop);
            });
        }
        Helper::GenericLookup => {
            f.constant(HostFunction::GenericLookup as u32).get(0).get(1).constant(0).constant(0);
            f.op(Op::CallHost);
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

/// C++ code called by managed code: `__stack_pointer` is its caller's, and restored.
fn published(f: &mut Assembler, work: impl FnOnce(&mut Assembler)) {
    let saved = f.local();
    f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
    f.get(0).op(Op::GlobalSet(Global::StackPointer));
    work(f);
    f.get(saved).op(Op::GlobalSet(Global::StackPointer));
}

// mutants: the thread's mode, by which upstream's garbage collector acts: nothing in the model does
fn set_gc_mode(f: &mut Assembler, mode: u32) {
    f.constant(THREAD).constant(mode).op(Op::Store(ValType::I32, 0));
}

const _: () = assert!(FRAME_ARGUMENTS >= 4, "the function pointer lies in front of the arguments");
