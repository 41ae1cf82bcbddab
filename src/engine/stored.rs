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
//! has shape *s*. As long as no wasm is on the stack, it does not matter which store is used: VM code sees
//! only memory, two globals and the table's length. [`Outside`], the process as seen
//! from there, merely notes what is loaded (and copies the payload), and
//! [settles](Outside::settle) before wasm is entered, the only time that the table itself counts: it
//! moves the process into a kept store of the shape that is wanted, or loads the images for
//! real. While wasm is on the stack (VM code called by the host import) loading
//! has its real effect at once, which changes the store's shape for good.
//!
//! So no run ever sees a slot that it has not yet made, and nothing needs to be run twice.

use std::borrow::Cow;
use std::sync::Arc;

use super::load::{Load, memory_range};
use super::{Engine, EngineError, FUEL, HostCall, Memory, MemoryView, Process, Trap};
use crate::image::{HOST_SLOTS, ModuleId, Program};

/// Programs whose modules are kept, unless told otherwise.
pub(super) const PROGRAMS: usize = 64;
/// Stores that are kept, of all programs together. One takes a few hundred KiB.
pub(super) const STORES: usize = 64;

/// An engine's API, so far as it differs from the others'.
pub(super) trait Backend<S> {
    /// What `--engine` takes.
    const NAME: &'static str;
    /// A program's modules. Owns the program.
    type Compiled;
    /// A store with a runtime instance.
    type Session: Session<S>;

    /// Compiles a program's runtime module; images may wait until they are loaded.
    fn compile(&self, program: &Arc<Program>) -> Result<Self::Compiled, String>;

    /// A store of shape [`Shape::new`].
    fn start(&self, compiled: &Arc<Self::Compiled>) -> Result<Self::Session, String>;
}

/// A store with a runtime instance, and perhaps image instances.
pub(super) trait Session<S> {
    /// Whose.
    fn program(&self) -> &Arc<Program>;
    /// Its table's length and its images.
    fn shape(&self) -> &Shape;
    /// Linear memory.
    fn memory(&self) -> &[u8];
    /// Linear memory.
    fn memory_mut(&mut self) -> &mut [u8];
    /// The place for the driver of the process that is in this store.
    fn driver(&mut self) -> &mut Driver<S>;
    /// Linear memory to read and the state, both at once.
    fn split(&mut self) -> (&[u8], &mut S);
    /// What the engine said when it did something that it should not.
    fn failure(&mut self) -> &mut Option<String>;
    /// The mutable globals and fuel.
    fn registers(&mut self) -> Registers;
    /// Sets the mutable globals and fuel.
    fn set_registers(&mut self, registers: Registers);
    /// `__stack_pointer`.
    fn stack_pointer(&mut self) -> u32;
    /// Sets `__stack_pointer`.
    fn set_stack_pointer(&mut self, value: u32);
    /// Does something with the process in this store; loading has its real effect.
    fn enter<R>(&mut self, work: impl FnOnce(&mut dyn Process<S>) -> R) -> R;
}

/// Whoever drives a process: its state, and what it answers the host import. It moves with the
/// process, so that a store without one is idle.
pub(super) type Driver<S> = Option<(S, HostCall<S>)>;

/// Why a [`Driver`] is there.
pub(super) const RUNNING: &str = "the driver moves with the process";

/// What of a process cannot be taken back: how long its table has become, and
/// the images that it holds, in the order of loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Slots of the table.
    pub table_len: u32,
    /// Images.
    pub loads: Vec<Load>,
}

impl Shape {
    /// Before the first image is loaded.
    pub fn new() -> Self {
        Self { table_len: HOST_SLOTS, loads: Vec::new() }
    }

    /// Back to [`Shape::new`], keeping the allocation.
    pub fn clear(&mut self) {
        self.table_len = HOST_SLOTS;
        self.loads.clear();
    }

    /// Becomes `other`, keeping the allocation.
    pub fn set(&mut self, other: &Shape) {
        self.table_len = other.table_len;
        self.loads.clone_from(&other.loads);
    }

    /// Can a process of this shape become one of shape `later` by loading more?
    pub fn leads_to(&self, later: &Shape) -> bool {
        self.table_len <= later.table_len && later.loads.starts_with(&self.loads)
    }
}

/// What of a store is neither memory nor shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    /// `__stack_pointer`.
    pub stack_pointer: u32,
    /// `__async_continuation`.
    pub async_continuation: u32,
    /// What is left.
    pub fuel: u64,
}

