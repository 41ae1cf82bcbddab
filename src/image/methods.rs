//! Compiled methods: bodies that report what they see, and callers that hold one call site each.

use super::Function;
use super::code::{Global, Op};
use super::facts::Import;
use super::function::{Assembler, Types};
use super::map::FRAME_ARGUMENTS;
use super::runtime::{Helper, driver_type};
use super::values::{Held, held};
use crate::abi::crossgen::lower;
use crate::abi::{Shape, ValType, jit};
use crate::scenario::{Action, Convention, Layout, Method, MethodId, Signature, Site, meaning};

/// Offsets in the block that a body hands to the probe.
pub mod block {
    /// The shadow stack pointer the body got, or read from the global.
    pub const STACK_POINTER: u32 = 0;
    /// The portable entry point it got, 0 for a UCO body.
    pub const ENTRY_POINT: u32 = 4;
    /// The return buffer it got, or 0.
    pub const RETURN_BUFFER: u32 = 8;
    /// `this` and the parameters, as `meaning::arguments_size` lays them out;
    /// the result goes right behind them.
    pub const ARGUMENTS: u32 = 16;
}

/// Bytes at the start of each managed frame: +0 the function's table index,
/// +4 the local virtual IP (`jit/codegenwasm.cpp`).
const FRAME_HEADER: u32 = 16;
/// Where a caller keeps its InlinedCallFrame.
const CALL_FRAME: u32 = FRAME_HEADER;
/// Where a caller keeps copies of by-reference arguments.
const COPIES: u32 = FRAME_HEADER + 16;

/// The body of a method, in the image that compiles it. `function` is its index there.
pub fn body(
    layout: &Layout,
    types: &mut Types,
    id: MethodId,
    function: u32,
    rva_of: &dyn Fn(Import) -> u32,
) -> Function {
    let method = layout.method(id);
    let uco = method.convention == Convention::UnmanagedCallersOnly;
    let shape = if uco { Shape::Unmanaged } else { Shape::Managed };
    let lowered = lower(layout, &method.signature, shape);
    let ty = lowered.func_type();
    let last = ty.params.len() as u32 - u32::from(!uco);
    let mut f = Assembler::new(types, format!("Program::{}", method.name), ty);
    let frame = f.local();
    let arguments = meaning::arguments_size(layout, &method.signature);
    let result_at = FRAME_HEADER + block::ARGUMENTS + arguments;
    let result_size = method.signature.ret.map_or(0, |ty| meaning::padded_size(layout, ty));
    let size = (result_at + result_size).next_multiple_of(16);

    let mut param = 0;
    let stack = if uco {
        // A UCO prolog reads the published stack pointer (JIT change #127751).
        let stack = f.local();
        f.op(Op::GlobalGet(Global::StackPointer)).set(stack);
        stack
    } else {
        param = 1;
        0
    };
    f.enter_frame(stack, frame, size);
    write_frame_header(&mut f, frame, function);
    if uco {
        call_jit_helper(&mut f, types, Helper::ReversePInvokeEnter, frame, rva_of);
    }
    record(&mut f, layout, method, frame, stack, &mut param, (!uco).then_some(last));
    f.constant(u32::from(id.0)).address(frame, FRAME_HEADER);
    f.constant(Helper::Probe.slot());
    f.op(Op::CallIndirect(types.intern(Helper::Probe.func_type())));
    if uco {
        call_jit_helper(&mut f, types, Helper::ReversePInvokeExit, frame, rva_of);
    }
    if let Some(ret) = method.signature.ret.map(|ty| held(layout, ty)) {
        match ret.return_buffer() {
            None => f.unspill(ret, frame, result_at),
            Some(size) => {
                let buffer = u32::from(!uco) + u32::from(!uco && method.signature.instance);
                f.get(buffer).address(frame, result_at).constant(size).op(Op::MemoryCopy);
            }
        }
    }
    f.finish()
}

