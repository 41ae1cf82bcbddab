//! Writes a [`Program`]'s modules as WebAssembly.
//!
//! The shape of the image modules is upstream's (crossgen2's wasm object writer,
//! `WasmObjectWriter.cs`, and `WebCilObjectWriter.cs`): everything is imported from
//! `webcil`, no function is, so function index, element index and offset from
//! `__table_base` are one number. The runtime module stands in for the native
//! build: it owns what the images import, and has the one function import by
//! which the modelled VM is reached.

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection,
    InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, NameMap, NameSection,
    RefType, TableSection, TableType, TypeSection,
};

use super::code::{Global, Op, TypeId};
use super::{Function, HOST_SLOTS, Module, ModuleId, Program};
use crate::abi::{FuncType, ValType};
use crate::index::IndexVec;

/// The module and name of the runtime module's host import.
pub const HOST_IMPORT: (&str, &str) = ("vm", "host");
/// The module that images import everything from.
pub const WEBCIL: &str = "webcil";
/// The memory's name.
pub const MEMORY: &str = "memory";
/// The function table's name.
pub const TABLE: &str = "__indirect_function_table";
/// The global that native code keeps its stack pointer in.
pub const STACK_POINTER: &str = "__stack_pointer";
/// The global that async calls return their continuation in.
pub const ASYNC_CONTINUATION: &str = "__async_continuation";

const MEMORY_BASE: &str = "__memory_base";
const TABLE_BASE: &str = "__table_base";
const PAGE: usize = 64 * 1024;
/// A gap of zeros this long is worth a data segment of its own behind it.
const ZERO_RUN: usize = 64;

/// The runtime module of a program.
pub fn encode_runtime(program: &Program) -> Vec<u8> {
    let module = &program.runtime;
    let mut types = ModuleTypes::new(program);
    let host = types.add_host();
    let code = code(module, &mut types);
    let functions = functions(module, &mut types);

    let mut imports = ImportSection::new();
    imports.import(HOST_IMPORT.0, HOST_IMPORT.1, EntityType::Function(host));
    let mut tables = TableSection::new();
    tables.table(table_type(HOST_SLOTS));
    let mut memories = MemorySection::new();
    let pages = (program.memory.len() / PAGE) as u64;
    memories.memory(memory_type(pages, Some(pages)));
    let mut exports = ExportSection::new();
    exports.export(MEMORY, ExportKind::Memory, 0);
    exports.export(TABLE, ExportKind::Table, 0);
    exports.export(STACK_POINTER, ExportKind::Global, global_index(Global::StackPointer));
    exports.export(ASYNC_CONTINUATION, ExportKind::Global, global_index(Global::AsyncContinuation));
    export_functions(module, 1, &mut exports);
    let mut data = DataSection::new();
    for (at, bytes) in non_zero_runs(&program.memory) {
        data.active(0, &ConstExpr::i32_const(at as i32), bytes.iter().copied());
    }

    let mut wasm = wasm_encoder::Module::new();
    wasm.section(&types.section)
        .section(&imports)
        .section(&functions)
        .section(&tables)
        .section(&memories)
        .section(&runtime_globals(program))
        .section(&exports)
        .section(&elements(module, 1, &ConstExpr::i32_const(program.host_base().get() as i32)))
        .section(&DataCountSection { count: data.len() })
        .section(&code)
        .section(&data)
        .section(&names(module, Some("vm.host")));
    wasm.finish()
}

