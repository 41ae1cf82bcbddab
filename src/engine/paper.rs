//! The paper engine: executes [`Op`]s directly, with no wasm in between.
//!
//! It is the fastest engine, it links nothing, and it is a second opinion on
//! what the instructions mean. A run must cost microseconds, so that nothing is allocated in one
//! once the buffers have grown: memory is reset by the blocks that were written,
//! frames and operands live in vectors that are kept, and function bodies are executed where they
//! lie.
//!
//! An operand slot is a `u128` whatever its type: a `v128` fills it, everything
//! else stands in its low bits. A function's parameters, locals and operands are
//! one stretch of the operand stack, parameters first, so that a call's
//! arguments become the callee's locals where they are.

use std::borrow::Cow;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::load::{Load, memory_range};
use super::{
    Engine, EngineError, EngineKind, FUEL, HostCall, MAX_CALLS, MAX_REENTRIES, Memory, MemoryView,
    Process, Trap,
};
use crate::abi::{FuncType, ValType};
use crate::image::code::{Global, Op, TypeId};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{Function, FunctionId, HOST_SLOTS, ModuleId, Program};

const RUNNING: &str = "the state is in the process while it runs";

/// Operand slots; enough for [`MAX_CALLS`] frames of the functions that are emitted.
const STACK_SLOTS: usize = 1 << 16;

/// The engine. Keeps its buffers from run to run.
#[derive(Debug)]
pub struct Paper<S> {
    process: PaperProcess<S>,
}

impl<S> Paper<S> {
    /// An engine that has run nothing.
    pub fn new() -> Self {
        Self { process: PaperProcess::new() }
    }
}

impl<S> Default for Paper<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Engine<S> for Paper<S> {
    fn name(&self) -> &'static str {
        EngineKind::PAPER.name()
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, EngineError> {
        self.process.start(program);
        self.process.driver = Some((state, host));
        drive(&mut self.process);
        let (state, _) = self.process.driver.take().expect("the process held the state");
        Ok(state)
    }

    fn memory(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.process.memory.bytes)
    }
}

/// Linear memory that knows which of its blocks were written.
#[derive(Debug, Default)]
struct TrackedMemory {
    bytes: Vec<u8>,
    /// One bit a block.
    dirty: Vec<u64>,
}

impl TrackedMemory {
    const BLOCK_BITS: u32 = 10;
    const BLOCK: usize = 1 << Self::BLOCK_BITS;

    /// Becomes a copy of `initial`, whatever it was.
    fn replace(&mut self, initial: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(initial);
        self.dirty.clear();
        self.dirty.resize(initial.len().div_ceil(Self::BLOCK * 64), 0);
    }

    /// Becomes `initial` again, of which it was a copy before it was written to.
    fn reset(&mut self, initial: &[u8]) {
        for (word, bits) in self.dirty.iter_mut().enumerate() {
            let mut left = std::mem::take(bits);
            while left != 0 {
                let block = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let start = block * Self::BLOCK;
                let end = (start + Self::BLOCK).min(initial.len());
                self.bytes[start..end].copy_from_slice(&initial[start..end]);
            }
        }
    }

    #[inline]
    fn mark(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        for block in start >> Self::BLOCK_BITS..=(end - 1) >> Self::BLOCK_BITS {
            self.dirty[block / 64] |= 1 << (block % 64);
        }
    }

    #[inline]
    fn read(&self, address: u32, offset: u32, len: u32) -> Result<&[u8], Trap> {
        Ok(&self.bytes[memory_range(address, offset, len, self.bytes.len())?])
    }

    #[inline]
    fn read_array<const N: usize>(&self, address: u32, offset: u32) -> Result<[u8; N], Trap> {
        Ok(self.read(address, offset, N as u32)?.try_into().expect("N bytes were asked for"))
    }

    #[inline]
    fn write(&mut self, address: u32, offset: u32, bytes: &[u8]) -> Result<(), Trap> {
        let range = memory_range(address, offset, bytes.len() as u32, self.bytes.len())?;
        self.mark(range.start, range.end);
        self.bytes[range].copy_from_slice(bytes);
        Ok(())
    }

    fn copy(&mut self, to: u32, from: u32, len: u32) -> Result<(), Trap> {
        let from = memory_range(from, 0, len, self.bytes.len())?;
        let to = memory_range(to, 0, len, self.bytes.len())?;
        self.mark(to.start, to.end);
        self.bytes.copy_within(from, to.start);
        Ok(())
    }

    fn fill(&mut self, at: u32, value: u8, len: u32) -> Result<(), Trap> {
        let range = memory_range(at, 0, len, self.bytes.len())?;
        self.mark(range.start, range.end);
        self.bytes[range].fill(value);
        Ok(())
    }

