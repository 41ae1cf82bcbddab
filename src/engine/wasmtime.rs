//! The wasmtime engine: the emitted modules, compiled by Cranelift.
//!
//! The settings are those that wasmi's differential oracle uses
//! (`crates/fuzz/src/oracle/wasmtime.rs`), which are the fastest for tiny modules
//! as well: no optimisation, single-pass register allocation, no
//! backtraces, and explicit checks instead of signals, because a trap by signal costs twenty
//! times as much and trapping calls are common here. Stores are reused as
//! [`stored`](super::stored) says.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmtime::{
    AsContextMut, Caller, Config, Extern, Func, Global, GlobalType, Instance, InstancePre, Linker,
    Module, Mutability, OperatorCost, OptLevel, Ref, RegallocAlgorithm, Store, StoreContextMut,
    Table, TypedFunc, Val,
};

use rustc_hash::FxHashMap;

use super::load::Load;
use super::stored::{self, Backend, Driver, Keep, RUNNING, Registers, Session, Shape, Stored};
use super::{Engine, EngineError, HostCall, MAX_REENTRIES, Memory, MemoryView, Process, Trap};
use crate::image::encode::{
    ASYNC_CONTINUATION, HOST_IMPORT, MEMORY, STACK_POINTER, TABLE, encode_image, encode_runtime,
};
use crate::image::{ModuleId, Program};

/// Native stack for wasm and for the VM code that it calls.
const WASM_STACK: usize = 512 << 10;

/// The engine.
pub struct Wasmtime<S: 'static>(Stored<Cranelift<S>, S>);

impl<S: 'static> Wasmtime<S> {
    /// An engine that keeps modules and stores.
    pub fn new() -> Self {
        Self::with_capacity(stored::PROGRAMS)
    }

    /// The same, keeping the modules of this many programs.
    pub fn with_capacity(programs: usize) -> Self {
        Self::with(Keep::Stores, programs)
    }

    /// An engine that compiles every module in every run: the baseline of benchmarks.
    pub fn compiling_each_run() -> Self {
        Self::with(Keep::Nothing, 1)
    }

    pub(super) fn with(keep: Keep, programs: usize) -> Self {
        Self(Stored::new(Cranelift::new(), keep, programs))
    }

    /// Programs and stores that are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        self.0.kept()
    }
}

impl<S: 'static> Default for Wasmtime<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: 'static> fmt::Debug for Wasmtime<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasmtime").finish_non_exhaustive()
    }
}

impl<S: 'static> Engine<S> for Wasmtime<S> {
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

struct Cranelift<S: 'static> {
    engine: wasmtime::Engine,
    linker: Linker<State<S>>,
}

impl<S: 'static> Cranelift<S> {
    fn new() -> Self {
        let engine = wasmtime::Engine::new(&config()).expect("the settings fit together");
        let mut linker = Linker::new(&engine);
        linker.func_wrap(HOST_IMPORT.0, HOST_IMPORT.1, host).expect("the linker was empty");
        Self { engine, linker }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        .signals_based_traps(false)
        .wasm_backtrace_max_frames(None)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .consume_fuel(true)
        .operator_cost(operator_cost())
        .max_wasm_stack(WASM_STACK)
        // Memory never grows: no address space is set aside for it, and with
        // explicit checks no guard pages either.
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        // Memory is overwritten at the start of a run anyway.
        .memory_init_cow(false);
    config
}

/// Bulk instructions do not pay by the byte: that would be charged before the
/// bounds are checked, and a copy that is far too long would run out of fuel
/// where it must trap.
fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::default();
    cost.variable.memory_copy_per_byte = 0;
    cost.variable.memory_fill_per_byte = 0;
    cost
}

