//! A program made by hand, with every instruction in it.

use std::sync::Arc;

use super::HostWork;
use crate::abi::{FuncType, ValType};
use crate::image::code::{Global, Op, TypeId};
use crate::image::{Function, HOST_SLOTS, Module, Program};
use crate::index::IndexVec;

/// Functions of each image.
pub(super) const IMAGE_FUNCTIONS: u32 = 3;
/// Pages of memory.
pub(super) const MEMORY: usize = 2 << 16;
/// Where tests look for results.
pub(super) const OUT: u32 = 0x200;

/// `(i32 i32 i32)->()`, which the host can call.
pub(super) const ENTRY: TypeId = TypeId(0);
/// `(i32 i32)->i32`.
pub(super) const BINARY: TypeId = TypeId(1);
/// `(i64 f32 f64 v128 i32)->v128`.
pub(super) const MIXED: TypeId = TypeId(2);
/// `()->i64`.
pub(super) const LONG: TypeId = TypeId(3);
/// `(i32)->f32`.
pub(super) const FLOAT: TypeId = TypeId(4);
/// `(i32)->f64`.
pub(super) const DOUBLE: TypeId = TypeId(5);

pub(super) fn types() -> IndexVec<TypeId, FuncType> {
    use ValType::{F32, F64, I32, I64, V128};
    vec![
        FuncType::new([I32, I32, I32], None),
        FuncType::new([I32, I32], Some(I32)),
        FuncType::new([I64, F32, F64, V128, I32], Some(V128)),
        FuncType::new([], Some(I64)),
        FuncType::new([I32], Some(F32)),
        FuncType::new([I32], Some(F64)),
        // The host import's own type.
        FuncType::new([I32; 5], Some(I32)),
    ]
    .into()
}

pub(super) fn function(name: &str, ty: TypeId, locals: &[ValType], code: Vec<Op>) -> Function {
    Function { name: name.to_owned(), ty, locals: locals.to_vec(), code }
}

/// A program from its functions.
pub(super) fn program(
    types: IndexVec<TypeId, FuncType>,
    runtime: Vec<Function>,
    images: Vec<Module>,
) -> Arc<Program> {
    let mut memory = vec![0; MEMORY];
    for (i, byte) in memory[0x100..0x180].iter_mut().enumerate() {
        *byte = 0x80 ^ i as u8;
    }
    memory[MEMORY - 1] = 0xee;
    let runtime = Module { name: "runtime".into(), functions: runtime.into(), payload: Vec::new() };
    let images = images.into();
    Arc::new(Program { types, runtime, images, memory, stack_pointer: 0x1_0000 })
}

/// Two images and a runtime, every instruction between them.
pub(super) fn every_op() -> Arc<Program> {
    let mut runtime = vec![
        function("arithmetic", ENTRY, &[ValType::I32], arithmetic()),
        function("widths", ENTRY, &[ValType::V128, ValType::F64], widths()),
        function("bulk", ENTRY, &[], bulk()),
        function("globals", ENTRY, &[], globals()),
        function("ask_host", ENTRY, &[], ask_host()),
        function("call_binary", ENTRY, &[], call_binary()),
        function("call_mixed", ENTRY, &[], call_mixed()),
        function("binary", BINARY, &[], binary()),
        function("pass_on", ENTRY, &[], pass_on()),
        function("fail", ENTRY, &[], vec![Op::Unreachable]),
        function("load_any", ENTRY, &[], load_any()),
        function("store", ENTRY, &[], store()),
        function("load_half", ENTRY, &[], load_half()),
        function("fill", ENTRY, &[], fill()),
        function("copy", ENTRY, &[], copy()),
        function("recurse", ENTRY, &[], recurse()),
        function("double_call", ENTRY, &[], double_call()),
        function("load_image", ENTRY, &[], load_image()),
    ];
    runtime.push(function("last", ENTRY, &[], vec![]));
    program(types(), runtime, vec![image("first", 0x31), image("second", 0x77)])
}

/// The table slot of a runtime function.
pub(super) fn slot(program: &Program, name: &str) -> u32 {
    let at = program.runtime.functions.iter().position(|f| f.name == name);
    program.host_base().get() + at.expect("a function of this name") as u32
}

fn image(name: &str, first: u8) -> Module {
    let functions = vec![
        function("entry", ENTRY, &[], image_entry()),
        function("mixed", MIXED, &[ValType::V128], image_mixed()),
        function("bases", BINARY, &[], image_bases()),
    ];
    let payload = (0..40).map(|i| first.wrapping_add(i)).collect();
    Module { name: name.into(), functions: functions.into(), payload }
}