/// Writes the probe's block: what the body was given, hidden arguments included.
fn record(
    f: &mut Assembler,
    layout: &Layout,
    method: &Method,
    frame: u32,
    stack: u32,
    param: &mut u32,
    entry_point: Option<u32>,
) {
    let signature = &method.signature;
    let base = FRAME_HEADER;
    let size = block::ARGUMENTS + meaning::arguments_size(layout, signature);
    f.address(frame, base).constant(0).constant(size).op(Op::MemoryFill);
    f.store_local(ValType::I32, frame, base + block::STACK_POINTER, stack);
    if let Some(entry_point) = entry_point {
        f.store_local(ValType::I32, frame, base + block::ENTRY_POINT, entry_point);
    }
    let mut at = base + block::ARGUMENTS;
    if signature.instance {
        f.store_local(ValType::I32, frame, at, *param);
        at += 8;
        *param += 1;
    }
    if signature.ret.is_some_and(|ty| held(layout, ty).return_buffer().is_some()) {
        f.store_local(ValType::I32, frame, base + block::RETURN_BUFFER, *param);
        *param += 1;
    }
    for &ty in &signature.params {
        let value = held(layout, ty);
        f.spill(value, *param, frame, at);
        at += meaning::padded_size(layout, ty);
        *param += value.operands();
    }
}

/// Stores the function's absolute table index and a virtual IP of 0 where a stack walk looks for them.
fn write_frame_header(f: &mut Assembler, frame: u32, function: u32) {
    f.get(frame).op(Op::GlobalGet(Global::TableBase)).constant(function);
    f.op(Op::I32Add).op(Op::Store(ValType::I32, 0));
    f.store_constant(frame, 4, 0);
}

/// A JIT helper: cell, its portable entry point, then word 0 of that
/// (`jit/codegenwasm.cpp`: the JIT always double-dereferences the cell). Called as `(sp, frame, pep)`.
fn call_jit_helper(
    f: &mut Assembler,
    types: &mut Types,
    helper: Helper,
    frame: u32,
    rva_of: &dyn Fn(Import) -> u32,
) {
    let rva = rva_of(Import::JitHelper(helper));
    f.get(frame).address(frame, CALL_FRAME).load_image_word(rva);
    f.load_image_word(rva).op(Op::Load(ValType::I32, 0));
    f.op(Op::CallIndirect(types.intern(helper.func_type())));
}

/// How the arguments of one call get from a driver's frame to the operand stack.
#[derive(Debug)]
pub struct ArgumentPlan {
    this: bool,
    /// Kind, offset in the argument bytes, offset among the caller's copies.
    params: Vec<(Held, u32, u32)>,
    ret: Option<Held>,
    copies: u32,
}

impl ArgumentPlan {
    /// The plan for a signature.
    pub fn new(layout: &Layout, signature: &Signature) -> Self {
        let mut at = if signature.instance { 8 } else { 0 };
        let mut copies = 0u32;
        let mut params = Vec::with_capacity(signature.params.len());
        for &ty in &signature.params {
            let value = held(layout, ty);
            params.push((value, at, copies));
            at += meaning::padded_size(layout, ty);
            if let Held::Reference(size) = value {
                copies += size.next_multiple_of(16);
            }
        }
        Self {
            this: signature.instance,
            params,
            ret: signature.ret.map(|ty| held(layout, ty)),
            copies,
        }
    }

    /// Bytes of stack for copies of by-reference arguments, 16-aligned.
    pub fn copies_size(&self) -> u32 {
        self.copies
    }

    /// Copies by-reference arguments to `frame + base`: the callee owns what it gets.
    pub fn copy_structs(&self, f: &mut Assembler, args: u32, frame: u32, base: u32) {
        for &(value, at, copy) in &self.params {
            if let Held::Reference(size) = value {
                f.address(frame, base + copy).address(args, FRAME_ARGUMENTS + at);
                f.constant(size).op(Op::MemoryCopy);
            }
        }
    }

    /// Pushes the address that [`store_result`](Self::store_result) will store to.
    pub fn push_result_address(&self, f: &mut Assembler, result: u32) {
        if matches!(self.ret, Some(Held::Scalar(_))) {
            f.get(result);
        }
    }