/// The image module of an assembly.
///
/// # Panics
/// If the program has no such module.
pub fn encode_image(program: &Program, id: ModuleId) -> Vec<u8> {
    let module = &program.images[id];
    let mut types = ModuleTypes::new(program);
    let code = code(module, &mut types);
    let functions = functions(module, &mut types);

    let mut version = GlobalSection::new();
    version.global(global_type(false), &ConstExpr::i32_const(1));
    let mut exports = ExportSection::new();
    export_functions(module, 0, &mut exports);
    exports.export("webcilVersion", ExportKind::Global, 4);
    exports.export("table", ExportKind::Table, 0);
    let mut sizes = (module.payload.len() as u32).to_le_bytes().to_vec();
    sizes.extend((module.functions.len() as u32).to_le_bytes());
    let mut data = DataSection::new();
    data.passive(sizes);
    let memory_base = ConstExpr::global_get(global_index(Global::MemoryBase));
    data.active(0, &memory_base, module.payload.iter().copied());
    let table_base = ConstExpr::global_get(global_index(Global::TableBase));

    let mut wasm = wasm_encoder::Module::new();
    wasm.section(&types.section)
        .section(&image_imports())
        .section(&functions)
        .section(&version)
        .section(&exports)
        .section(&elements(module, 0, &table_base))
        .section(&DataCountSection { count: data.len() })
        .section(&code)
        .section(&data)
        .section(&names(module, None));
    wasm.finish()
}

/// The type index space of one module: the types that it uses, in the order of
/// first use.
struct ModuleTypes<'a> {
    program: &'a Program,
    indices: IndexVec<TypeId, Option<u32>>,
    section: TypeSection,
}

impl<'a> ModuleTypes<'a> {
    fn new(program: &'a Program) -> Self {
        Self { program, indices: program.types.map(|_| None), section: TypeSection::new() }
    }

    fn index(&mut self, id: TypeId) -> u32 {
        if let Some(index) = self.indices[id] {
            return index;
        }
        let index = push_type(&mut self.section, &self.program.types[id]);
        self.indices[id] = Some(index);
        index
    }

    /// The host import's type, shared with the program's if that has it as well.
    fn add_host(&mut self) -> u32 {
        let host = FuncType::new([ValType::I32; 5], Some(ValType::I32));
        match self.program.types.position(|ty| *ty == host) {
            Some(id) => self.index(id),
            None => push_type(&mut self.section, &host),
        }
    }
}

fn push_type(section: &mut TypeSection, ty: &FuncType) -> u32 {
    let index = section.len();
    section.ty().function(ty.params.iter().map(|&ty| ty.into()), ty.result.map(Into::into));
    index
}

impl From<ValType> for wasm_encoder::ValType {
    fn from(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Self::I32,
            ValType::I64 => Self::I64,
            ValType::F32 => Self::F32,
            ValType::F64 => Self::F64,
            ValType::V128 => Self::V128,
        }
    }
}

/// The same in every module, so that a disassembly reads alike.
fn global_index(global: Global) -> u32 {
    match global {
        Global::StackPointer => 0,
        Global::MemoryBase => 1,
        Global::TableBase => 2,
        Global::AsyncContinuation => 3,
    }
}

fn global_type(mutable: bool) -> GlobalType {
    GlobalType { val_type: wasm_encoder::ValType::I32, mutable, shared: false }
}

fn table_type(minimum: u32) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: minimum.into(),
        maximum: None,
        shared: false,
    }
}

fn memory_type(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None }
}

fn image_imports() -> ImportSection {
    let mut imports = ImportSection::new();
    imports.import(WEBCIL, STACK_POINTER, global_type(true));
    imports.import(WEBCIL, MEMORY_BASE, global_type(false));
    imports.import(WEBCIL, TABLE_BASE, global_type(false));
    imports.import(WEBCIL, ASYNC_CONTINUATION, global_type(true));
    imports.import(WEBCIL, TABLE, table_type(0));
    imports.import(WEBCIL, MEMORY, memory_type(1, None));
    imports
}

fn runtime_globals(program: &Program) -> GlobalSection {
    let mut globals = GlobalSection::new();
    globals.global(global_type(true), &ConstExpr::i32_const(program.stack_pointer as i32));
    globals.global(global_type(false), &ConstExpr::i32_const(0));
    globals.global(global_type(false), &ConstExpr::i32_const(program.host_base().get() as i32));
    globals.global(global_type(true), &ConstExpr::i32_const(0));
    globals
}

fn functions(module: &Module, types: &mut ModuleTypes<'_>) -> FunctionSection {
    let mut section = FunctionSection::new();
    for function in &module.functions {
        section.function(types.index(function.ty));
    }
    section
}