/// What an engine keeps from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing: every run compiles.
    Nothing,
    /// Compiled modules: what the reuse of stores is tested against.
    #[cfg(test)]
    Modules,
    /// Compiled modules, and stores.
    Stores,
}

/// An engine over a [`Backend`].
pub(super) struct Stored<B: Backend<S>, S> {
    backend: B,
    keep: Keep,
    capacity: usize,
    /// How often [`Backend::compile`] was asked.
    compiles: u64,
    /// The last used is the last.
    programs: Vec<(Arc<Program>, Arc<B::Compiled>)>,
    /// The store of the last run, for [`Engine::memory`].
    last: Option<B::Session>,
    /// Kept stores; the last used is the last.
    idle: Vec<B::Session>,
    /// [`Outside::wanted`] of the last run, for its allocation.
    wanted: Shape,
}

impl<B: Backend<S>, S> Stored<B, S> {
    pub fn new(backend: B, keep: Keep, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let wanted = Shape::new();
        Self {
            backend,
            keep,
            capacity,
            compiles: 0,
            programs: vec![],
            last: None,
            idle: vec![],
            wanted,
        }
    }

    /// Programs and stores that are kept.
    #[cfg(test)]
    pub fn kept(&self) -> (usize, usize) {
        (self.programs.len(), self.idle.len() + usize::from(self.last.is_some()))
    }

    fn compiled(&mut self, program: &Arc<Program>) -> Result<Arc<B::Compiled>, String> {
        if self.keep == Keep::Nothing {
            self.compiles += 1;
            return self.backend.compile(program).map(Arc::new);
        }
        // What is compared is alive, so that equal addresses mean the same program.
        let known = self.programs.iter().rposition(|(p, _)| Arc::ptr_eq(p, program));
        let entry = match known {
            Some(at) => self.programs.remove(at),
            None => {
                self.compiles += 1;
                (program.clone(), Arc::new(self.backend.compile(program)?))
            }
        };
        let compiled = entry.1.clone();
        self.programs.push(entry);
        if self.programs.len() > self.capacity {
            let (evicted, _) = self.programs.remove(0);
            self.idle.retain(|session| !Arc::ptr_eq(session.program(), &evicted));
        }
        Ok(compiled)
    }

    /// A kept store of a program, the last used first.
    fn take_idle(
        &mut self,
        program: &Arc<Program>,
        fits: impl Fn(&Shape) -> bool,
    ) -> Option<B::Session> {
        let fits = |s: &B::Session| Arc::ptr_eq(s.program(), program) && fits(s.shape());
        self.idle.iter().rposition(fits).map(|at| self.idle.remove(at))
    }

    fn retire(&mut self, session: B::Session) {
        if self.keep != Keep::Stores {
            return;
        }
        if self.idle.len() == STORES {
            self.idle.remove(0);
        }
        self.idle.push(session);
    }

    /// A store that is set back to the program's start, but for its shape.
    fn open(
        &mut self,
        compiled: &Arc<B::Compiled>,
        program: &Arc<Program>,
    ) -> Result<B::Session, String> {
        if let Some(last) = self.last.take() {
            self.retire(last);
        }
        let mut session = match self.take_idle(program, |_| true) {
            Some(session) => session,
            None => self.backend.start(compiled)?,
        };
        session.memory_mut().copy_from_slice(&program.memory);
        session.set_registers(Registers {
            stack_pointer: program.stack_pointer,
            async_continuation: 0,
            fuel: FUEL,
        });
        Ok(session)
    }

    fn try_run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, String> {
        let compiled = self.compiled(program)?;
        let mut session = self.open(&compiled, program)?;
        *session.driver() = Some((state, host));
        let mut wanted = std::mem::replace(&mut self.wanted, Shape { table_len: 0, loads: vec![] });
        wanted.clear();
        let stack_pointer = Cached::new(program.stack_pointer);
        let program = program.clone();
        let mut process =
            Outside { engine: self, compiled, program, session, wanted, stack_pointer };
        drive(&mut process);
        let Outside { mut session, wanted, .. } = process;
        self.wanted = wanted;
        let (state, _) = session.driver().take().expect(RUNNING);
        if let Some(failure) = session.failure().take() {
            return Err(failure);
        }
        self.last = Some(session);
        Ok(state)
    }
}

impl<B: Backend<S>, S> Engine<S> for Stored<B, S> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, EngineError> {
        self.try_run(program, state, host, drive)
            .map_err(|message| EngineError { engine: B::NAME, message })
    }

    fn memory(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.last.as_ref().map_or(&[], Session::memory))
    }

    fn compiled(&self) -> u64 {
        self.compiles
    }
}

