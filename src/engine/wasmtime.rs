//! wasmtime with Cranelift.
//!
//! Settings for many small runs: no optimisation, single-pass register
//! allocation, no backtraces, and explicit trap checks instead of signals: a
//! call that traps is ordinary here, and costs twenty times less that way.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::{
    AsContextMut, Caller, Config, Engine as WasmtimeEngine, Extern, Func, FuncType as WasmFuncType,
    Global, GlobalType, Instance, Memory, Module, Mutability, OptLevel, Ref,
    RegallocAlgorithm, Store, StoreContextMut, Table, Val, ValType as WasmValType,
};

use super::{Engine, EngineError, FUEL, Process, Trap};
use crate::abi::{FuncType, ValType};
use crate::image::encode::{encode_image, encode_runtime};
use crate::image::{ModuleId, Program};
use crate::loader::Vm;

/// Programs whose compiled modules are kept.
const CACHED_PROGRAMS: usize = 64;
/// Bytes of wasm stack.
const MAX_STACK: usize = 512 * 1024;

/// The engine, with its compiled modules.
pub struct Wasmtime {
    engine: WasmtimeEngine,
    cache: Option<HashMap<u64, Arc<Compiled>>>,
    memory: Vec<u8>,
}

struct Compiled {
    runtime: Module,
    images: Vec<Module>,
}

/// What a store holds: the VM, and the instances' shared parts.
struct State {
    vm: Option<Vm>,
    compiled: Arc<Compiled>,
    shared: Option<Shared>,
}

#[derive(Clone, Copy)]
struct Shared {
    memory: Memory,
    table: Table,
    stack_pointer: Global,
    async_continuation: Global,
}

impl Default for Wasmtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Wasmtime {
    /// A new engine that keeps compiled modules.
    pub fn new() -> Self {
        let mut config = Config::new();
        config
            .cranelift_opt_level(OptLevel::None)
            .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
            .signals_based_traps(false)
            .consume_fuel(true)
            .max_wasm_stack(MAX_STACK)
            .wasm_relaxed_simd(false)
            .memory_reservation(0)
            .memory_reservation_for_growth(0)
            .memory_guard_size(0);
        let engine = WasmtimeEngine::new(&config)
            .expect("the settings are constant and every supported host accepts them");
        Self { engine, cache: Some(HashMap::new()), memory: Vec::new() }
    }

    /// A new engine that compiles for each run: what a harness without a
    /// module cache costs, for the benchmark.
    pub fn compiling_each_run() -> Self {
        Self { cache: None, ..Self::new() }
    }

    fn compiled(&mut self, program: &Program) -> Result<Arc<Compiled>, EngineError> {
        if let Some(known) = self.cache.as_ref().and_then(|c| c.get(&program.serial)) {
            return Ok(known.clone());
        }
        let compile = |bytes: &[u8]| Module::new(&self.engine, bytes).map_err(rejected);
        let runtime = compile(&encode_runtime(program))?;
        let images = (0..program.images.len())
            .map(|i| compile(&encode_image(program, ModuleId(i as u16))))
            .collect::<Result<_, _>>()?;
        let compiled = Arc::new(Compiled { runtime, images });
        if let Some(cache) = &mut self.cache {
            if cache.len() >= CACHED_PROGRAMS {
                cache.clear();
            }
            cache.insert(program.serial, compiled.clone());
        }
        Ok(compiled)
    }
}

fn rejected(error: wasmtime::Error) -> EngineError {
    EngineError { engine: "wasmtime", message: format!("{error:#}") }
}

impl Engine for Wasmtime {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        vm: Vm,
        drive: &mut dyn FnMut(&mut dyn Process),
    ) -> Result<Vm, EngineError> {
        let compiled = self.compiled(program)?;
        let state =
            State { vm: Some(vm), compiled: compiled.clone(), shared: None };
        let mut store = Store::new(&self.engine, state);
        store.set_fuel(FUEL).map_err(rejected)?;
        let host = Func::wrap(&mut store, host_import);
        let instance =
            Instance::new(&mut store, &compiled.runtime, &[host.into()]).map_err(rejected)?;
        let shared = shared(&mut store, &instance).ok_or_else(|| EngineError {
            engine: "wasmtime",
            message: "the runtime module lacks an export".into(),
        })?;
        store.data_mut().shared = Some(shared);
        drive(&mut WasmtimeProcess { store: store.as_context_mut(), shared });
        self.memory.clear();
        self.memory.extend_from_slice(shared.memory.data(&store));
        let vm = store.into_data().vm;
        Ok(vm.expect("the VM is only borrowed from its store"))
    }

    fn memory(&self) -> &[u8] {
        &self.memory
    }
}