    /// Pushes `this`, if any.
    pub fn push_this(&self, f: &mut Assembler, args: u32) {
        if self.this {
            f.load(ValType::I32, args, FRAME_ARGUMENTS);
        }
    }

    /// Pushes the return buffer, if the result needs one.
    pub fn push_return_buffer(&self, f: &mut Assembler, result: u32) {
        if self.ret.is_some_and(|r| r.return_buffer().is_some()) {
            f.get(result);
        }
    }

    /// Pushes the parameters.
    pub fn push_arguments(&self, f: &mut Assembler, args: u32, frame: u32, base: u32) {
        for &(value, at, copy) in &self.params {
            match value {
                Held::Reference(_) => f.unspill(value, frame, base + copy),
                _ => f.unspill(value, args, FRAME_ARGUMENTS + at),
            }
        }
    }

    /// Pops a scalar result and stores it.
    pub fn store_result(&self, f: &mut Assembler) {
        if let Some(Held::Scalar(ty)) = self.ret {
            f.op(Op::Store(ty, 0));
        }
    }
}

/// What a caller is made of besides its code.
#[derive(Debug)]
pub struct CompiledCaller {
    /// The function, of [`driver_type`]: `(sp, frame, result)`, or for `ldftn` `(sp, variable, 0)`.
    pub code: Function,
    /// Shadow stack bytes.
    pub frame_size: u32,
}

/// The compiled method that holds a site. `function` is its index in the image.
pub fn caller(
    layout: &Layout,
    types: &mut Types,
    site: &Site,
    function: u32,
    rva_of: &dyn Fn(Import) -> u32,
) -> CompiledCaller {
    let mut f = Assembler::new(types, format!("caller_{}", site.name), driver_type());
    let frame = f.local();
    let (stack, args, result) = (0, 1, 2);
    let signature = match &site.action {
        Action::Ldftn(method) => {
            f.get(1).load_image_word(rva_of(Import::MethodEntry(*method)));
            f.op(Op::Store(ValType::I32, 0));
            return CompiledCaller { code: f.finish(), frame_size: 0 };
        }
        Action::Direct { callee, .. } => &layout.method(*callee).signature,
        Action::ManagedCalli(signature) | Action::UnmanagedCalli(signature) => signature,
    };
    let plan = ArgumentPlan::new(layout, signature);
    let frame_size = COPIES + plan.copies_size();
    f.enter_frame(stack, frame, frame_size);
    write_frame_header(&mut f, frame, function);
    plan.copy_structs(&mut f, args, frame, COPIES);

    if matches!(site.action, Action::UnmanagedCalli(_)) {
        let call = types.intern(jit::call_type(layout, signature, Shape::Unmanaged));
        call_jit_helper(&mut f, types, Helper::PInvokeBegin, frame, rva_of);
        plan.push_result_address(&mut f, result);
        plan.push_return_buffer(&mut f, result);
        plan.push_arguments(&mut f, args, frame, COPIES);
        // The value itself is the table index: no LowerPEPCall for `call->IsUnmanaged()`.
        f.load(ValType::I32, args, 0).op(Op::CallIndirect(call));
        plan.store_result(&mut f);
        call_jit_helper(&mut f, types, Helper::PInvokeEnd, frame, rva_of);
    } else {
        let call = types.intern(jit::call_type(layout, signature, Shape::Managed));
        let pep = f.local();
        match &site.action {
            Action::Direct { callee, binding } => {
                let import = super::emit::call_import(*callee, *binding);
                f.load_image_word(rva_of(import));
            }
            _ => {
                f.load(ValType::I32, args, 0);
            }
        }
        f.set(pep);
        plan.push_result_address(&mut f, result);
        f.get(frame);
        plan.push_this(&mut f, args);
        plan.push_return_buffer(&mut f, result);
        plan.push_arguments(&mut f, args, frame, COPIES);
        // LowerPEPCall: the entry point is the last argument, its word 0 the index.
        f.get(pep).load(ValType::I32, pep, 0).op(Op::CallIndirect(call));
        plan.store_result(&mut f);
    }
    CompiledCaller { code: f.finish(), frame_size }
}
