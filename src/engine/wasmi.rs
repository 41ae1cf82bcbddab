//! wasmi, the interpreter.
//!
//! Built with `portable-dispatch` and `extra-checks`: under a fuzzer's
//! instrumentation its tail-calling handlers would overflow the native stack.

use std::collections::HashMap;
use std::sync::Arc;

use wasmi::{
    AsContext, AsContextMut, Caller, Config, Engine as WasmiEngine, Extern, Func,
    FuncType as WasmFuncType, Global, Instance, Memory, Module, Mutability, Ref, Store,
    StoreContextMut, Table, TrapCode, Val, ValType as WasmValType,
};

use super::{Engine, EngineError, FUEL, Process, Trap};
use crate::abi::{FuncType, ValType};
use crate::image::encode::{encode_image, encode_runtime};
use crate::image::{ModuleId, Program};
use crate::loader::Vm;

/// Programs whose translated modules are kept.
const CACHED_PROGRAMS: usize = 64;

/// The engine, with its translated modules.
pub struct Wasmi {
    engine: WasmiEngine,
    cache: HashMap<u64, Arc<Compiled>>,
    memory: Vec<u8>,
}

struct Compiled {
    runtime: Module,
    images: Vec<Module>,
}

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

impl Default for Wasmi {
    fn default() -> Self {
        Self::new()
    }
}

impl Wasmi {
    /// A new engine.
    pub fn new() -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        Self { engine: WasmiEngine::new(&config), cache: HashMap::new(), memory: Vec::new() }
    }

    fn compiled(&mut self, program: &Program) -> Result<Arc<Compiled>, EngineError> {
        if let Some(known) = self.cache.get(&program.serial) {
            return Ok(known.clone());
        }
        let compile = |bytes: &[u8]| Module::new(&self.engine, bytes).map_err(rejected);
        let runtime = compile(&encode_runtime(program))?;
        let images = (0..program.images.len())
            .map(|i| compile(&encode_image(program, ModuleId(i as u16))))
            .collect::<Result<_, _>>()?;
        let compiled = Arc::new(Compiled { runtime, images });
        if self.cache.len() >= CACHED_PROGRAMS {
            self.cache.clear();
        }
        self.cache.insert(program.serial, compiled.clone());
        Ok(compiled)
    }
}

fn rejected(error: wasmi::Error) -> EngineError {
    EngineError { engine: "wasmi", message: error.to_string() }
}

impl Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        vm: Vm,
        drive: &mut dyn FnMut(&mut dyn Process),
    ) -> Result<Vm, EngineError> {
        let compiled = self.compiled(program)?;
        let state = State { vm: Some(vm), compiled: compiled.clone(), shared: None };
        let mut store = Store::new(&self.engine, state);
        store.set_fuel(FUEL).map_err(rejected)?;
        let host = Func::wrap(&mut store, host_import);
        let instance =
            Instance::new(&mut store, &compiled.runtime, &[host.into()]).map_err(rejected)?;
        let shared = shared(&store, &instance).ok_or_else(|| EngineError {
            engine: "wasmi",
            message: "the runtime module lacks an export".into(),
        })?;
        store.data_mut().shared = Some(shared);
        drive(&mut WasmiProcess { store: store.as_context_mut(), shared });
        self.memory.clear();
        self.memory.extend_from_slice(shared.memory.data(&store));
        let vm = store.into_data().vm;
        Ok(vm.expect("the VM is only borrowed from its store"))
    }

    fn memory(&self) -> &[u8] {
        &self.memory
    }
}

fn shared(store: &Store<State>, instance: &Instance) -> Option<Shared> {
    Some(Shared {
        memory: instance.get_memory(store, "memory")?,
        table: instance.get_table(store, "__indirect_function_table")?,
        stack_pointer: instance.get_global(store, "__stack_pointer")?,
        async_continuation: instance.get_global(store, "__async_continuation")?,
    })
}

impl wasmi::errors::HostError for Trap {}

/// The runtime module's one import: the modelled VM.
fn host_import(
    mut caller: Caller<'_, State>,
    function: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
) -> Result<u32, wasmi::Error> {
    let Some(shared) = caller.data().shared else {
        return Err(wasmi::Error::host(Trap::Unreachable));
    };
    let mut process = WasmiProcess { store: caller.as_context_mut(), shared };
    crate::loader::host_call(&mut process, function, [a, b, c, d]).map_err(wasmi::Error::host)
}

struct WasmiProcess<'a> {
    store: StoreContextMut<'a, State>,
    shared: Shared,
}

/// A trap by its code; what the host raised comes back as it was.
fn trap(error: wasmi::Error) -> Trap {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return *trap;
    }
    match error.as_trap_code() {
        Some(TrapCode::BadSignature) => Trap::SignatureMismatch,
        Some(TrapCode::IndirectCallToNull) => Trap::NullElement,
        Some(TrapCode::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(TrapCode::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(TrapCode::StackOverflow) => Trap::StackExhausted,
        Some(TrapCode::OutOfFuel) => Trap::OutOfFuel,
        _ => Trap::Unreachable,
    }
}

impl Process for WasmiProcess<'_> {
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
        let null = Ref::default_for_ty(wasmi::RefType::Func);
        let _ = self.shared.table.grow(&mut self.store, u64::from(n), null);
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: u32,
        table_base: u32,
    ) -> Result<(), Trap> {
        let compiled = self.store.data().compiled.clone();
        let module = &compiled.images[usize::from(module.0)];
        let mut base = |value: u32| {
            Global::new(&mut self.store, Val::I32(value as i32), Mutability::Const)
        };
        let (memory_base, table_base) = (base(memory_base), base(table_base));
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
        let function = function_at(&self.store, self.shared.table, index)
            .ok_or(Trap::TableOutOfBounds)?
            .ok_or(Trap::NullElement)?;
        let typed = function
            .typed::<(u32, u32, u32), ()>(&self.store)
            .map_err(|_| Trap::SignatureMismatch)?;
        typed.call(&mut self.store, (a, b, c)).map_err(trap)
    }

    fn stack_pointer(&mut self) -> u32 {
        self.shared.stack_pointer.get(&self.store).i32().unwrap_or(0) as u32
    }

    fn set_stack_pointer(&mut self, value: u32) {
        // The global is a mutable i32 of the runtime module: setting it cannot fail.
        let _ = self.shared.stack_pointer.set(&mut self.store, Val::I32(value as i32));
    }

    fn table_type(&mut self, index: u32) -> Option<Option<FuncType>> {
        let function = function_at(&self.store, self.shared.table, index)?;
        Some(function.map(|f| func_type(&f.ty(&self.store))))
    }
}

/// `None` past the end of the table, `Some(None)` for a null slot.
fn function_at(store: impl AsContext, table: Table, index: u32) -> Option<Option<Func>> {
    match table.get(&store, u64::from(index))? {
        Ref::Func(function) => Some(function.into()),
        _ => Some(None),
    }
}

fn func_type(ty: &WasmFuncType) -> FuncType {
    let val = |ty: &WasmValType| match ty {
        WasmValType::I64 => ValType::I64,
        WasmValType::F32 => ValType::F32,
        WasmValType::F64 => ValType::F64,
        WasmValType::V128 => ValType::V128,
        _ => ValType::I32,
    };
    FuncType {
        params: ty.params().iter().map(val).collect(),
        result: ty.results().first().map(val),
    }
}