/// A process while no wasm is on the stack.
struct Outside<'a, B: Backend<S>, S> {
    engine: &'a mut Stored<B, S>,
    compiled: Arc<B::Compiled>,
    program: Arc<Program>,
    /// Where memory and globals are.
    session: B::Session,
    /// The process's shape, which the session's need not be.
    wanted: Shape,
    stack_pointer: Cached,
}

/// `__stack_pointer` as VM code has it, which asks for it far more often than wasm is entered.
struct Cached {
    value: u32,
    /// What the session's global holds.
    stored: u32,
}

impl Cached {
    fn new(value: u32) -> Self {
        Self { value, stored: value }
    }
}

impl<B: Backend<S>, S> Outside<'_, B, S> {
    /// Gives the session the process's shape.
    fn settle(&mut self) -> Result<(), Trap> {
        if *self.session.shape() == self.wanted {
            return Ok(());
        }
        if let Some(kept) = self.engine.take_idle(&self.program, |shape| *shape == self.wanted) {
            self.move_into(kept);
            return Ok(());
        }
        if !self.session.shape().leads_to(&self.wanted) {
            match self.engine.backend.start(&self.compiled) {
                Ok(session) => self.move_into(session),
                Err(message) => {
                    *self.session.failure() = Some(message);
                    return Err(Trap::Unreachable);
                }
            }
        }
        self.load_for_real()
    }

    /// Goes on in another store.
    fn move_into(&mut self, session: B::Session) {
        let mut left = std::mem::replace(&mut self.session, session);
        self.session.memory_mut().copy_from_slice(left.memory());
        self.session.set_registers(left.registers());
        *self.session.driver() = left.driver().take();
        self.engine.retire(left);
    }

    /// Loads into the session what it lacks, without a change to memory:
    /// the payload was there before, and VM code may have written to it since.
    fn load_for_real(&mut self) -> Result<(), Trap> {
        let Shape { table_len, loads } = self.session.shape();
        let (missing, already) = (self.wanted.table_len - table_len, loads.len());
        self.session.enter(|process| process.table_grow(missing));
        for &load in &self.wanted.loads[already..] {
            let range = load.check(&self.program, self.wanted.table_len)?;
            let payload = self.session.memory()[range.clone()].to_vec();
            let Load { module, memory_base, table_base } = load;
            self.session.enter(|process| process.instantiate(module, memory_base, table_base))?;
            self.session.memory_mut()[range].copy_from_slice(&payload);
        }
        Ok(())
    }
}

impl<B: Backend<S>, S> Memory for Outside<'_, B, S> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        self.session.memory().read_into(address, into)
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(self.session.memory())
    }
}

impl<B: Backend<S>, S> Process<S> for Outside<'_, B, S> {
    fn state(&mut self) -> &mut S {
        &mut self.session.driver().as_mut().expect(RUNNING).0
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut S) {
        let (memory, state) = self.session.split();
        (MemoryView::Bytes(memory), state)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        write(self.session.memory_mut(), address, bytes)
    }

    fn table_len(&mut self) -> u32 {
        self.wanted.table_len
    }

    fn table_grow(&mut self, n: u32) {
        self.wanted.table_len += n;
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap> {
        let load = Load { module, memory_base, table_base };
        let range = load.check(&self.program, self.wanted.table_len)?;
        let payload = &self.program.images[usize::from(module.0)].payload;
        self.session.memory_mut()[range].copy_from_slice(payload);
        self.wanted.loads.push(load);
        Ok(())
    }

    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap> {
        self.settle()?;
        let Cached { value, stored } = self.stack_pointer;
        if value != stored {
            self.session.set_stack_pointer(value);
        }
        let outcome = self.session.enter(|process| process.call(index, arguments));
        self.stack_pointer = Cached::new(self.session.stack_pointer());
        self.wanted.set(self.session.shape());
        outcome
    }

    fn stack_pointer(&mut self) -> u32 {
        self.stack_pointer.value
    }

    fn set_stack_pointer(&mut self, value: u32) {
        self.stack_pointer.value = value;
    }
}

/// A write by VM code.
pub(super) fn write(memory: &mut [u8], address: u32, bytes: &[u8]) -> Result<(), Trap> {
    let range = memory_range(address, 0, bytes.len() as u32, memory.len())?;
    memory[range].copy_from_slice(bytes);
    Ok(())
}
