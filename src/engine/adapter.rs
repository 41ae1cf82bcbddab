//! What engines with modules and stores do alike, over what their APIs make different.
//!
//! An engine file compiles, instantiates, names its traps and says how its stores are reached
//! ([`Backend`], [`Access`]). Everything else is here: what a store holds, the host import, and
//! the process as it is while wasm is on the stack.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::load::{Load, memory_range};
use super::shape::Shape;
use super::{HostCall, MAX_REENTRIES, Memory, MemoryView, Process, Trap};
use crate::image::encode::{encode_image, encode_runtime};
use crate::image::words::{ImageBase, TableIndex};
use crate::image::{ModuleId, Program};
use crate::index::IndexVec;

/// An engine's API, so far as it differs from the others'.
pub(super) trait Backend: Sized + 'static {
    /// The runtime module, compiled.
    type Runtime<S: 'static>;
    /// An image, compiled.
    type Image: 'static;
    /// What the runtime's instance exports.
    type Exports: Copy + 'static;
    /// A function of type `(i32 i32 i32)->()`.
    type Entry: Clone + 'static;
    /// A trap, or why the engine did not do what it was asked.
    type Error: Display;
    /// A store.
    type Store<S: 'static>;
    /// A store while something is done in it.
    type Access<'a, S: 'static>: Access<Backend = Self, State = S>;

    /// Compiles a runtime module.
    fn compile<S: 'static>(&self, runtime: &[u8]) -> Result<Self::Runtime<S>, Self::Error>;

    /// A store with an instance of the runtime module, whose exports are put into the data.
    fn start<S: 'static>(&self, data: Data<Self, S>) -> Result<Self::Store<S>, Self::Error>;

    /// A store's memory.
    fn memory<S: 'static>(store: &Self::Store<S>) -> &[u8];

    /// A store's data.
    fn data<S: 'static>(store: &Self::Store<S>) -> &Data<Self, S>;

    /// A store's data.
    fn data_mut<S: 'static>(store: &mut Self::Store<S>) -> &mut Data<Self, S>;

    /// A store's memory and data.
    fn parts<S: 'static>(store: &mut Self::Store<S>) -> (&mut [u8], &mut Data<Self, S>);

    /// The whole store.
    fn enter<S: 'static>(store: &mut Self::Store<S>) -> Self::Access<'_, S>;

    /// The trap that an error is, unless it is something that must not happen.
    fn trap(error: &Self::Error) -> Option<Trap>;
}

/// A store while something is done in it.
pub(super) trait Access {
    /// Whose it is.
    type Backend: Backend;
    /// What the process's driver keeps in it.
    type State: 'static;

    /// Memory.
    fn memory(&self) -> &[u8];

    /// What the store holds besides wasm.
    fn data(&self) -> &Data<Self::Backend, Self::State>;

    /// What the store holds besides wasm.
    fn data_mut(&mut self) -> &mut Data<Self::Backend, Self::State>;

    /// Both at once.
    fn parts(&mut self) -> (&mut [u8], &mut Data<Self::Backend, Self::State>);

    /// Reads a mutable global.
    fn global(&mut self, global: Register) -> u32;

    /// Writes a mutable global.
    fn set_global(&mut self, global: Register, value: u32);

    /// What is left.
    fn fuel(&self) -> u64;

    /// Sets what is left.
    fn set_fuel(&mut self, fuel: u64);

    /// Appends null slots to the table.
    fn grow_table(&mut self, by: u32) -> Result<(), Error<Self>>;

    /// Compiles an image.
    fn compile(&self, wasm: &[u8]) -> Result<Image<Self>, Error<Self>>;

    /// Instantiates an image at these bases.
    fn instantiate(
        &mut self,
        image: &Image<Self>,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Error<Self>>;

    /// The function that an indirect call of type `(i32 i32 i32)->()` reaches, checked in wasm's
    /// order.
    fn entry(&mut self, index: TableIndex) -> Result<Entry<Self>, Trap>;

    /// Calls it.
    fn call(&mut self, entry: &Entry<Self>, arguments: [u32; 3]) -> Result<(), Error<Self>>;
}

type Error<A> = <<A as Access>::Backend as Backend>::Error;
type Image<A> = <<A as Access>::Backend as Backend>::Image;
type Entry<A> = <<A as Access>::Backend as Backend>::Entry;

/// A mutable global of the runtime module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    /// `__stack_pointer`.
    StackPointer,
    /// `__async_continuation`.
    AsyncContinuation,
}

/// What the runtime module's instance exports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exports<M, T, G> {
    /// Linear memory.
    pub memory: M,
    /// The function table.
    pub table: T,
    /// `__stack_pointer`.
    pub stack_pointer: G,
    /// `__async_continuation`.
    pub async_continuation: G,
}

impl<M, T, G: Copy> Exports<M, T, G> {
    /// A mutable global.
    pub fn global(&self, register: Register) -> G {
        match register {
            Register::StackPointer => self.stack_pointer,
            Register::AsyncContinuation => self.async_continuation,
        }
    }
}

/// A program's modules; images are compiled when they are first loaded.
pub(super) struct Compiled<B: Backend, S: 'static> {
    /// Whose modules these are.
    pub program: Arc<Program>,
    /// The runtime module.
    pub runtime: B::Runtime<S>,
    images: IndexVec<ModuleId, OnceLock<B::Image>>,
}

