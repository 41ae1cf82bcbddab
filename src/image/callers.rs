//! Compiled methods that hold one call site each.
//!
//! Each is entered by the VM as `(sp, frame, result)`, where the frame holds the
//! function pointer and the arguments; one that takes a pointer is entered as
//! `(sp, variable, object)`.

#![deny(clippy::wildcard_enum_match_arm)]

use super::code::{Global, Op};
use super::decisions::Compiler;
use super::delegate::{METHOD_PTR, TARGET};
use super::facts::{Import, call_import, pointer_import};
use super::frames::{
    ArgumentPlan, FRAME_HEADER, call_jit_helper, call_transition_helper, write_frame_header,
};
use super::function::{Assembler, Types};
use super::helpers::{Helper, driver_type};
use super::pep::Pep;
use super::words::Rva;
use super::{Function, FunctionId};
use crate::abi::{Shape, ValType, jit};
use crate::scenario::{Action, Layout, MethodId, Signature, Site};

/// Where a caller keeps copies of by-reference arguments.
const COPIES: u32 = FRAME_HEADER + 16;

const STACK: u32 = 0;
const ARGS: u32 = 1;
const RESULT: u32 = 2;

/// What a caller is made of besides its code.
#[derive(Debug)]
pub struct CompiledCaller {
    /// The function, of [`driver_type`].
    pub code: Function,
    /// Shadow stack bytes.
    pub frame_size: u32,
}

/// Compiles callers for one image.
pub struct CallerCompiler<'a> {
    /// What is compiled.
    pub layout: &'a Layout,
    pub compiler: &'a dyn Compiler,
    /// RVA of an import's cell.
    pub rva_of: &'a dyn Fn(Import) -> Rva,
}

