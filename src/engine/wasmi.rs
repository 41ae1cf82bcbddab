//! The wasmi engine: the emitted modules, interpreted.
//!
//! Compiling costs little here, so this is the wasm engine for layouts that are
//! seen once. It is built with `portable-dispatch` and `extra-checks`: under
//! coverage instrumentation its default dispatch keeps native frames and overflows the stack. Stores are
//! reused as [`stored`](super::stored) says.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmi::errors::HostError;
use wasmi::{
    AsContext, AsContextMut, Caller, Config, Extern, Func, Global, Instance, Module, Mutability,
    Nullable, Ref, Store, StoreContextMut, Table, TrapCode, TypedFunc, Val,
};

use rustc_hash::FxHashMap;

use super::load::Load;
use super::stored::{self, Backend, Driver, Keep, RUNNING, Registers, Session, Shape, Stored};
use super::{
    Engine, EngineError, HostCall, MAX_CALLS, MAX_REENTRIES, Memory, MemoryView, Process, Trap,
};
use crate::image::encode::{
    ASYNC_CONTINUATION, MEMORY, STACK_POINTER, TABLE, encode_image, encode_runtime,
};
use crate::image::{ModuleId, Program};

/// Bytes of the interpreter's own value stack, for each time that it is entered.
const VALUE_STACK: usize = 256 << 10;

/// The engine.
pub struct Wasmi<S: 'static>(Stored<Interpreter, S>);

impl<S: 'static> Wasmi<S> {
    /// An engine that keeps modules and stores.
    pub fn new() -> Self {
        Self::with_capacity(stored::PROGRAMS)
    }

    /// The same, keeping the modules of this many programs.
    pub fn with_capacity(programs: usize) -> Self {
        Self::with(Keep::Stores, programs)
    }

    pub(super) fn with(keep: Keep, programs: usize) -> Self {
        Self(Stored::new(Interpreter, keep, programs))
    }

    /// Programs and stores that are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        self.0.kept()
    }
}

impl<S: 'static> Default for Wasmi<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: 'static> fmt::Debug for Wasmi<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasmi").finish_non_exhaustive()
    }
}

impl<S: 'static> Engine<S> for Wasmi<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        state: S,
        host: HostCall<S>,
        drive: &mut dyn FnMut(&mut dyn Process<S>),
    ) -> Result<S, EngineError> {
        self.0.run(program, state, host, drive)
    }

    fn memory(&self) -> Cow<'_, [u8]> {
        self.0.memory()
    }

    fn compiled(&self) -> u64 {
        self.0.compiled()
    }
}

/// Every program has a wasmi engine of its own: one never gives back the code that it has compiled.
struct Interpreter;

fn config() -> Config {
    let mut config = Config::default();
    config
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .consume_fuel(true)
        .set_max_recursion_depth(MAX_CALLS)
        .set_max_stack_height(VALUE_STACK)
        // Each entry from VM code takes one.
        .set_max_cached_stacks(8);
    config
}

/// An error of the VM's passes through wasmi's frames unchanged.
impl HostError for Trap {}

impl<S: 'static> Backend<S> for Interpreter {
    const NAME: &'static str = "wasmi";
    type Compiled = Compiled;
    type Session = InterpreterSession<S>;

    fn compile(&self, program: &Arc<Program>) -> Result<Compiled, String> {
        let engine = wasmi::Engine::new(&config());
        let runtime = Module::new(&engine, encode_runtime(program)).map_err(describe)?;
        let images = program.images.iter().map(|_| OnceLock::new()).collect();
        Ok(Compiled { program: program.clone(), runtime, images })
    }

    fn start(&self, compiled: &Arc<Compiled>) -> Result<InterpreterSession<S>, String> {
        let state = State {
            driver: None,
            compiled: compiled.clone(),
            shape: Shape::new(),
            reentries: 0,
            failure: None,
            exports: None,
            entries: FxHashMap::default(),
        };
        let mut store = Store::new(compiled.runtime.engine(), state);
        // Instantiation takes a little fuel as well.
        store.set_fuel(super::FUEL).map_err(describe)?;
        let import = Func::wrap(&mut store, self::host);
        let instance =
            Instance::new(&mut store, &compiled.runtime, &[import.into()]).map_err(describe)?;
        let exports = Exports::of(&instance, &store).ok_or("an export is missing")?;
        store.data_mut().exports = Some(exports);
        Ok(InterpreterSession { store, exports })
    }
}

fn describe(error: wasmi::Error) -> String {
    error.to_string()
}

/// A program's modules; images are compiled when they are first loaded.
struct Compiled {
    program: Arc<Program>,
    runtime: Module,
    images: Vec<OnceLock<Module>>,
}

