//! What the engines that run real modules share: caches, and the reuse of stores.
//!
//! Compiling is what costs (milliseconds), making a store and instantiating in
//! it comes second (tens of microseconds); a run itself takes microseconds. So
//! modules are kept by program, and stores are kept as well. A store
//! that has run is as good as new once memory, globals and fuel are set back: emitted
//! code writes to nothing else (there is no `table.set`, `data.drop` or `memory.grow`), and a
//! trap leaves a store usable. Two things cannot be taken back: a table cannot
//! shrink, and an image stays loaded. They are the store's [`Shape`].
//!
//! Therefore a store of shape *s* may stand for a process exactly when the process
//! has shape *s*. As long as no wasm is on the stack, it does not matter which store is used: VM
//! code sees only memory, two globals and the table's length. [`Outside`], the process as seen
//! from there, merely notes what is loaded (and copies the payload), and
//! [settles](Outside::settle) before wasm is entered, the only time that the table itself counts:
//! it moves the process into a kept store of the shape that is wanted, or loads the images for
//! real. While wasm is on the stack (VM code called by the host import) loading
//! has its real effect at once, which changes the store's shape for good.
//!
//! So no run ever sees a slot that it has not yet made, and nothing needs to be run twice.

use std::borrow::Cow;
use std::sync::Arc;

use super::adapter::{Access, Backend, Compiled, Data, Inside, Register, write};
use super::load::Load;
use super::shape::Shape;
use super::{Engine, EngineError, FUEL, HostCall, Keep, Memory, MemoryView, Process, Trap};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{ModuleId, Program};

/// Programs whose modules are kept.
pub(super) const PROGRAMS: usize = 64;
/// Stores that are kept, of all programs together. One takes a few hundred KiB.
pub(super) const STORES: usize = 64;

/// What of a store is neither memory nor shape.
#[derive(Clone, Copy, Debug)]
struct Registers {
    stack_pointer: u32,
    async_continuation: u32,
    /// What is left.
    fuel: u64,
}

impl Registers {
    fn of(mut store: impl Access) -> Self {
        Self {
            stack_pointer: store.global(Register::StackPointer),
            async_continuation: store.global(Register::AsyncContinuation),
            fuel: store.fuel(),
        }
    }

    fn put_into(self, mut store: impl Access) {
        store.set_global(Register::StackPointer, self.stack_pointer);
        store.set_global(Register::AsyncContinuation, self.async_continuation);
        store.set_fuel(self.fuel);
    }
}

/// An engine over a [`Backend`].
pub(super) struct Stored<B: Backend, S: 'static> {
    name: &'static str,
    backend: B,
    keep: Keep,
    /// How often a runtime module was compiled.
    compiles: u64,
    /// The last used is the last.
    programs: Vec<Arc<Compiled<B, S>>>,
    /// The store of the last run, for [`Engine::memory`].
    last: Option<B::Store<S>>,
    /// Kept stores; the last used is the last.
    idle: Vec<B::Store<S>>,
    /// [`Outside::wanted`] of the last run, for its allocation.
    wanted: Shape,
}

/// A store's program.
fn program<B: Backend, S: 'static>(store: &B::Store<S>) -> &Arc<Program> {
    &B::data(store).compiled.program
}