    /// A load of a whole value.
    #[inline]
    fn load(&self, ty: ValType, address: u32, offset: u32) -> Result<u128, Trap> {
        Ok(match ty.size() {
            4 => u32::from_le_bytes(self.read_array(address, offset)?).into(),
            8 => u64::from_le_bytes(self.read_array(address, offset)?).into(),
            _ => u128::from_le_bytes(self.read_array(address, offset)?),
        })
    }

    /// A store of a whole value.
    #[inline]
    fn store(&mut self, ty: ValType, address: u32, offset: u32, value: u128) -> Result<(), Trap> {
        match ty.size() {
            4 => self.write(address, offset, &(value as u32).to_le_bytes()),
            8 => self.write(address, offset, &(value as u64).to_le_bytes()),
            _ => self.write(address, offset, &value.to_le_bytes()),
        }
    }
}

/// A table slot: a function of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    instance: u16,
    function: u16,
}

impl Slot {
    const NULL: Slot = Slot { instance: u16::MAX, function: u16::MAX };
}

/// A module with its bases. Instance 0 is the runtime.
#[derive(Clone, Copy, Debug)]
struct Instance {
    /// `None` for the runtime.
    module: Option<ModuleId>,
    memory_base: ImageBase,
    table_base: TableIndex,
}

/// The operand stack.
#[derive(Debug, Default)]
struct Operands(Vec<u128>);

impl Operands {
    #[inline]
    fn binary(&mut self, top: usize, compute: fn(u32, u32) -> u32) -> usize {
        let [a, b] = self.words(top - 2);
        self[top - 2] = compute(a, b).into();
        top - 1
    }

    /// The operands from slot `at` on, as words.
    #[inline]
    fn words<const N: usize>(&self, at: usize) -> [u32; N] {
        std::array::from_fn(|i| self[at + i] as u32)
    }
}

impl Index<usize> for Operands {
    type Output = u128;

    #[inline]
    fn index(&self, slot: usize) -> &u128 {
        &self.0[slot]
    }
}

impl IndexMut<usize> for Operands {
    #[inline]
    fn index_mut(&mut self, slot: usize) -> &mut u128 {
        &mut self.0[slot]
    }
}

/// A function in execution.
#[derive(Clone, Copy, Debug)]
struct Frame {
    slot: Slot,
    /// The next instruction.
    next: u32,
    /// The operand slot of local 0.
    base: u32,
}

#[derive(Debug)]
struct PaperProcess<S> {
    /// Whoever drives the process: its state, and what it answers the host import.
    driver: Option<(S, HostCall<S>)>,
    /// Of the last run, whose buffers these are.
    program: Option<Arc<Program>>,
    memory: TrackedMemory,
    table: Vec<Slot>,
    /// An image was loaded over the host's slots.
    host_slots_changed: bool,
    instances: Vec<Instance>,
    stack_pointer: u32,
    async_continuation: u32,
    operands: Operands,
    /// The first operand slot that is free when the process is entered.
    free: usize,
    /// The callers of the function in execution.
    frames: Vec<Frame>,
    reentries: u32,
    fuel: u64,
    /// The type that [`Process::call`] wants, if the program has it.
    entry_type: Option<TypeId>,
}

impl<S> PaperProcess<S> {
    fn new() -> Self {
        Self {
            driver: None,
            program: None,
            memory: TrackedMemory::default(),
            table: Vec::new(),
            host_slots_changed: false,
            instances: Vec::new(),
            stack_pointer: 0,
            async_continuation: 0,
            operands: Operands(vec![0; STACK_SLOTS]),
            free: 0,
            frames: Vec::with_capacity(MAX_CALLS),
            reentries: 0,
            fuel: 0,
            entry_type: None,
        }
    }

    /// Makes this a fresh process of `program`.
    fn start(&mut self, program: &Arc<Program>) {
        let same = self.program.as_ref().is_some_and(|last| Arc::ptr_eq(last, program));
        if same {
            self.memory.reset(&program.memory);
        } else {
            self.memory.replace(&program.memory);
            self.program = Some(program.clone());
            let entry = FuncType::new([ValType::I32; 3], None);
            self.entry_type = program.types.position(|ty| *ty == entry);
        }
        if !same || self.host_slots_changed {
            self.fill_host_slots(program);
        }
        self.table.truncate(HOST_SLOTS as usize);
        self.instances.clear();
        let table_base = program.host_base();
        self.instances.push(Instance {
            module: None,
            memory_base: ImageBase::default(),
            table_base,
        });
        self.stack_pointer = program.stack_pointer;
        self.async_continuation = 0;
        self.free = 0;
        self.frames.clear();
        self.reentries = 0;
        self.fuel = FUEL;
    }