impl Compiled {
    fn image(&self, engine: &wasmi::Engine, id: ModuleId) -> Result<&Module, wasmi::Error> {
        let cell = &self.images[usize::from(id.0)];
        if let Some(module) = cell.get() {
            return Ok(module);
        }
        let module = Module::new(engine, encode_image(&self.program, id))?;
        Ok(cell.get_or_init(|| module))
    }
}

/// A function that VM code calls.
type Entry = TypedFunc<(u32, u32, u32), ()>;

/// What a store holds besides wasm.
struct State<S: 'static> {
    driver: Driver<S>,
    compiled: Arc<Compiled>,
    shape: Shape,
    /// Calls into wasm that have not returned.
    reentries: u32,
    failure: Option<String>,
    /// `None` only while the runtime module is instantiated.
    exports: Option<Exports>,
    /// What VM code has called, by table slot: only loading changes a slot.
    entries: FxHashMap<u32, Entry>,
}

/// What the runtime module owns.
#[derive(Clone, Copy)]
struct Exports {
    memory: wasmi::Memory,
    table: Table,
    stack_pointer: Global,
    async_continuation: Global,
}

impl Exports {
    fn of<S: 'static>(instance: &Instance, store: &Store<State<S>>) -> Option<Self> {
        Some(Self {
            memory: instance.get_memory(store, MEMORY)?,
            table: instance.get_table(store, TABLE)?,
            stack_pointer: instance.get_global(store, STACK_POINTER)?,
            async_continuation: instance.get_global(store, ASYNC_CONTINUATION)?,
        })
    }
}

/// The host import.
fn host<S: 'static>(
    mut caller: Caller<'_, State<S>>,
    function: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
) -> Result<u32, wasmi::Error> {
    let State { driver, exports, .. } = caller.data();
    let (_, host) = driver.as_ref().expect(RUNNING);
    let (host, exports) = (*host, *exports);
    let exports = exports.expect("no function runs before the runtime module is instantiated");
    let mut inside = Inside { context: caller.as_context_mut(), exports };
    host(&mut inside, function, [a, b, c, d]).map_err(wasmi::Error::host)
}

struct InterpreterSession<S: 'static> {
    store: Store<State<S>>,
    exports: Exports,
}

impl<S: 'static> Session<S> for InterpreterSession<S> {
    fn program(&self) -> &Arc<Program> {
        &self.store.data().compiled.program
    }

    fn shape(&self) -> &Shape {
        &self.store.data().shape
    }

    fn memory(&self) -> &[u8] {
        self.exports.memory.data(&self.store)
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        self.exports.memory.data_mut(&mut self.store)
    }

    fn driver(&mut self) -> &mut Driver<S> {
        &mut self.store.data_mut().driver
    }

    fn split(&mut self) -> (&[u8], &mut S) {
        split(self.exports.memory, &mut self.store)
    }

    fn failure(&mut self) -> &mut Option<String> {
        &mut self.store.data_mut().failure
    }

    fn registers(&mut self) -> Registers {
        Registers {
            stack_pointer: self.stack_pointer(),
            async_continuation: get(self.exports.async_continuation, &self.store),
            fuel: self.store.get_fuel().expect("fuel is on"),
        }
    }

    fn set_registers(&mut self, registers: Registers) {
        self.set_stack_pointer(registers.stack_pointer);
        set(self.exports.async_continuation, &mut self.store, registers.async_continuation);
        self.store.set_fuel(registers.fuel).expect("fuel is on");
    }

    fn stack_pointer(&mut self) -> u32 {
        get(self.exports.stack_pointer, &self.store)
    }

    fn set_stack_pointer(&mut self, value: u32) {
        set(self.exports.stack_pointer, &mut self.store, value);
    }

    fn enter<R>(&mut self, work: impl FnOnce(&mut dyn Process<S>) -> R) -> R {
        work(&mut Inside { context: self.store.as_context_mut(), exports: self.exports })
    }
}

fn get(global: Global, context: impl AsContext) -> u32 {
    match global.get(context) {
        Val::I32(value) => value as u32,
        other => unreachable!("{other:?} in an i32 global"),
    }
}

fn set(global: Global, context: impl AsContextMut, value: u32) {
    global.set(context, Val::I32(value as i32)).expect("a mutable i32");
}

/// Memory and the driver's state.
fn split<'a, S: 'static>(
    memory: wasmi::Memory,
    context: impl Into<StoreContextMut<'a, State<S>>>,
) -> (&'a [u8], &'a mut S) {
    let (bytes, state) = memory.data_and_store_mut(context);
    (bytes, &mut state.driver.as_mut().expect(RUNNING).0)
}