/// `first` is the wasm function index of the module's function 0.
fn export_functions(module: &Module, first: u32, exports: &mut ExportSection) {
    for (index, function) in (first..).zip(&module.functions) {
        exports.export(&function.name, ExportKind::Func, index);
    }
}

fn elements(module: &Module, first: u32, base: &ConstExpr) -> ElementSection {
    let indices: Vec<u32> = (first..).take(module.functions.len()).collect();
    let mut section = ElementSection::new();
    section.active(None, base, Elements::Functions(indices.into()));
    section
}

fn names(module: &Module, import: Option<&str>) -> NameSection {
    let mut map = NameMap::new();
    let names = import.into_iter().chain(module.functions.iter().map(|f| f.name.as_str()));
    for (index, name) in (0..).zip(names) {
        map.append(index, name);
    }
    let mut section = NameSection::new();
    section.module(&module.name);
    section.functions(&map);
    section
}

fn code(module: &Module, types: &mut ModuleTypes<'_>) -> CodeSection {
    let mut section = CodeSection::new();
    for function in &module.functions {
        section.function(&body(function, types));
    }
    section
}

fn body(function: &Function, types: &mut ModuleTypes<'_>) -> wasm_encoder::Function {
    let locals = function.locals.iter().map(|&ty| ty.into());
    let mut body = wasm_encoder::Function::new_with_locals_types(locals);
    let mut sink = body.instructions();
    for &op in &function.code {
        write_op(&mut sink, op, types);
    }
    sink.end();
    body
}

fn write_op(sink: &mut InstructionSink<'_>, op: Op, types: &mut ModuleTypes<'_>) {
    match op {
        Op::LocalGet(local) => sink.local_get(local),
        Op::LocalSet(local) => sink.local_set(local),
        Op::GlobalGet(global) => sink.global_get(global_index(global)),
        Op::GlobalSet(global) => sink.global_set(global_index(global)),
        Op::I32Const(value) => sink.i32_const(value),
        Op::I32Add => sink.i32_add(),
        Op::I32Sub => sink.i32_sub(),
        Op::Load(ty, offset) => write_load(sink, ty, memory_argument(offset)),
        Op::Store(ty, offset) => write_store(sink, ty, memory_argument(offset)),
        Op::LoadHalf(offset) => sink.i32_load16_u(memory_argument(offset)),
        Op::MemoryCopy => sink.memory_copy(0, 0),
        Op::MemoryFill => sink.memory_fill(0),
        Op::CallIndirect(ty) => sink.call_indirect(0, types.index(ty)),
        // The host import is the runtime module's function 0.
        Op::CallHost => sink.call(0),
        Op::Drop => sink.drop(),
        Op::Select => sink.select(),
        Op::Unreachable => sink.unreachable(),
    };
}

fn write_load<'a, 'b>(
    sink: &'a mut InstructionSink<'b>,
    ty: ValType,
    argument: MemArg,
) -> &'a mut InstructionSink<'b> {
    match ty {
        ValType::I32 => sink.i32_load(argument),
        ValType::I64 => sink.i64_load(argument),
        ValType::F32 => sink.f32_load(argument),
        ValType::F64 => sink.f64_load(argument),
        ValType::V128 => sink.v128_load(argument),
    }
}

fn write_store<'a, 'b>(
    sink: &'a mut InstructionSink<'b>,
    ty: ValType,
    argument: MemArg,
) -> &'a mut InstructionSink<'b> {
    match ty {
        ValType::I32 => sink.i32_store(argument),
        ValType::I64 => sink.i64_store(argument),
        ValType::F32 => sink.f32_store(argument),
        ValType::F64 => sink.f64_store(argument),
        ValType::V128 => sink.v128_store(argument),
    }
}

/// No alignment is claimed: structs are laid out as the scenario says, not as wasm would like.
fn memory_argument(offset: u32) -> MemArg {
    MemArg { offset: offset.into(), align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

/// The parts of `memory` between long runs of zeros, with their addresses.
fn non_zero_runs(memory: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in (0..memory.len()).filter(|&at| memory[at] != 0) {
        match runs.last_mut() {
            Some((_, end)) if at - *end < ZERO_RUN => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs.into_iter().map(|(start, end)| (start, &memory[start..end])).collect()
}
