//! The bodies of methods: they report what they see, and answer what they are told.

use super::code::{Global, Op};
use super::decisions::Compiler;
use super::facts::Import;
use super::frames::{FRAME_HEADER, call_transition_helper, write_frame_header};
use super::function::{Assembler, Types};
use super::helpers::Helper;
use super::values::held;
use super::words::Rva;
use super::{Function, FunctionId};
use crate::abi::crossgen::lower;
use crate::abi::{Shape, ValType};
use crate::scenario::{Convention, Layout, MethodId, Signature, meaning};

/// Offsets in the block that a body hands to the probe.
pub mod block {
    /// The shadow stack pointer the body got, or read from the global.
    pub const STACK_POINTER: u32 = 0;
    /// The portable entry point it got, 0 for an unmanaged body.
    pub const ENTRY_POINT: u32 = 4;
    /// The return buffer it got, or 0.
    pub const RETURN_BUFFER: u32 = 8;
    /// Everything it sees, as `meaning::arguments_size` lays it out; the result
    /// goes right behind.
    pub const ARGUMENTS: u32 = 16;
    /// From a body's frame to its block.
    pub const AT: u32 = super::FRAME_HEADER;
}

/// Where a body's code stands.
pub enum Home<'a> {
    /// In an R2R image: its function index there, and the image's cells.
    Image {
        /// The function index.
        function: FunctionId,
        /// RVA of an import's cell.
        rva_of: &'a dyn Fn(Import) -> Rva,
    },
    /// In the runtime: an FCall or the target of a P/Invoke.
    Runtime,
}

/// Compiles the body of a method.
// mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to the
// same size
// mutants: the helper that a UCO body calls has no effect in the model
pub fn body(
    layout: &Layout,
    types: &mut Types,
    id: MethodId,
    home: &Home<'_>,
    compiler: &dyn Compiler,
) -> Function {
    let method = layout.method(id);
    let bare =
        matches!(home, Home::Runtime) && !method.signature.instance && !compiler.wraps_fcalls();
    let managed = method.convention == Convention::Managed && !bare;
    let shape = if managed { Shape::Managed } else { Shape::Unmanaged };
    let signature = &method.signature;
    let ty = lower(layout, signature, shape).func_type();
    let last = ty.params.len() as u32 - u32::from(managed);
    let mut f = Assembler::new(types, format!("Program::{}", method.name), ty);
    let frame = f.local();
    let result_at = FRAME_HEADER + block::ARGUMENTS + meaning::arguments_size(layout, signature);
    let result_size = signature.ret.map_or(0, |ty| meaning::padded_size(layout, ty));

    let (stack, saved) = enter(&mut f, managed, home, compiler);
    f.enter_frame(stack, frame, (result_at + result_size).next_multiple_of(16));
    match home {
        Home::Image { function, rva_of } => {
            write_frame_header(&mut f, frame, *function);
            if !managed {
                call_transition_helper(&mut f, types, Helper::ReversePInvokeEnter, frame, rva_of);
            }
        }
        Home::Runtime => {
            f.get(frame).op(Op::GlobalSet(Global::StackPointer));
        }
    }
    let block = frame_block(&mut f, layout, signature, frame);
    f.store_local(ValType::I32, frame, FRAME_HEADER + block::STACK_POINTER, stack);
    if managed {
        f.store_local(ValType::I32, frame, FRAME_HEADER + block::ENTRY_POINT, last);
    }
    record(&mut f, layout, signature, frame, managed);
    f.constant(u32::from(id.0)).address(frame, block);
    f.constant(Helper::Probe.slot().get());
    f.op(Op::CallIndirect(types.intern(Helper::Probe.func_type())));
    match (home, saved) {
        (Home::Image { rva_of, .. }, _) if !managed => {
            call_transition_helper(&mut f, types, Helper::ReversePInvokeExit, frame, rva_of);
        }
        (Home::Runtime, Some(saved)) => {
            f.get(saved).op(Op::GlobalSet(Global::StackPointer));
        }
        _ => {}
    }
    if let Some(ret) = signature.ret.map(|ty| held(layout, ty)) {
        match ret.return_buffer() {
            None => f.unspill(ret, frame, result_at),
            Some(size) => {
                let buffer = u32::from(managed) + u32::from(managed && signature.instance);
                f.get(buffer).address(frame, result_at).constant(size).op(Op::MemoryCopy);
            }
        }
    }
    f.finish()
}

/// The local that holds the stack pointer, and for C++ code what
/// `__stack_pointer` was.
fn enter(
    f: &mut Assembler,
    managed: bool,
    home: &Home<'_>,
    compiler: &dyn Compiler,
) -> (u32, Option<u32>) {
    let published = matches!(home, Home::Runtime).then(|| {
        // `WASM_CALLABLE_FUNC` swaps `__stack_pointer` and restores it (vm/fcall.h).
        let saved = f.local();
        f.op(Op::GlobalGet(Global::StackPointer)).set(saved);
        saved
    });
    if managed {
        return (0, published);
    }
    if let Some(saved) = published {
        return (saved, published);
    }
    // A UCO prolog reads the published stack pointer (JIT change #127751).
    let stack = f.local();
    if compiler.reads_stack_pointer() {
        f.op(Op::GlobalGet(Global::StackPointer));
    } else {
        f.constant(0);
    }
    f.set(stack);
    (stack, None)
}

/// Zeroes the probe's block; its offset in the frame.
fn frame_block(f: &mut Assembler, layout: &Layout, signature: &Signature, frame: u32) -> u32 {
    let size = block::ARGUMENTS + meaning::arguments_size(layout, signature);
    f.address(frame, block::AT).constant(0).constant(size).op(Op::MemoryFill);
    block::AT
}

/// Writes what the body was given into the probe's block.
fn record(f: &mut Assembler, layout: &Layout, signature: &Signature, frame: u32, managed: bool) {
    let mut param = u32::from(managed);
    let mut at = block::AT + block::ARGUMENTS;
    let mut hidden = |f: &mut Assembler, param: &mut u32| {
        f.store_local(ValType::I32, frame, at, *param);
        at += 8;
        *param += 1;
    };
    if signature.instance {
        hidden(f, &mut param);
    }
    if signature.ret.is_some_and(|ty| held(layout, ty).return_buffer().is_some()) {
        f.store_local(ValType::I32, frame, block::AT + block::RETURN_BUFFER, param);
        param += 1;
    }
    if signature.context {
        hidden(f, &mut param);
    }
    if signature.continuation {
        hidden(f, &mut param);
    }
    for &ty in &signature.params {
        let value = held(layout, ty);
        f.spill(value, param, frame, at);
        at += meaning::padded_size(layout, ty);
        param += value.operands();
    }
}