impl CallerCompiler<'_> {
    /// The compiled method that holds a site. `function` is what it is in the image.
    // mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to
    // the same size
    pub fn compile(&self, types: &mut Types, site: &Site, function: FunctionId) -> CompiledCaller {
        let mut f = Assembler::new(types, format!("caller_{}", site.name), driver_type());
        let Some(signature) = site.signature(self.layout) else {
            self.take(&mut f, types, &site.action);
            return CompiledCaller { code: f.finish(), frame_size: 0 };
        };
        let frame = f.local();
        let plan = ArgumentPlan::new(self.layout, signature);
        let frame_size = COPIES + plan.copies_size();
        f.enter_frame(STACK, frame, frame_size);
        write_frame_header(&mut f, frame, function);
        plan.copy_structs(&mut f, ARGS, frame, COPIES);
        let action = &site.action;
        match *action {
            Action::UnmanagedCalli(_) => {
                self.unmanaged(&mut f, types, None, signature, &plan, frame);
            }
            Action::PInvoke { callee, suppress_gc_transition } => {
                let target = Some((callee, suppress_gc_transition));
                self.unmanaged(&mut f, types, target, signature, &plan, frame);
            }
            Action::Direct { .. }
            | Action::Virtual { .. }
            | Action::ManagedCalli(_)
            | Action::Invoke(_)
            | Action::Ldftn(_)
            | Action::Ldvirtftn(_)
            | Action::NewDelegate { .. }
            | Action::Runtime { .. } => {
                self.managed(&mut f, types, action, signature, &plan, frame);
            }
        }
        CompiledCaller { code: f.finish(), frame_size }
    }

    /// `call_indirect` with the value itself as table index: no LowerPEPCall
    /// for `call->IsUnmanaged()` (lower.cpp). The value is a variable's, or a P/Invoke's target,
    /// with whether its GC transition is suppressed.
    fn unmanaged(
        &self,
        f: &mut Assembler,
        types: &mut Types,
        pinvoke: Option<(MethodId, bool)>,
        signature: &Signature,
        plan: &ArgumentPlan,
        frame: u32,
    ) {
        let (target, suppress, shape) = match pinvoke {
            Some((callee, suppress)) => (Some(callee), suppress, self.compiler.pinvoke_shape()),
            None => (None, false, Shape::Unmanaged),
        };
        let call = types.intern(jit::call_type(self.layout, signature, shape));
        if suppress {
            f.get(frame).op(Op::GlobalSet(Global::StackPointer));
        } else {
            call_transition_helper(f, types, Helper::PInvokeBegin, frame, self.rva_of);
        }
        plan.push_result_address(f, RESULT);
        if shape == Shape::Managed {
            f.get(frame);
        }
        plan.push_return_buffer(f, RESULT);
        plan.push_arguments(f, ARGS, frame, COPIES);
        if shape == Shape::Managed {
            f.constant(0);
        }
        match target {
            Some(method) => {
                f.load_image_word((self.rva_of)(Import::PInvokeTarget(method)));
            }
            None => {
                f.load(ValType::I32, ARGS, 0);
            }
        }
        f.op(Op::CallIndirect(call));
        plan.store_result(f);
        if !suppress {
            call_transition_helper(f, types, Helper::PInvokeEnd, frame, self.rva_of);
        }
    }

    /// A managed call, through an entry point (`LowerPEPCall`).
    fn managed(
        &self,
        f: &mut Assembler,
        types: &mut Types,
        action: &Action,
        signature: &Signature,
        plan: &ArgumentPlan,
        frame: u32,
    ) {
        let invoke = matches!(action, Action::Invoke(_));
        let passes_context = !signature.context || self.compiler.passes_context();
        let named = if invoke { signature.as_instance() } else { signature.clone() };
        let named = if passes_context { named } else { named.without_context() };
        let call = types.intern(jit::call_type(self.layout, &named, Shape::Managed));
        let pep = f.local();
        let context = (signature.context && passes_context).then(|| self.look_up(f, types, action));
        match *action {
            Action::Direct { callee, binding } => {
                f.load_image_word((self.rva_of)(call_import(callee, binding)));
            }
            Action::Virtual { method, dispatch } => {
                f.load_image_word((self.rva_of)(Import::VirtualEntry(method, dispatch)));
            }
            Action::Invoke(_) => {
                f.load(ValType::I32, ARGS, 0).op(Op::Load(ValType::I32, METHOD_PTR));
            }
            Action::ManagedCalli(_)
            | Action::UnmanagedCalli(_)
            | Action::PInvoke { .. }
            | Action::Ldftn(_)
            | Action::Ldvirtftn(_)
            | Action::NewDelegate { .. }
            | Action::Runtime { .. } => {
                f.load(ValType::I32, ARGS, 0);
            }
        }
        f.set(pep);
        plan.push_result_address(f, RESULT);
        f.get(frame);
        if invoke {
            f.load(ValType::I32, ARGS, 0).op(Op::Load(ValType::I32, TARGET));
        } else if signature.instance
            && signature.context
            && !self.compiler.passes_this_to_shared_code()
        {
            f.constant(0);
        } else {
            plan.push_this(f, ARGS);
        }
        plan.push_return_buffer(f, RESULT);
        plan.push_hidden(f, context);
        plan.push_arguments(f, ARGS, frame, COPIES);
        f.call_pep(Pep::Local(pep), call);
        plan.store_result(f);
    }

    /// A generic lookup: the cell leads to a record that holds the helper's table index as an entry
    /// point holds its code. Called as `(context source, record) -> context`.
    fn look_up(&self, f: &mut Assembler, types: &mut Types, action: &Action) -> u32 {
        let (context, record) = (f.local(), f.local());
        if let Action::Direct { callee, .. } = *action {
            f.load_image_word((self.rva_of)(Import::GenericLookup(callee))).set(record);
            let call = types.intern(Helper::GenericLookup.func_type());
            f.constant(0).call_pep(Pep::Local(record), call).set(context);
        }
        context
    }

    /// `ldftn`, `ldvirtftn` or `newobj` of a delegate: stores to the variable.
    fn take(&self, f: &mut Assembler, types: &mut Types, action: &Action) {
        let (variable, object) = (1, 2);
        let entry = |method| (self.rva_of)(pointer_import(self.layout, method));
        match *action {
            Action::Ldftn(method) => {
                f.get(variable).load_image_word(entry(method));
                f.op(Op::Store(ValType::I32, 0));
            }
            Action::Ldvirtftn(method) => {
                f.get(variable);
                self.virtual_pointer(f, types, method, object);
                f.op(Op::Store(ValType::I32, 0));
            }
            Action::NewDelegate { method, closed } => {
                f.get(STACK).get(variable).get(object);
                if closed && self.layout.method(method).is_virtual() {
                    self.virtual_pointer(f, types, method, object);
                } else {
                    f.load_image_word(entry(method));
                }
                f.constant(u32::from(closed));
                call_jit_helper(f, types, Helper::DelegateConstruct, self.rva_of);
            }
            Action::Direct { .. }
            | Action::Virtual { .. }
            | Action::ManagedCalli(_)
            | Action::UnmanagedCalli(_)
            | Action::Invoke(_)
            | Action::PInvoke { .. }
            | Action::Runtime { .. } => {}
        }
    }

    /// `CORINFO_HELP_VIRTUAL_FUNC_PTR(object, method)`: pushes an entry point.
    fn virtual_pointer(&self, f: &mut Assembler, types: &mut Types, method: MethodId, object: u32) {
        f.get(STACK).get(object).constant(u32::from(method.0));
        call_jit_helper(f, types, Helper::VirtualFunctionPointer, self.rva_of);
    }
}

/// The stub that resumes a suspended runtime-async method: of the method's own
/// type, it passes what it is given on to the method's entry point.
pub fn resumption_stub(
    layout: &Layout,
    types: &mut Types,
    method: MethodId,
    rva_of: &dyn Fn(Import) -> Rva,
) -> Function {
    let target = layout.method(method);
    let ty = crate::abi::crossgen::lower(layout, &target.signature, Shape::Managed).func_type();
    let last = ty.params.len() as u32 - 1;
    let call = types.intern(ty.clone());
    let mut f = Assembler::new(types, format!("ResumptionStub({})", target.name), ty);
    let pep = f.local();
    f.load_image_word(rva_of(Import::MethodEntry(method))).set(pep);
    for param in 0..last {
        f.get(param);
    }
    f.call_pep(Pep::Local(pep), call);
    f.finish()
}