impl<S: 'static> Backend<S> for Cranelift<S> {
    const NAME: &'static str = "wasmtime";
    type Compiled = Compiled<S>;
    type Session = CraneliftSession<S>;

    fn compile(&self, program: &Arc<Program>) -> Result<Compiled<S>, String> {
        let module = Module::new(&self.engine, encode_runtime(program)).map_err(describe)?;
        let runtime = self.linker.instantiate_pre(&module).map_err(describe)?;
        let images = program.images.iter().map(|_| OnceLock::new()).collect();
        Ok(Compiled { program: program.clone(), runtime, images })
    }

    fn start(&self, compiled: &Arc<Compiled<S>>) -> Result<CraneliftSession<S>, String> {
        let state = State {
            driver: None,
            compiled: compiled.clone(),
            shape: Shape::new(),
            reentries: 0,
            failure: None,
            exports: None,
            entries: FxHashMap::default(),
        };
        let mut store = Store::new(&self.engine, state);
        // Instantiation takes a little fuel as well.
        store.set_fuel(super::FUEL).map_err(describe)?;
        let instance = compiled.runtime.instantiate(&mut store).map_err(describe)?;
        let exports = Exports::of(&instance, &mut store).ok_or("an export is missing")?;
        store.data_mut().exports = Some(exports);
        Ok(CraneliftSession { store, exports })
    }
}

fn describe(error: wasmtime::Error) -> String {
    format!("{error:#}")
}

/// A program's modules; images are compiled when they are first loaded.
struct Compiled<S: 'static> {
    program: Arc<Program>,
    runtime: InstancePre<State<S>>,
    images: Vec<OnceLock<Module>>,
}

impl<S: 'static> Compiled<S> {
    fn image(&self, engine: &wasmtime::Engine, id: ModuleId) -> wasmtime::Result<&Module> {
        let cell = &self.images[usize::from(id.0)];
        if let Some(module) = cell.get() {
            return Ok(module);
        }
        let module = Module::new(engine, encode_image(&self.program, id))?;
        Ok(cell.get_or_init(|| module))
    }
}

/// What a store holds besides wasm.
struct State<S: 'static> {
    driver: Driver<S>,
    compiled: Arc<Compiled<S>>,
    shape: Shape,
    /// Calls into wasm that have not returned.
    reentries: u32,
    failure: Option<String>,
    /// `None` only while the runtime module is instantiated.
    exports: Option<Exports>,
    /// What VM code has called, by table slot: only loading changes a slot.
    entries: FxHashMap<u32, Arc<Entry>>,
}

/// What VM code calls: `(i32 i32 i32)->()`.
type Entry = TypedFunc<(u32, u32, u32), ()>;

/// What the runtime module owns.
#[derive(Clone, Copy)]
struct Exports {
    memory: wasmtime::Memory,
    table: Table,
    stack_pointer: Global,
    async_continuation: Global,
}

impl Exports {
    fn of<S: 'static>(instance: &Instance, store: &mut Store<State<S>>) -> Option<Self> {
        Some(Self {
            memory: instance.get_memory(&mut *store, MEMORY)?,
            table: instance.get_table(&mut *store, TABLE)?,
            stack_pointer: instance.get_global(&mut *store, STACK_POINTER)?,
            async_continuation: instance.get_global(&mut *store, ASYNC_CONTINUATION)?,
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
) -> wasmtime::Result<u32> {
    let State { driver, exports, .. } = caller.data();
    let (_, host) = driver.as_ref().expect(RUNNING);
    let (host, exports) = (*host, *exports);
    let exports = exports.expect("no function runs before the runtime module is instantiated");
    let mut inside = Inside { context: caller.as_context_mut(), exports };
    host(&mut inside, function, [a, b, c, d]).map_err(wasmtime::Error::new)
}

struct CraneliftSession<S: 'static> {
    store: Store<State<S>>,
    exports: Exports,
}

impl<S: 'static> Session<S> for CraneliftSession<S> {
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
            async_continuation: get(self.exports.async_continuation, &mut self.store),
            fuel: self.store.get_fuel().expect("fuel is on"),
        }
    }

    fn set_registers(&mut self, registers: Registers) {
        self.set_stack_pointer(registers.stack_pointer);
        set(self.exports.async_continuation, &mut self.store, registers.async_continuation);
        self.store.set_fuel(registers.fuel).expect("fuel is on");
    }

    fn stack_pointer(&mut self) -> u32 {
        get(self.exports.stack_pointer, &mut self.store)
    }

    fn set_stack_pointer(&mut self, value: u32) {
        set(self.exports.stack_pointer, &mut self.store, value);
    }

    fn enter<R>(&mut self, work: impl FnOnce(&mut dyn Process<S>) -> R) -> R {
        work(&mut Inside { context: self.store.as_context_mut(), exports: self.exports })
    }
}

