//! The machine on wasmtime, with the settings of Calliper's engine.

use calliper::inside::{FuncType, HOST_IMPORT, MEMORY, TABLE, TableIndex, ValType};
use wasmtime::{
    Config, Engine, Func, Instance, Memory, Module, OptLevel, Ref, RegallocAlgorithm, Store, Table,
    Trap, Val,
};

use super::machine::{Ending, Machine, Stop, Value};

/// A store with the operands that were seen last.
pub(super) struct Wasmtime {
    store: Store<Vec<Value>>,
    memory: Memory,
    table: Table,
    slot: TableIndex,
    direct: Instance,
    indirect: Instance,
}

thread_local! {
    static ENGINE: Engine = Engine::new(&config()).expect("the settings fit together");
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        .signals_based_traps(false)
        .wasm_backtrace_max_frames(None)
        .memory_reservation(0)
        .memory_guard_size(0)
        .memory_init_cow(false);
    config
}

impl Wasmtime {
    /// Instances of both modules, or why the bodies have none.
    pub fn new(harness: &[u8], bodies: &[u8]) -> Result<Self, Stop> {
        ENGINE.with(|engine| {
            let mut store = Store::new(engine, Vec::new());
            let harness = Module::new(engine, harness).expect("emitted modules are valid");
            let bodies = Module::new(engine, bodies).expect("generated modules are valid");
            let host = Func::wrap(&mut store, |_: u32, _: u32, _: u32, _: u32, _: u32| 0u32);
            let direct = Instance::new(&mut store, &bodies, &[]).map_err(stop)?;
            let indirect = Instance::new(&mut store, &bodies, &[]).map_err(stop)?;
            let harness = Instance::new(&mut store, &harness, &[host.into()])
                .unwrap_or_else(|error| panic!("{HOST_IMPORT:?}: {error}"));
            let memory = harness.get_memory(&mut store, MEMORY).expect("it is exported");
            let table = harness.get_table(&mut store, TABLE).expect("it is exported");
            let slot = table.grow(&mut store, 1, Ref::Func(None)).expect("one more slot");
            Ok(Self { store, memory, table, slot: TableIndex::new(slot as u32), direct, indirect })
        })
    }

    fn call(&mut self, function: Func, operands: &[Val], ty: Option<ValType>) -> Ending {
        let mut results: Vec<Val> = ty.into_iter().map(zero).collect();
        function.call(&mut self.store, operands, &mut results).map_err(stop)?;
        Ok(results.first().map(value))
    }

    fn enter(&mut self, callee: Func, caller: TableIndex, arguments: [u32; 3]) -> Result<(), Stop> {
        let slot = u64::from(self.slot.get());
        self.table.set(&mut self.store, slot, Ref::Func(Some(callee))).expect("a slot");
        let Some(Ref::Func(Some(caller))) = self.table.get(&mut self.store, caller.get().into())
        else {
            return Err(Stop::NullElement);
        };
        self.call(caller, &arguments.map(|word| Val::I32(word as i32)), None).map(|_| ())
    }
}

impl Machine for Wasmtime {
    fn slot(&mut self) -> TableIndex {
        self.slot
    }

    fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    fn operands(&mut self, caller: TableIndex, arguments: [u32; 3], ty: &FuncType) -> Vec<Value> {
        let (params, result) = (ty.params.iter().map(|&ty| val_type(ty)), ty.result);
        let engine = self.store.engine().clone();
        let ty = wasmtime::FuncType::new(&engine, params, result.map(val_type));
        let recorder = Func::new(&mut self.store, ty, move |mut caller, params, results| {
            *caller.data_mut() = params.iter().map(value).collect();
            results.iter_mut().zip(result).for_each(|(slot, ty)| *slot = zero(ty));
            Ok(())
        });
        self.enter(recorder, caller, arguments).expect("the callee is of the caller's type");
        std::mem::take(self.store.data_mut())
    }

    fn direct(&mut self, body: &str, operands: &[Value], ty: &FuncType) -> Ending {
        let body = self.direct.get_func(&mut self.store, body).expect("it is exported");
        let operands: Vec<Val> = operands.iter().copied().map(val).collect();
        self.call(body, &operands, ty.result)
    }

    fn through(&mut self, body: &str, caller: TableIndex, arguments: [u32; 3]) -> Result<(), Stop> {
        let body = self.indirect.get_func(&mut self.store, body).expect("it is exported");
        self.enter(body, caller, arguments)
    }
}

fn val_type(ty: ValType) -> wasmtime::ValType {
    match ty {
        ValType::I32 => wasmtime::ValType::I32,
        ValType::I64 => wasmtime::ValType::I64,
        ValType::F32 => wasmtime::ValType::F32,
        ValType::F64 => wasmtime::ValType::F64,
        ValType::V128 => wasmtime::ValType::V128,
    }
}

fn zero(ty: ValType) -> Val {
    val(Value { ty, bits: 0 })
}

fn val(Value { ty, bits }: Value) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits as u64),
        ValType::V128 => Val::V128(bits.into()),
    }
}

fn value(val: &Val) -> Value {
    let (ty, bits) = match *val {
        Val::I32(value) => (ValType::I32, (value as u32).into()),
        Val::I64(value) => (ValType::I64, (value as u64).into()),
        Val::F32(bits) => (ValType::F32, bits.into()),
        Val::F64(bits) => (ValType::F64, bits.into()),
        Val::V128(value) => (ValType::V128, value.as_u128()),
        ref other => unreachable!("{other:?} in a lowered signature"),
    };
    Value { ty, bits }
}

fn stop(error: wasmtime::Error) -> Stop {
    match error.downcast_ref::<Trap>() {
        Some(Trap::BadSignature) => Stop::SignatureMismatch,
        Some(Trap::IndirectCallToNull) => Stop::NullElement,
        Some(Trap::TableOutOfBounds) => Stop::TableOutOfBounds,
        Some(Trap::MemoryOutOfBounds) => Stop::MemoryOutOfBounds,
        Some(Trap::UnreachableCodeReached) => Stop::Unreachable,
        Some(Trap::IntegerDivisionByZero) => Stop::DivisionByZero,
        Some(Trap::IntegerOverflow) => Stop::IntegerOverflow,
        Some(Trap::BadConversionToInteger) => Stop::BadConversion,
        Some(Trap::StackOverflow) => Stop::StackExhausted,
        _ => panic!("wasmtime: {error:?}"),
    }
}
