//! The paper engine: executes [`Op`]s directly, in pure Rust.

use std::sync::Arc;

use super::{Engine, EngineError, FUEL, Process, Trap};
use crate::abi::{FuncType, ValType};
use crate::image::code::{Global, Narrow, Op};
use crate::image::{HOST_SLOTS, Module, ModuleId, Program};
use crate::loader::Vm;

/// Nested calls, host calls included, before the stack counts as exhausted.
const MAX_DEPTH: u32 = 200;
/// Bytes of memory that are restored together between runs.
const BLOCK: usize = 1024;
/// A null slot of the table.
const NULL: Handle = Handle(u32::MAX);

/// A function: 0 is the runtime module, `n + 1` image `n`, in the high half; the index in the low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handle(u32);

impl Handle {
    fn new(module: usize, function: usize) -> Self {
        Handle((module as u32) << 16 | function as u32)
    }
}

/// The engine, with the buffers that it keeps between runs.
#[derive(Debug, Default)]
pub struct Paper {
    state: State,
}

#[derive(Debug, Default)]
struct State {
    serial: Option<u64>,
    memory: Vec<u8>,
    /// One flag a block: written since the last reset.
    dirty: Vec<bool>,
    table: Vec<Handle>,
    stack: Vec<u128>,
    /// `(memory base, table base)` of each module, the runtime first.
    bases: Vec<(u32, u32)>,
    stack_pointer: u32,
    async_continuation: u32,
    depth: u32,
    fuel: u64,
}

impl Paper {
    /// A new engine.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Engine for Paper {
    fn name(&self) -> &'static str {
        "paper"
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        vm: Vm,
        drive: &mut dyn FnMut(&mut dyn Process),
    ) -> Result<Vm, EngineError> {
        self.state.reset(program);
        let mut process = PaperProcess { program, vm, state: &mut self.state };
        drive(&mut process);
        Ok(process.vm)
    }

    fn memory(&self) -> &[u8] {
        &self.state.memory
    }
}

impl State {
    fn reset(&mut self, program: &Program) {
        if self.serial == Some(program.serial) {
            for (block, dirty) in self.dirty.iter_mut().enumerate() {
                if std::mem::take(dirty) {
                    let range = block * BLOCK..(block + 1) * BLOCK;
                    self.memory[range.clone()].copy_from_slice(&program.memory[range]);
                }
            }
        } else {
            self.serial = Some(program.serial);
            self.memory.clone_from(&program.memory);
            self.dirty.clear();
            self.dirty.resize(program.memory.len() / BLOCK, false);
            self.table.clear();
        }
        self.reset_table(program);
        self.bases.clear();
        self.bases.resize(program.images.len() + 1, (0, 0));
        self.bases[0] = (0, program.host_base());
        self.stack.clear();
        self.stack_pointer = program.stack_pointer;
        self.async_continuation = 0;
        self.depth = 0;
        self.fuel = FUEL;
    }

    fn reset_table(&mut self, program: &Program) {
        if self.table.is_empty() {
            self.table.resize(HOST_SLOTS as usize, NULL);
            let base = program.host_base() as usize;
            for i in 0..program.runtime.functions.len() {
                self.table[base + i] = Handle::new(0, i);
            }
        }
        self.table.truncate(HOST_SLOTS as usize);
    }

    fn range(&self, address: u32, offset: u32, len: u32) -> Result<std::ops::Range<usize>, Trap> {
        let start = u64::from(address) + u64::from(offset);
        let end = start + u64::from(len);
        if end > self.memory.len() as u64 {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok(start as usize..end as usize)
    }

    fn touch(&mut self, range: &std::ops::Range<usize>) {
        if !range.is_empty() {
            self.dirty[range.start / BLOCK..=(range.end - 1) / BLOCK].fill(true);
        }
    }

    fn load(&self, address: u32, offset: u32, len: u32) -> Result<u128, Trap> {
        let range = self.range(address, offset, len)?;
        let bytes = &self.memory[range];
        let mut word = [0; 16];
        word[..bytes.len()].copy_from_slice(bytes);
        Ok(u128::from_le_bytes(word))
    }

    fn store(&mut self, address: u32, offset: u32, len: u32, value: u128) -> Result<(), Trap> {
        let range = self.range(address, offset, len)?;
        self.touch(&range);
        self.memory[range].copy_from_slice(&value.to_le_bytes()[..len as usize]);
        Ok(())
    }

    fn pop(&mut self) -> u128 {
        self.stack.pop().expect("emitted code is balanced; the encoder's validation shows it")
    }

    fn pop32(&mut self) -> u32 {
        self.pop() as u32
    }

    fn push32(&mut self, value: u32) {
        self.stack.push(u128::from(value));
    }
}

struct PaperProcess<'a> {
    program: &'a Program,
    vm: Vm,
    state: &'a mut State,
}