/// A process in its store.
struct Inside<'a, S: 'static> {
    context: StoreContextMut<'a, State<S>>,
    exports: Exports,
}

impl<S: 'static> Inside<'_, S> {
    /// The function that an indirect call reaches, checked in wasm's order.
    fn function(&self, index: u32) -> Result<Func, Trap> {
        match self.exports.table.get(&self.context, index.into()) {
            None => Err(Trap::TableOutOfBounds),
            Some(Ref::Func(Nullable::Val(function))) => Ok(function),
            Some(_) => Err(Trap::NullElement),
        }
    }

    fn load(&mut self, load: Load) -> Result<(), wasmi::Error> {
        let mut base =
            |value: u32| Global::new(&mut self.context, Val::I32(value as i32), Mutability::Const);
        let (memory_base, table_base) = (base(load.memory_base), base(load.table_base));
        let compiled = self.context.data().compiled.clone();
        let module = compiled.image(self.context.engine(), load.module)?;
        // By kind, which is the order that wasmi wants, and not the module's.
        let imports: [Extern; 6] = [
            self.exports.table.into(),
            self.exports.memory.into(),
            self.exports.stack_pointer.into(),
            memory_base.into(),
            table_base.into(),
            self.exports.async_continuation.into(),
        ];
        Instance::new(&mut self.context, module, &imports)?;
        let state = self.context.data_mut();
        state.shape.loads.push(load);
        state.entries.clear();
        Ok(())
    }

    /// A function that VM code calls.
    fn entry(&mut self, index: u32) -> Result<Entry, Trap> {
        if let Some(known) = self.context.data().entries.get(&index) {
            return Ok(*known);
        }
        let function = self.function(index)?;
        let typed = function.typed(&self.context).map_err(|_| Trap::SignatureMismatch)?;
        self.context.data_mut().entries.insert(index, typed);
        Ok(typed)
    }

    /// The trap that an error stands for; anything else is a failure of the run.
    fn trap(&mut self, error: wasmi::Error) -> Trap {
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return *trap;
        }
        let trap = error.as_trap_code();
        trap.and_then(trap_of).unwrap_or_else(|| {
            self.context.data_mut().failure = Some(describe(error));
            Trap::Unreachable
        })
    }
}

fn trap_of(code: TrapCode) -> Option<Trap> {
    Some(match code {
        TrapCode::BadSignature => Trap::SignatureMismatch,
        TrapCode::IndirectCallToNull => Trap::NullElement,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::UnreachableCodeReached => Trap::Unreachable,
        TrapCode::StackOverflow => Trap::StackExhausted,
        TrapCode::OutOfFuel => Trap::OutOfFuel,
        _ => return None,
    })
}

impl<S: 'static> Memory for Inside<'_, S> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        self.exports.memory.data(&self.context).read_into(address, into)
    }

    #[inline]
    fn as_slice(&self) -> Option<&[u8]> {
        Some(self.exports.memory.data(&self.context))
    }
}

impl<S: 'static> Process<S> for Inside<'_, S> {
    fn state(&mut self) -> &mut S {
        &mut self.context.data_mut().driver.as_mut().expect(RUNNING).0
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut S) {
        let (memory, state) = split(self.exports.memory, &mut self.context);
        (MemoryView::Bytes(memory), state)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        stored::write(self.exports.memory.data_mut(&mut self.context), address, bytes)
    }

    fn table_len(&mut self) -> u32 {
        self.context.data().shape.table_len
    }

    fn table_grow(&mut self, n: u32) {
        match self.exports.table.grow(&mut self.context, n.into(), Ref::Func(Nullable::Null)) {
            Ok(_) => self.context.data_mut().shape.table_len += n,
            Err(error) => self.context.data_mut().failure = Some(error.to_string()),
        }
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap> {
        let load = Load { module, memory_base, table_base };
        let State { compiled, shape, .. } = self.context.data();
        load.check(&compiled.program, shape.table_len)?;
        self.load(load).map_err(|error| self.trap(error))
    }

    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap> {
        let function = self.entry(index)?;
        let [a, b, c] = arguments;
        if self.context.data().reentries >= MAX_REENTRIES {
            return Err(Trap::StackExhausted);
        }
        self.context.data_mut().reentries += 1;
        let outcome = function.call(&mut self.context, (a, b, c));
        self.context.data_mut().reentries -= 1;
        outcome.map_err(|error| self.trap(error))
    }

    fn stack_pointer(&mut self) -> u32 {
        get(self.exports.stack_pointer, &self.context)
    }

    fn set_stack_pointer(&mut self, value: u32) {
        set(self.exports.stack_pointer, &mut self.context, value);
    }
}