/// `(out, _, _)`: stores the bases, and the payload's first word; changes the payload.
fn image_entry() -> Vec<Op> {
    vec![
        Op::LocalGet(0),
        Op::GlobalGet(Global::MemoryBase),
        Op::Store(ValType::I32, 0),
        Op::LocalGet(0),
        Op::GlobalGet(Global::TableBase),
        Op::Store(ValType::I32, 4),
        Op::LocalGet(0),
        Op::GlobalGet(Global::MemoryBase),
        Op::Load(ValType::I32, 1),
        Op::Store(ValType::I32, 8),
        Op::GlobalGet(Global::MemoryBase),
        Op::I32Const(-1),
        Op::Store(ValType::I32, 4),
        // A call within the image, by a relocated index.
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::GlobalGet(Global::TableBase),
        Op::I32Const(2),
        Op::I32Add,
        Op::CallIndirect(BINARY),
        Op::Store(ValType::I32, 12),
    ]
}

/// Keeps what it is given at the address in its last parameter.
fn image_mixed() -> Vec<Op> {
    vec![
        Op::LocalGet(4),
        Op::LocalGet(0),
        Op::Store(ValType::I64, 0),
        Op::LocalGet(4),
        Op::LocalGet(1),
        Op::Store(ValType::F32, 8),
        Op::LocalGet(4),
        Op::LocalGet(2),
        Op::Store(ValType::F64, 12),
        Op::LocalGet(4),
        Op::LocalGet(5),
        Op::Store(ValType::V128, 20),
        Op::LocalGet(3),
        Op::LocalSet(5),
        Op::LocalGet(4),
        Op::LocalGet(5),
        Op::Store(ValType::V128, 36),
        Op::LocalGet(5),
    ]
}

fn image_bases() -> Vec<Op> {
    vec![Op::GlobalGet(Global::TableBase), Op::LocalGet(0), Op::I32Sub, Op::LocalGet(1), Op::I32Sub]
}

/// `(out, x, y)`.
fn arithmetic() -> Vec<Op> {
    let mut code = Vec::new();
    let operations = [Op::I32Add, Op::I32Sub];
    for (i, operation) in (0..).zip(operations) {
        let operands = [Op::LocalGet(0), Op::LocalGet(1), Op::LocalGet(2), operation];
        code.extend(operands);
        code.push(Op::Store(ValType::I32, 4 * i));
    }
    for (i, condition) in (2..).zip([Op::LocalGet(1), Op::I32Const(0)]) {
        code.extend([Op::LocalGet(0), Op::LocalGet(1), Op::LocalGet(2), condition, Op::Select]);
        code.push(Op::Store(ValType::I32, 4 * i));
    }
    // A local starts as zero.
    code.extend([Op::LocalGet(0), Op::LocalGet(3), Op::Store(ValType::I32, 16)]);
    code.extend([Op::I32Const(-5), Op::LocalSet(3)]);
    code.extend([Op::LocalGet(0), Op::LocalGet(3), Op::Store(ValType::I32, 20)]);
    code.extend([Op::LocalGet(0), Op::Drop]);
    code
}

/// `(out, from, _)`: moves every width, at odd addresses.
fn widths() -> Vec<Op> {
    let mut code = Vec::new();
    let types = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
    for (i, ty) in (0..).zip(types) {
        code.extend([Op::LocalGet(0), Op::LocalGet(1), Op::Load(ty, 1 + i)]);
        code.push(Op::Store(ty, 32 * i + 3));
    }
    code.extend([Op::LocalGet(0), Op::LocalGet(1), Op::LoadHalf(5), Op::Store(ValType::I32, 160)]);
    code.extend([Op::LocalGet(1), Op::Load(ValType::V128, 16), Op::LocalSet(3)]);
    code.extend([Op::LocalGet(0), Op::LocalGet(3), Op::Store(ValType::V128, 256)]);
    code.extend([Op::LocalGet(1), Op::Load(ValType::F64, 16), Op::LocalSet(4)]);
    code.extend([Op::LocalGet(0), Op::LocalGet(4), Op::Store(ValType::F64, 272)]);
    code
}

/// `(out, from, len)`: copies, overlapping, and fills behind it.
fn bulk() -> Vec<Op> {
    vec![
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::MemoryCopy,
        Op::LocalGet(0),
        Op::I32Const(5),
        Op::I32Add,
        Op::LocalGet(0),
        Op::LocalGet(2),
        Op::MemoryCopy,
        Op::LocalGet(0),
        Op::LocalGet(2),
        Op::I32Add,
        Op::I32Const(0x1ab),
        Op::LocalGet(2),
        Op::MemoryFill,
    ]
}

