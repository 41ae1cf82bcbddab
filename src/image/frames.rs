//! Shadow-stack frames of compiled code: their header, and how arguments get through them.

use super::FunctionId;
use super::code::{Global, Op};
use super::facts::Import;
use super::function::{Assembler, Types};
use super::helpers::Helper;
use super::map::FRAME_ARGUMENTS;
use super::pep::Pep;
use super::values::{Held, held};
use super::words::Rva;
use crate::abi::ValType;
use crate::scenario::{Layout, Signature, meaning};

/// Bytes at the start of each managed frame: +0 the function's table index,
/// +4 the local virtual IP (`jit/codegenwasm.cpp`).
pub(super) const FRAME_HEADER: u32 = 16;
/// Where a caller keeps its InlinedCallFrame.
const CALL_FRAME: u32 = FRAME_HEADER;

/// Stores the function's absolute table index and a virtual IP of 0 where a stack walk looks for
/// them.
pub(super) fn write_frame_header(f: &mut Assembler, frame: u32, function: FunctionId) {
    f.get(frame).op(Op::GlobalGet(Global::TableBase)).constant(function.0);
    f.op(Op::I32Add).op(Op::Store(ValType::I32, 0));
    f.store_constant(frame, 4, 0);
}

/// Calls a JIT helper, whose own arguments have been pushed, through the portable entry point in
/// its cell (`jit/codegenwasm.cpp`: the JIT always double-dereferences the cell).
pub(super) fn call_jit_helper(
    f: &mut Assembler,
    types: &mut Types,
    helper: Helper,
    rva_of: &dyn Fn(Import) -> Rva,
) {
    let cell = Pep::Cell(rva_of(Import::JitHelper(helper)));
    f.call_pep(cell, types.intern(helper.func_type()));
}

/// Calls one of the helpers that change the GC mode on the way into or out of native code, as
/// `(sp, frame, pep)`.
pub(super) fn call_transition_helper(
    f: &mut Assembler,
    types: &mut Types,
    helper: Helper,
    frame: u32,
    rva_of: &dyn Fn(Import) -> Rva,
) {
    f.get(frame).address(frame, CALL_FRAME);
    call_jit_helper(f, types, helper, rva_of);
}

/// How the arguments of one call get from a driver's frame to the operand stack.
#[derive(Debug)]
pub struct ArgumentPlan {
    this: bool,
    context: bool,
    continuation: bool,
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
            context: signature.context,
            continuation: signature.continuation,
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

    /// Pushes the hidden arguments behind the return buffer: a context, out of
    /// a local, and the continuation of a call that starts a method, which is none.
    pub fn push_hidden(&self, f: &mut Assembler, context: Option<u32>) {
        if let (true, Some(local)) = (self.context, context) {
            f.get(local);
        }
        if self.continuation {
            f.constant(0);
        }
    }

    /// Pushes the parameters.
    // mutants: the callee gets the caller's struct itself, not a copy: no body writes to its
    // arguments
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