fn get(global: Global, context: impl AsContextMut) -> u32 {
    global.get(context).unwrap_i32() as u32
}

fn set(global: Global, context: impl AsContextMut, value: u32) {
    global.set(context, Val::I32(value as i32)).expect("a mutable i32");
}

/// Memory and the driver's state.
fn split<'a, S: 'static>(
    memory: wasmtime::Memory,
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
    fn function(&mut self, index: u32) -> Result<Func, Trap> {
        match self.exports.table.get(&mut self.context, index.into()) {
            None => Err(Trap::TableOutOfBounds),
            Some(Ref::Func(Some(function))) => Ok(function),
            Some(_) => Err(Trap::NullElement),
        }
    }

    fn load(&mut self, load: Load) -> wasmtime::Result<()> {
        let constant = GlobalType::new(wasmtime::ValType::I32, Mutability::Const);
        let base = |context: &mut StoreContextMut<'_, State<S>>, value: u32| {
            Global::new(context, constant.clone(), Val::I32(value as i32))
        };
        let memory_base = base(&mut self.context, load.memory_base)?;
        let table_base = base(&mut self.context, load.table_base)?;
        let imports: [Extern; 6] = [
            self.exports.stack_pointer.into(),
            memory_base.into(),
            table_base.into(),
            self.exports.async_continuation.into(),
            self.exports.table.into(),
            self.exports.memory.into(),
        ];
        let compiled = self.context.data().compiled.clone();
        let module = compiled.image(self.context.engine(), load.module)?;
        Instance::new(&mut self.context, module, &imports)?;
        let state = self.context.data_mut();
        state.shape.loads.push(load);
        state.entries.clear();
        Ok(())
    }

    /// A function that VM code calls.
    fn entry(&mut self, index: u32) -> Result<Arc<Entry>, Trap> {
        if let Some(known) = self.context.data().entries.get(&index) {
            return Ok(known.clone());
        }
        let function = self.function(index)?;
        let typed = function.typed(&self.context).map_err(|_| Trap::SignatureMismatch)?;
        let typed = Arc::new(typed);
        self.context.data_mut().entries.insert(index, typed.clone());
        Ok(typed)
    }

    /// The trap that an error stands for; anything else is a failure of the run.
    fn trap(&mut self, error: wasmtime::Error) -> Trap {
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return *trap;
        }
        let trap = error.downcast_ref::<wasmtime::Trap>().copied();
        trap.and_then(trap_of).unwrap_or_else(|| {
            self.context.data_mut().failure = Some(describe(error));
            Trap::Unreachable
        })
    }
}

fn trap_of(trap: wasmtime::Trap) -> Option<Trap> {
    Some(match trap {
        wasmtime::Trap::BadSignature => Trap::SignatureMismatch,
        wasmtime::Trap::IndirectCallToNull => Trap::NullElement,
        wasmtime::Trap::TableOutOfBounds => Trap::TableOutOfBounds,
        wasmtime::Trap::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        wasmtime::Trap::UnreachableCodeReached => Trap::Unreachable,
        wasmtime::Trap::StackOverflow => Trap::StackExhausted,
        wasmtime::Trap::OutOfFuel => Trap::OutOfFuel,
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
        match self.exports.table.grow(&mut self.context, n.into(), Ref::Func(None)) {
            Ok(_) => self.context.data_mut().shape.table_len += n,
            Err(error) => self.context.data_mut().failure = Some(describe(error)),
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
        get(self.exports.stack_pointer, &mut self.context)
    }

    fn set_stack_pointer(&mut self, value: u32) {
        set(self.exports.stack_pointer, &mut self.context, value);
    }
}