    fn fill_host_slots(&mut self, program: &Program) {
        self.table.clear();
        self.table.resize(program.host_base().get() as usize, Slot::NULL);
        let functions = 0..program.runtime.functions.len() as u16;
        self.table.extend(functions.map(|function| Slot { instance: 0, function }));
        self.host_slots_changed = false;
    }

    fn function<'p>(&self, program: &'p Program, slot: Slot) -> &'p Function {
        let module = match self.instances[usize::from(slot.instance)].module {
            None => &program.runtime,
            Some(id) => &program.images[id],
        };
        &module.functions[FunctionId(slot.function.into())]
    }

    /// The function that an indirect call reaches, checked in wasm's order.
    #[inline]
    fn resolve(
        &self,
        program: &Program,
        index: TableIndex,
        ty: Option<TypeId>,
    ) -> Result<Slot, Trap> {
        let slot = *self.table.get(index.get() as usize).ok_or(Trap::TableOutOfBounds)?;
        if slot == Slot::NULL {
            return Err(Trap::NullElement);
        }
        if Some(self.function(program, slot).ty) != ty {
            return Err(Trap::SignatureMismatch);
        }
        Ok(slot)
    }

    fn burn(&mut self, fuel: u64) -> Result<(), Trap> {
        self.fuel = self.fuel.checked_sub(fuel).ok_or(Trap::OutOfFuel)?;
        Ok(())
    }

    /// Starts a function whose arguments end at operand slot `top`: its base and its first free
    /// slot.
    ///
    /// A straight line of instructions pushes at most one operand each, so that
    /// one check here is enough for the whole body; likewise fuel is paid here for all of it.
    fn enter(
        &mut self,
        program: &Program,
        function: &Function,
        top: usize,
        operands: &mut Operands,
    ) -> Result<(usize, usize), Trap> {
        self.burn(1 + function.code.len() as u64)?;
        let base = top - program.types[function.ty].params.len();
        let first = top + function.locals.len();
        let too_deep = self.frames.len() >= MAX_CALLS;
        if too_deep || first + function.code.len() > operands.0.len() {
            return Err(Trap::StackExhausted);
        }
        operands.0[top..first].fill(0);
        Ok((base, first))
    }

    fn global(&self, global: Global, slot: Slot) -> u32 {
        let instance = &self.instances[usize::from(slot.instance)];
        match global {
            Global::StackPointer => self.stack_pointer,
            Global::MemoryBase => instance.memory_base.get(),
            Global::TableBase => instance.table_base.get(),
            Global::AsyncContinuation => self.async_continuation,
        }
    }

    fn set_global(&mut self, global: Global, value: u32) {
        match global {
            Global::StackPointer => self.stack_pointer = value,
            Global::AsyncContinuation => self.async_continuation = value,
            Global::MemoryBase | Global::TableBase => unreachable!("an immutable global"),
        }
    }

    /// Runs the function of type [`Self::entry_type`] whose arguments end at
    /// operand slot `top`, until it returns.
    fn execute(&mut self, program: &Program, slot: Slot, top: usize) -> Result<(), Trap> {
        // The operands are out of the process as long as no VM code runs.
        let mut operands = std::mem::take(&mut self.operands);
        let outcome = self.run(program, slot, top, &mut operands);
        self.operands = operands;
        outcome
    }

    fn run(
        &mut self,
        program: &Program,
        mut slot: Slot,
        top: usize,
        operands: &mut Operands,
    ) -> Result<(), Trap> {
        let callers = self.frames.len();
        let mut function = self.function(program, slot);
        let (mut base, mut top) = self.enter(program, function, top, operands)?;
        let mut next = 0;
        loop {
            let Some(&op) = function.code.get(next) else {
                let ty = &program.types[function.ty];
                if ty.result.is_some() {
                    operands[base] = operands[top - 1];
                }
                top = base + usize::from(ty.result.is_some());
                if self.frames.len() == callers {
                    return Ok(());
                }
                let caller = self.frames.pop().expect("there are more frames than callers");
                slot = caller.slot;
                function = self.function(program, slot);
                (next, base) = (caller.next as usize, caller.base as usize);
                continue;
            };
            next += 1;
            match op {
                Op::LocalGet(local) => {
                    operands[top] = operands[base + local as usize];
                    top += 1;
                }
                Op::LocalSet(local) => {
                    top -= 1;
                    operands[base + local as usize] = operands[top];
                }
                Op::GlobalGet(global) => {
                    operands[top] = self.global(global, slot).into();
                    top += 1;
                }
                Op::GlobalSet(global) => {
                    top -= 1;
                    self.set_global(global, operands[top] as u32);
                }
                Op::I32Const(value) => {
                    operands[top] = (value as u32).into();
                    top += 1;
                }
                Op::I32Add => top = operands.binary(top, u32::wrapping_add),
                Op::I32Sub => top = operands.binary(top, u32::wrapping_sub),
                Op::Load(ty, offset) => {
                    let address = operands[top - 1] as u32;
                    operands[top - 1] = self.memory.load(ty, address, offset)?;
                }
                Op::LoadHalf(offset) => {
                    let half = self.memory.read_array(operands[top - 1] as u32, offset)?;
                    operands[top - 1] = u16::from_le_bytes(half).into();
                }
                Op::Store(ty, offset) => {
                    top -= 2;
                    let (address, value) = (operands[top] as u32, operands[top + 1]);
                    self.memory.store(ty, address, offset, value)?;
                }
                Op::MemoryCopy => {
                    top -= 3;
                    let [to, from, len] = operands.words(top);
                    self.memory.copy(to, from, len)?;
                    self.burn(u64::from(len) >> 4)?;
                }
                Op::MemoryFill => {
                    top -= 3;
                    let [at, value, len] = operands.words(top);
                    self.memory.fill(at, value as u8, len)?;
                    self.burn(u64::from(len) >> 4)?;
                }
                Op::CallIndirect(ty) => {
                    top -= 1;
                    let index = TableIndex::new(operands[top] as u32);
                    let callee = self.resolve(program, index, Some(ty))?;
                    self.frames.push(Frame { slot, next: next as u32, base: base as u32 });
                    slot = callee;
                    function = self.function(program, slot);
                    (base, top) = self.enter(program, function, top, operands)?;
                    next = 0;
                }
                Op::CallHost => {
                    top -= 5;
                    let [which, a, b, c, d] = operands.words(top);
                    self.free = top;
                    std::mem::swap(&mut self.operands, operands);
                    let (_, host) = *self.driver();
                    let result = host(self, which, [a, b, c, d]);
                    std::mem::swap(&mut self.operands, operands);
                    operands[top] = result?.into();
                    top += 1;
                }
                Op::Drop => top -= 1,
                Op::Select => {
                    top -= 2;
                    if operands[top + 1] as u32 == 0 {
                        operands[top - 1] = operands[top];
                    }
                }
                Op::Unreachable => return Err(Trap::Unreachable),
            }
        }
    }

    fn driver(&mut self) -> &mut (S, HostCall<S>) {
        self.driver.as_mut().expect(RUNNING)
    }

    fn program(&self) -> Arc<Program> {
        self.program.clone().expect("the process was started")
    }
}