fn shared(store: &mut Store<State>, instance: &Instance) -> Option<Shared> {
    Some(Shared {
        memory: instance.get_memory(&mut *store, "memory")?,
        table: instance.get_table(&mut *store, "__indirect_function_table")?,
        stack_pointer: instance.get_global(&mut *store, "__stack_pointer")?,
        async_continuation: instance.get_global(&mut *store, "__async_continuation")?,
    })
}

/// The runtime module's one import: the modelled VM.
fn host_import(
    mut caller: Caller<'_, State>,
    function: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
) -> wasmtime::Result<u32> {
    let Some(shared) = caller.data().shared else {
        return Err(wasmtime::Error::new(Trap::Unreachable));
    };
    let mut process = WasmtimeProcess { store: caller.as_context_mut(), shared };
    crate::loader::host_call(&mut process, function, [a, b, c, d]).map_err(wasmtime::Error::new)
}

struct WasmtimeProcess<'a> {
    store: StoreContextMut<'a, State>,
    shared: Shared,
}

/// A trap by its code; what the host raised comes back as it was.
fn trap(error: wasmtime::Error) -> Trap {
    use wasmtime::Trap as Code;
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return *trap;
    }
    match error.downcast_ref::<Code>() {
        Some(Code::BadSignature) => Trap::SignatureMismatch,
        Some(Code::IndirectCallToNull) => Trap::NullElement,
        Some(Code::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(Code::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(Code::StackOverflow) => Trap::StackExhausted,
        Some(Code::OutOfFuel) => Trap::OutOfFuel,
        _ => Trap::Unreachable,
    }
}

impl Process for WasmtimeProcess<'_> {
    fn vm(&mut self) -> &mut Vm {
        self.store.data_mut().vm.as_mut().expect("the VM is in its store while a run lasts")
    }

    fn read(&mut self, address: u32, len: u32) -> Result<&[u8], Trap> {
        let (start, len) = (address as usize, len as usize);
        let bytes = self.shared.memory.data(&self.store).get(start..start + len);
        bytes.ok_or(Trap::MemoryOutOfBounds)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        let start = address as usize;
        let target = self.shared.memory.data_mut(&mut self.store).get_mut(start..start + bytes.len());
        target.ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(bytes);
        Ok(())
    }

    fn table_len(&mut self) -> u32 {
        self.shared.table.size(&self.store) as u32
    }

    fn table_grow(&mut self, n: u32) {
        // The table has no maximum and an image is small: growing cannot fail.
        let _ = self.shared.table.grow(&mut self.store, u64::from(n), Ref::Func(None));
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap> {
        let compiled = self.store.data().compiled.clone();
        let module = &compiled.images[usize::from(module.0)];
        let constant = GlobalType::new(WasmValType::I32, Mutability::Const);
        let mut base = |value: u32| {
            Global::new(&mut self.store, constant.clone(), Val::I32(value as i32)).map_err(trap)
        };
        let (memory_base, table_base) = (base(memory_base)?, base(table_base)?);
        let imports: [Extern; 6] = [
            self.shared.stack_pointer.into(),
            memory_base.into(),
            table_base.into(),
            self.shared.async_continuation.into(),
            self.shared.table.into(),
            self.shared.memory.into(),
        ];
        Instance::new(&mut self.store, module, &imports).map(drop).map_err(trap)
    }

    fn call(&mut self, index: u32, arguments: [u32; 3]) -> Result<(), Trap> {
        let [a, b, c] = arguments;
        let slot = self.shared.table.get(&mut self.store, u64::from(index));
        let function = match slot {
            None => return Err(Trap::TableOutOfBounds),
            Some(Ref::Func(Some(function))) => function,
            Some(_) => return Err(Trap::NullElement),
        };
        let typed = function
            .typed::<(u32, u32, u32), ()>(&self.store)
            .map_err(|_| Trap::SignatureMismatch)?;
        typed.call(&mut self.store, (a, b, c)).map_err(trap)
    }

    fn stack_pointer(&mut self) -> u32 {
        self.shared.stack_pointer.get(&mut self.store).i32().unwrap_or(0) as u32
    }

    fn set_stack_pointer(&mut self, value: u32) {
        // The global is a mutable i32 of the runtime module: setting it cannot fail.
        let _ = self.shared.stack_pointer.set(&mut self.store, Val::I32(value as i32));
    }

    fn table_type(&mut self, index: u32) -> Option<Option<FuncType>> {
        match self.shared.table.get(&mut self.store, u64::from(index))? {
            Ref::Func(Some(function)) => Some(Some(func_type(&function.ty(&self.store)))),
            _ => Some(None),
        }
    }
}

fn func_type(ty: &WasmFuncType) -> FuncType {
    let val = |ty: WasmValType| match ty {
        WasmValType::I64 => ValType::I64,
        WasmValType::F32 => ValType::F32,
        WasmValType::F64 => ValType::F64,
        WasmValType::V128 => ValType::V128,
        _ => ValType::I32,
    };
    FuncType { params: ty.params().map(val).collect(), result: ty.results().next().map(val) }
}