impl<'a> PaperProcess<'a> {
    fn module(&self, module: usize) -> &'a Module {
        match module {
            0 => &self.program.runtime,
            n => &self.program.images[n - 1],
        }
    }

    /// Calls a function whose arguments are on the operand stack; leaves its result there.
    fn invoke(&mut self, handle: Handle) -> Result<(), Trap> {
        if self.state.depth >= MAX_DEPTH {
            return Err(Trap::StackExhausted);
        }
        self.state.depth += 1;
        let (module, index) = ((handle.0 >> 16) as usize, (handle.0 & 0xffff) as usize);
        let function = &self.module(module).functions[index];
        let ty = &self.program.types[function.ty.0 as usize];
        let locals = self.state.stack.len() - ty.params.len();
        self.state.stack.resize(self.state.stack.len() + function.locals.len(), 0);
        for &op in &function.code {
            self.state.fuel = self.state.fuel.checked_sub(1).ok_or(Trap::OutOfFuel)?;
            self.execute(op, module, locals)?;
        }
        let result = ty.result.map(|_| self.state.pop());
        self.state.stack.truncate(locals);
        self.state.stack.extend(result);
        self.state.depth -= 1;
        Ok(())
    }

    fn lookup(&self, index: u32, ty: &FuncType) -> Result<Handle, Trap> {
        let handle = *self.state.table.get(index as usize).ok_or(Trap::TableOutOfBounds)?;
        if handle == NULL {
            return Err(Trap::NullElement);
        }
        let (module, function) = ((handle.0 >> 16) as usize, (handle.0 & 0xffff) as usize);
        let found = self.module(module).functions[function].ty;
        if self.program.types[found.0 as usize] != *ty {
            return Err(Trap::SignatureMismatch);
        }
        Ok(handle)
    }

    fn execute(&mut self, op: Op, module: usize, locals: usize) -> Result<(), Trap> {
        let state = &mut *self.state;
        match op {
            Op::LocalGet(i) => state.stack.push(state.stack[locals + i as usize]),
            Op::LocalSet(i) => {
                let value = state.pop();
                state.stack[locals + i as usize] = value;
            }
            Op::LocalTee(i) => {
                let value = state.pop();
                state.stack.push(value);
                state.stack[locals + i as usize] = value;
            }
            Op::GlobalGet(global) => {
                let value = match global {
                    Global::StackPointer => state.stack_pointer,
                    Global::MemoryBase => state.bases[module].0,
                    Global::TableBase => state.bases[module].1,
                    Global::AsyncContinuation => state.async_continuation,
                };
                state.push32(value);
            }
            Op::GlobalSet(global) => {
                let value = state.pop32();
                match global {
                    Global::StackPointer => state.stack_pointer = value,
                    Global::AsyncContinuation => state.async_continuation = value,
                    Global::MemoryBase | Global::TableBase => {}
                }
            }
            Op::I32Const(value) => state.push32(value as u32),
            Op::I64Const(value) => state.stack.push(u128::from(value as u64)),
            Op::I32Add => binary(state, u32::wrapping_add),
            Op::I32Sub => binary(state, u32::wrapping_sub),
            Op::I32And => binary(state, |a, b| a & b),
            Op::Load(ty, offset) => {
                let address = state.pop32();
                let value = state.load(address, offset, ty.size())?;
                state.stack.push(value);
            }
            Op::Store(ty, offset) => {
                let (value, address) = (state.pop(), state.pop32());
                state.store(address, offset, ty.size(), value)?;
            }
            Op::LoadNarrow(width, offset) => {
                let address = state.pop32();
                let value = state.load(address, offset, narrow(width))?;
                state.stack.push(value);
            }
            Op::StoreNarrow(width, offset) => {
                let (value, address) = (state.pop(), state.pop32());
                state.store(address, offset, narrow(width), value)?;
            }
            Op::MemoryCopy => {
                let (len, source, target) = (state.pop32(), state.pop32(), state.pop32());
                let source = state.range(source, 0, len)?;
                let target = state.range(target, 0, len)?;
                state.touch(&target);
                state.memory.copy_within(source, target.start);
            }
            Op::MemoryFill => {
                let (len, value, target) = (state.pop32(), state.pop32(), state.pop32());
                let target = state.range(target, 0, len)?;
                state.touch(&target);
                state.memory[target].fill(value as u8);
            }
            Op::CallIndirect(ty) => {
                let index = state.pop32();
                let handle = self.lookup(index, &self.program.types[ty.0 as usize])?;
                self.invoke(handle)?;
            }
            Op::CallHost => {
                let mut arguments = [0; 4];
                for slot in arguments.iter_mut().rev() {
                    *slot = state.pop32();
                }
                let function = state.pop32();
                let result = crate::loader::host_call(self, function, arguments)?;
                self.state.push32(result);
            }
            Op::Drop => {
                state.pop();
            }
            Op::Select => {
                let (condition, second, first) = (state.pop32(), state.pop(), state.pop());
                state.stack.push(if condition != 0 { first } else { second });
            }
            Op::Unreachable => return Err(Trap::Unreachable),
        }
        Ok(())
    }
}