impl<S> Memory for PaperProcess<S> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        self.memory.bytes.read_into(address, into)
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(&self.memory.bytes)
    }
}

impl<S> Process<S> for PaperProcess<S> {
    fn state(&mut self) -> &mut S {
        &mut self.driver().0
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut S) {
        let (state, _) = self.driver.as_mut().expect(RUNNING);
        (MemoryView::Bytes(&self.memory.bytes), state)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.memory.write(address, 0, bytes)
    }

    fn table_len(&mut self) -> u32 {
        self.table.len() as u32
    }

    fn table_grow(&mut self, n: u32) -> TableIndex {
        let first = TableIndex::new(self.table_len());
        self.table.resize(self.table.len() + n as usize, Slot::NULL);
        first
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Trap> {
        let program = self.program();
        let load = Load { module, memory_base, table_base };
        load.check(&program, self.table.len() as u32)?;
        let image = &program.images[module];
        let instance = self.instances.len() as u16;
        self.instances.push(Instance { module: Some(module), memory_base, table_base });
        let slots = &mut self.table[table_base.get() as usize..][..image.functions.len()];
        for (function, slot) in (0..).zip(slots) {
            *slot = Slot { instance, function };
        }
        self.host_slots_changed |= table_base.get() < HOST_SLOTS;
        self.memory.write(memory_base.get(), 0, &image.payload)
    }

    fn call(&mut self, index: TableIndex, arguments: [u32; 3]) -> Result<(), Trap> {
        let program = self.program();
        let slot = self.resolve(&program, index, self.entry_type)?;
        let (first, callers) = (self.free, self.frames.len());
        if self.reentries >= MAX_REENTRIES || first + 3 > self.operands.0.len() {
            return Err(Trap::StackExhausted);
        }
        for (operand, argument) in self.operands.0[first..].iter_mut().zip(arguments) {
            *operand = argument.into();
        }
        self.reentries += 1;
        let outcome = self.execute(&program, slot, first + 3);
        self.reentries -= 1;
        self.frames.truncate(callers);
        self.free = first;
        outcome
    }

    fn stack_pointer(&mut self) -> u32 {
        self.stack_pointer
    }

    fn set_stack_pointer(&mut self, value: u32) {
        self.stack_pointer = value;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke("paper");
    }
}