/// `(out, x, _)`: stores all globals and sets the mutable ones.
fn globals() -> Vec<Op> {
    let mut code = Vec::new();
    let all =
        [Global::StackPointer, Global::MemoryBase, Global::TableBase, Global::AsyncContinuation];
    for (i, global) in (0..).zip(all) {
        code.extend([Op::LocalGet(0), Op::GlobalGet(global), Op::Store(ValType::I32, 4 * i)]);
    }
    code.extend([Op::LocalGet(1), Op::GlobalSet(Global::AsyncContinuation)]);
    code.extend([Op::GlobalGet(Global::StackPointer), Op::I32Const(16), Op::I32Sub]);
    code.push(Op::GlobalSet(Global::StackPointer));
    code
}

/// `(x, address, _)`: the host writes; what it returns is stored behind that.
fn ask_host() -> Vec<Op> {
    vec![
        Op::LocalGet(1),
        Op::I32Const(HostWork::Write as i32),
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::I32Const(0),
        Op::I32Const(0),
        Op::CallHost,
        Op::Store(ValType::I32, 4),
    ]
}

/// `(index, out, x)`: `out[0] = table[index](out, x)`.
fn call_binary() -> Vec<Op> {
    vec![
        Op::LocalGet(1),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::LocalGet(0),
        Op::CallIndirect(BINARY),
        Op::Store(ValType::I32, 0),
    ]
}

/// `(index, out, from)`.
fn call_mixed() -> Vec<Op> {
    vec![
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::Load(ValType::I64, 0),
        Op::LocalGet(2),
        Op::Load(ValType::F32, 8),
        Op::LocalGet(2),
        Op::Load(ValType::F64, 12),
        Op::LocalGet(2),
        Op::Load(ValType::V128, 20),
        Op::LocalGet(1),
        Op::LocalGet(0),
        Op::CallIndirect(MIXED),
        Op::Store(ValType::V128, 64),
    ]
}

fn binary() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::LocalGet(1), Op::I32Sub]
}

/// `(work, a, b)`: the host does it with `(a, b, a, b)`; the result goes to the address `OUT`.
fn pass_on() -> Vec<Op> {
    vec![
        Op::I32Const(OUT as i32),
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::CallHost,
        Op::Store(ValType::I32, 0),
    ]
}

/// `(address, _, _)`: a load with an offset that may pass 2^32.
fn load_any() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::Load(ValType::V128, u32::MAX), Op::Drop]
}

/// `(address, word, _)`.
fn store() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::LocalGet(1), Op::Store(ValType::I32, 0)]
}

/// `(address, _, _)`.
fn load_half() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::LoadHalf(0), Op::Drop]
}

/// `(address, value, len)`.
fn fill() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::LocalGet(1), Op::LocalGet(2), Op::MemoryFill]
}

/// `(to, from, len)`.
fn copy() -> Vec<Op> {
    vec![Op::LocalGet(0), Op::LocalGet(1), Op::LocalGet(2), Op::MemoryCopy]
}

/// `(self, _, _)`: calls itself for ever.
fn recurse() -> Vec<Op> {
    vec![
        Op::LocalGet(0),
        Op::LocalGet(0),
        Op::LocalGet(0),
        Op::LocalGet(0),
        Op::CallIndirect(ENTRY),
    ]
}

/// `(next, _, _)`: calls the slot before `next` twice, with the one before that:
/// a chain of these takes exponential time.
fn double_call() -> Vec<Op> {
    let call = [
        Op::LocalGet(0),
        Op::I32Const(1),
        Op::I32Sub,
        Op::LocalGet(0),
        Op::LocalGet(0),
        Op::LocalGet(0),
        Op::CallIndirect(ENTRY),
    ];
    [call, call].concat()
}

/// `(module, memory base, out)`: the host loads an image, whose entry is called at once.
fn load_image() -> Vec<Op> {
    vec![
        Op::LocalGet(2),
        Op::I32Const(HostWork::Load as i32),
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::I32Const(0),
        Op::I32Const(0),
        Op::CallHost,
        Op::Store(ValType::I32, 0),
        Op::LocalGet(2),
        Op::I32Const(16),
        Op::I32Add,
        Op::LocalGet(0),
        Op::LocalGet(1),
        Op::LocalGet(2),
        Op::Load(ValType::I32, 0),
        Op::CallIndirect(ENTRY),
    ]
}

/// A slot that is always null.
pub(super) const NULL_SLOT: u32 = 3;
/// A slot past the table's end at the start.
pub(super) const PAST_THE_END: u32 = HOST_SLOTS;