impl<B: Backend, S: 'static> Stored<B, S> {
    /// An engine of this name that keeps this much.
    pub fn new(name: &'static str, backend: B, keep: Keep) -> Self {
        Self {
            name,
            backend,
            keep,
            compiles: 0,
            programs: vec![],
            last: None,
            idle: vec![],
            wanted: Shape::new(),
        }
    }

    fn compile(&mut self, program: &Arc<Program>) -> Result<Arc<Compiled<B, S>>, B::Error> {
        self.compiles += 1;
        Compiled::new(&self.backend, program).map(Arc::new)
    }

    fn compiled(&mut self, program: &Arc<Program>) -> Result<Arc<Compiled<B, S>>, B::Error> {
        if self.keep == Keep::Nothing {
            return self.compile(program);
        }
        // What is compared is alive, so that equal addresses mean the same program.
        let known = self.programs.iter().rposition(|kept| Arc::ptr_eq(&kept.program, program));
        let compiled = match known {
            Some(at) => self.programs.remove(at),
            None => self.compile(program)?,
        };
        self.programs.push(compiled.clone());
        if self.programs.len() > PROGRAMS {
            let evicted = self.programs.remove(0);
            self.idle.retain(|store| !Arc::ptr_eq(self::program::<B, S>(store), &evicted.program));
        }
        Ok(compiled)
    }

    /// A kept store of a program, the last used first.
    fn take_idle(
        &mut self,
        program: &Arc<Program>,
        fits: impl Fn(&Shape) -> bool,
    ) -> Option<B::Store<S>> {
        let fits = |store: &B::Store<S>| {
            let data = B::data(store);
            Arc::ptr_eq(&data.compiled.program, program) && fits(&data.shape)
        };
        self.idle.iter().rposition(fits).map(|at| self.idle.remove(at))
    }

    fn retire(&mut self, store: B::Store<S>) {
        if self.keep != Keep::Stores {
            return;
        }
        if self.idle.len() == STORES {
            self.idle.remove(0);
        }
        self.idle.push(store);
    }

    fn start(&self, compiled: &Arc<Compiled<B, S>>) -> Result<B::Store<S>, B::Error> {
        self.backend.start(Data::new(compiled.clone()))
    }

    /// A store that is set back to the program's start, but for its shape.
    fn open(
        &mut self,
        compiled: &Arc<Compiled<B, S>>,
        program: &Arc<Program>,
    ) -> Result<B::Store<S>, B::Error> {
        if let Some(last) = self.last.take() {
            self.retire(last);
        }
        let mut store = match self.take_idle(program, |_| true) {
            Some(store) => store,
            None => self.start(compiled)?,
        };
        B::parts(&mut store).0.copy_from_slice(&program.memory);
        let stack_pointer = program.stack_pointer;
        let registers = Registers { stack_pointer, async_continuation: 0, fuel: FUEL };
        registers.put_into(B::enter(&mut store));
        Ok(store)
    }

    fn try_run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, B::Error> {
        let compiled = self.compiled(program)?;
        let mut store = self.open(&compiled, program)?;
        B::data_mut(&mut store).driver = Some((state, host));
        let mut wanted = std::mem::replace(&mut self.wanted, Shape { table_len: 0, loads: vec![] });
        wanted.clear();
        let stack_pointer = Cached::new(program.stack_pointer);
        let program = program.clone();
        let mut process = Outside { engine: self, compiled, program, store, wanted, stack_pointer };
        drive(&mut process);
        let Outside { mut store, wanted, .. } = process;
        self.wanted = wanted;
        let data = B::data_mut(&mut store);
        let (state, _) = data.driver.take().expect("the driver moves with the process");
        if let Some(failure) = data.failure.take() {
            return Err(failure);
        }
        self.last = Some(store);
        Ok(state)
    }
}

impl<B: Backend, S: 'static> Engine<S> for Stored<B, S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, EngineError> {
        self.try_run(program, state, host, drive)
            .map_err(|error| EngineError { engine: self.name, message: format!("{error:#}") })
    }

    fn memory(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.last.as_ref().map_or(&[], |store| B::memory(store)))
    }

    fn compiled(&self) -> u64 {
        self.compiles
    }

    #[cfg(test)]
    fn kept(&self) -> (usize, usize) {
        (self.programs.len(), self.idle.len() + usize::from(self.last.is_some()))
    }
}

/// A process while no wasm is on the stack.
struct Outside<'a, B: Backend, S: 'static> {
    engine: &'a mut Stored<B, S>,
    compiled: Arc<Compiled<B, S>>,
    program: Arc<Program>,
    /// Where memory and globals are.
    store: B::Store<S>,
    /// The process's shape, which the store's need not be.
    wanted: Shape,
    stack_pointer: Cached,
}

/// `__stack_pointer` as VM code has it, which asks for it far more often than wasm is entered.
struct Cached {
    value: u32,
    /// What the store's global holds.
    stored: u32,
}

impl Cached {
    fn new(value: u32) -> Self {
        Self { value, stored: value }
    }
}