fn binary(state: &mut State, f: impl Fn(u32, u32) -> u32) {
    let (b, a) = (state.pop32(), state.pop32());
    state.push32(f(a, b));
}

fn narrow(width: Narrow) -> u32 {
    match width {
        Narrow::Byte => 1,
        Narrow::Half => 2,
    }
}

impl Process for PaperProcess<'_> {
    fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    fn read(&mut self, address: u32, len: u32) -> Result<&[u8], Trap> {
        let range = self.state.range(address, 0, len)?;
        Ok(&self.state.memory[range])
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        let range = self.state.range(address, 0, bytes.len() as u32)?;
        self.state.touch(&range);
        self.state.memory[range].copy_from_slice(bytes);
        Ok(())
    }

    fn table_len(&mut self) -> u32 {
        self.state.table.len() as u32
    }

    fn table_grow(&mut self, n: u32) {
        let len = self.state.table.len() + n as usize;
        self.state.table.resize(len, NULL);
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap> {
        let position = usize::from(module.0) + 1;
        let image = self.module(position);
        let end = table_base as usize + image.functions.len();
        if end > self.state.table.len() {
            return Err(Trap::TableOutOfBounds);
        }
        for i in 0..image.functions.len() {
            self.state.table[table_base as usize + i] = Handle::new(position, i);
        }
        self.write(memory_base, &image.payload)?;
        self.state.bases[position] = (memory_base, table_base);
        Ok(())
    }

    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap> {
        let driver = FuncType { params: vec![ValType::I32; 3], result: None };
        let handle = self.lookup(index, &driver)?;
        for argument in arguments {
            self.state.push32(argument);
        }
        self.invoke(handle)
    }

    fn stack_pointer(&mut self) -> u32 {
        self.state.stack_pointer
    }

    fn set_stack_pointer(&mut self, value: u32) {
        self.state.stack_pointer = value;
    }

    fn table_type(&mut self, index: u32) -> Option<Option<FuncType>> {
        let handle = *self.state.table.get(index as usize)?;
        if handle == NULL {
            return Some(None);
        }
        let (module, function) = ((handle.0 >> 16) as usize, (handle.0 & 0xffff) as usize);
        let ty = self.module(module).functions[function].ty;
        Some(Some(self.program.types[ty.0 as usize].clone()))
    }
}