impl<B: Backend, S: 'static> Compiled<B, S> {
    /// Compiles a program's runtime module.
    pub fn new(backend: &B, program: &Arc<Program>) -> Result<Self, B::Error> {
        let runtime = backend.compile(&encode_runtime(program))?;
        let images = program.images.map(|_| OnceLock::new());
        Ok(Self { program: program.clone(), runtime, images })
    }

    fn image<A>(&self, store: &A, id: ModuleId) -> Result<&B::Image, B::Error>
    where
        A: Access<Backend = B, State = S>,
    {
        let cell = &self.images[id];
        if let Some(image) = cell.get() {
            return Ok(image);
        }
        let image = store.compile(&encode_image(&self.program, id))?;
        Ok(cell.get_or_init(|| image))
    }
}

/// Whoever drives a process: its state, and what it answers the host import.
pub(super) type Driver<S> = (S, HostCall<S>);

/// What a store holds besides wasm.
pub(super) struct Data<B: Backend, S: 'static> {
    /// It moves with the process: a store without one is idle.
    pub driver: Option<Driver<S>>,
    /// The modules whose instances are in the store.
    pub compiled: Arc<Compiled<B, S>>,
    /// What the runtime's instance exports; none while it is being made.
    pub exports: Option<B::Exports>,
    /// What of the store cannot be taken back.
    pub shape: Shape,
    /// What the engine said when it did something that it should not.
    pub failure: Option<B::Error>,
    /// Calls into wasm that have not returned.
    reentries: u32,
    /// What VM code has called, by table slot: only loading changes a slot.
    entries: FxHashMap<TableIndex, B::Entry>,
}

impl<B: Backend, S: 'static> Data<B, S> {
    /// Of a store in which nothing has happened.
    pub fn new(compiled: Arc<Compiled<B, S>>) -> Self {
        Self {
            driver: None,
            compiled,
            exports: None,
            shape: Shape::new(),
            failure: None,
            reentries: 0,
            entries: FxHashMap::default(),
        }
    }

    /// What the runtime's instance exports.
    pub fn exports(&self) -> &B::Exports {
        self.exports
            .as_ref()
            .expect("nothing is asked of a store before its runtime is instantiated")
    }

    /// The driver of the process that is in the store.
    pub fn driver(&mut self) -> &mut Driver<S> {
        self.driver.as_mut().expect("the driver moves with the process")
    }
}

/// The host import: asks the process's driver.
pub(super) fn answer<A: Access>(
    mut store: A,
    function: u32,
    arguments: [u32; 4],
) -> Result<u32, Trap> {
    let (_, host) = *store.data_mut().driver();
    host(&mut Inside(&mut store), function, arguments)
}

/// A process in its store; loading has its real effect.
pub(super) struct Inside<'a, A>(pub &'a mut A);

impl<A: Access> Inside<'_, A> {
    fn load(&mut self, load: Load) -> Result<(), Error<A>> {
        let compiled = self.0.data().compiled.clone();
        let image = compiled.image(self.0, load.module)?;
        self.0.instantiate(image, load.memory_base, load.table_base)?;
        let data = self.0.data_mut();
        data.shape.loads.push(load);
        data.entries.clear();
        Ok(())
    }

    /// A function that VM code calls.
    fn entry(&mut self, index: TableIndex) -> Result<Entry<A>, Trap> {
        if let Some(known) = self.0.data().entries.get(&index) {
            return Ok(known.clone());
        }
        let entry = self.0.entry(index)?;
        self.0.data_mut().entries.insert(index, entry.clone());
        Ok(entry)
    }

    /// The trap that an error stands for; anything else is a failure of the run.
    fn trap(&mut self, error: Error<A>) -> Trap {
        A::Backend::trap(&error).unwrap_or_else(|| {
            self.0.data_mut().failure = Some(error);
            Trap::Unreachable
        })
    }
}

impl<A: Access> Memory for Inside<'_, A> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        self.0.memory().read_into(address, into)
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(self.0.memory())
    }
}

impl<A: Access> Process<A::State> for Inside<'_, A> {
    fn state(&mut self) -> &mut A::State {
        &mut self.0.data_mut().driver().0
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut A::State) {
        let (memory, data) = self.0.parts();
        (MemoryView::Bytes(memory), &mut data.driver().0)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        write(self.0.parts().0, address, bytes)
    }

    fn table_len(&mut self) -> u32 {
        self.0.data().shape.table_len
    }

    fn table_grow(&mut self, n: u32) -> TableIndex {
        let outcome = self.0.grow_table(n);
        let data = self.0.data_mut();
        let first = data.shape.table_len;
        match outcome {
            Ok(()) => data.shape.table_len += n,
            Err(error) => data.failure = Some(error),
        }
        TableIndex::new(first)
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Trap> {
        let load = Load { module, memory_base, table_base };
        let data = self.0.data();
        load.check(&data.compiled.program, data.shape.table_len)?;
        self.load(load).map_err(|error| self.trap(error))
    }

    fn call(&mut self, index: TableIndex, arguments: [u32; 3]) -> Result<(), Trap> {
        let entry = self.entry(index)?;
        let data = self.0.data_mut();
        if data.reentries >= MAX_REENTRIES {
            return Err(Trap::StackExhausted);
        }
        data.reentries += 1;
        let outcome = self.0.call(&entry, arguments);
        self.0.data_mut().reentries -= 1;
        outcome.map_err(|error| self.trap(error))
    }

    fn stack_pointer(&mut self) -> u32 {
        self.0.global(Register::StackPointer)
    }

    fn set_stack_pointer(&mut self, value: u32) {
        self.0.set_global(Register::StackPointer, value);
    }
}

/// A write by VM code.
pub(super) fn write(memory: &mut [u8], address: u32, bytes: &[u8]) -> Result<(), Trap> {
    let range = memory_range(address, 0, bytes.len() as u32, memory.len())?;
    memory[range].copy_from_slice(bytes);
    Ok(())
}