impl<B: Backend, S: 'static> Outside<'_, B, S> {
    /// Does something with the process in this store; loading has its real effect.
    fn enter<R>(&mut self, work: impl FnOnce(&mut dyn Process<S>) -> R) -> R {
        work(&mut Inside(&mut B::enter(&mut self.store)))
    }

    /// Gives the store the process's shape.
    fn settle(&mut self) -> Result<(), Trap> {
        let data = B::data(&self.store);
        if data.shape == self.wanted {
            return Ok(());
        }
        if let Some(kept) = self.engine.take_idle(&self.program, |shape| *shape == self.wanted) {
            self.move_into(kept);
            return Ok(());
        }
        if !data.shape.leads_to(&self.wanted) {
            match self.engine.start(&self.compiled) {
                Ok(store) => self.move_into(store),
                Err(error) => {
                    B::data_mut(&mut self.store).failure = Some(error);
                    return Err(Trap::Unreachable);
                }
            }
        }
        self.load_for_real()
    }

    /// Goes on in another store.
    fn move_into(&mut self, store: B::Store<S>) {
        let mut left = std::mem::replace(&mut self.store, store);
        Registers::of(B::enter(&mut left)).put_into(B::enter(&mut self.store));
        let (from, left_data) = B::parts(&mut left);
        let (to, data) = B::parts(&mut self.store);
        to.copy_from_slice(from);
        data.driver = left_data.driver.take();
        self.engine.retire(left);
    }

    /// Loads into the store what it lacks, without a change to memory:
    /// the payload was there before, and VM code may have written to it since.
    fn load_for_real(&mut self) -> Result<(), Trap> {
        let Shape { table_len, loads } = &B::data(&self.store).shape;
        let (missing, already) = (self.wanted.table_len - table_len, loads.len());
        self.enter(|process| process.table_grow(missing));
        for at in already..self.wanted.loads.len() {
            let load = self.wanted.loads[at];
            let range = load.check(&self.program, self.wanted.table_len)?;
            let payload = B::memory(&self.store)[range.clone()].to_vec();
            let Load { module, memory_base, table_base } = load;
            self.enter(|process| process.instantiate(module, memory_base, table_base))?;
            B::parts(&mut self.store).0[range].copy_from_slice(&payload);
        }
        Ok(())
    }
}

impl<B: Backend, S: 'static> Memory for Outside<'_, B, S> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        B::memory(&self.store).read_into(address, into)
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(B::memory(&self.store))
    }
}

impl<B: Backend, S: 'static> Process<S> for Outside<'_, B, S> {
    fn state(&mut self) -> &mut S {
        &mut B::data_mut(&mut self.store).driver().0
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut S) {
        let (memory, data) = B::parts(&mut self.store);
        (MemoryView::Bytes(memory), &mut data.driver().0)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        write(B::parts(&mut self.store).0, address, bytes)
    }

    fn table_len(&mut self) -> u32 {
        self.wanted.table_len
    }

    fn table_grow(&mut self, n: u32) -> TableIndex {
        let first = self.wanted.table_len;
        self.wanted.table_len += n;
        TableIndex::new(first)
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Trap> {
        let load = Load { module, memory_base, table_base };
        let range = load.check(&self.program, self.wanted.table_len)?;
        let payload = &self.program.images[module].payload;
        B::parts(&mut self.store).0[range].copy_from_slice(payload);
        self.wanted.loads.push(load);
        Ok(())
    }

    fn call(&mut self, index: TableIndex, arguments: [u32; 3]) -> Result<(), Trap> {
        self.settle()?;
        let Cached { value, stored } = self.stack_pointer;
        let mut store = B::enter(&mut self.store);
        if value != stored {
            store.set_global(Register::StackPointer, value);
        }
        let outcome = Inside(&mut store).call(index, arguments);
        self.stack_pointer = Cached::new(store.global(Register::StackPointer));
        self.wanted.set(&store.data().shape);
        outcome
    }

    fn stack_pointer(&mut self) -> u32 {
        self.stack_pointer.value
    }

    fn set_stack_pointer(&mut self, value: u32) {
        self.stack_pointer.value = value;
    }
}
