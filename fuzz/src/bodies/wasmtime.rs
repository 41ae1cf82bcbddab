//! The machine on wasmtime, with the settings of Calliper's engine.

use std::convert::identity;

use calliper::inside::{
    FuncType, HOST_IMPORT, MEMORY, TABLE, TableIndex, ValType, wasmtime_settings, wasmtime_trap,
};
use wasmtime::{Config, Engine, Func, Instance, Memory, Module, Ref, Store, Table, Trap, Val};

use super::machine::{Called, Ending, Machine, Stop, Value, conversions};

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
    let mut config = wasmtime_settings();
    // The bodies count their own.
    config.consume_fuel(false);
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
}

impl Machine for Wasmtime {
    type Function = Func;

    fn slot(&self) -> TableIndex {
        self.slot
    }

    fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    fn body(&mut self, called: Called, name: &str) -> Func {
        let instance = match called {
            Called::Directly => self.direct,
            Called::ByTheHarness => self.indirect,
        };
        instance.get_func(&mut self.store, name).expect("it is exported")
    }

    fn recorder(&mut self, ty: &FuncType) -> Func {
        let (params, result) = (ty.params.iter().map(|&ty| val_type(ty)), ty.result);
        let engine = self.store.engine().clone();
        let ty = wasmtime::FuncType::new(&engine, params, result.map(val_type));
        Func::new(&mut self.store, ty, move |mut caller, params, results| {
            *caller.data_mut() = params.iter().map(value).collect();
            results.iter_mut().zip(result).for_each(|(slot, ty)| *slot = val(Value::zero(ty)));
            Ok(())
        })
    }

    fn recorded(&mut self) -> Vec<Value> {
        std::mem::take(self.store.data_mut())
    }

    fn set_callee(&mut self, callee: Func) {
        let slot = u64::from(self.slot.get());
        self.table.set(&mut self.store, slot, Ref::Func(Some(callee))).expect("a slot");
    }

    fn function(&mut self, slot: TableIndex) -> Option<Func> {
        match self.table.get(&mut self.store, slot.get().into()) {
            Some(Ref::Func(Some(function))) => Some(function),
            _ => None,
        }
    }

    fn call(&mut self, function: Func, operands: &[Value], result: Option<ValType>) -> Ending {
        let operands: Vec<Val> = operands.iter().copied().map(val).collect();
        let mut results: Vec<Val> = result.map(|ty| val(Value::zero(ty))).into_iter().collect();
        function.call(&mut self.store, &operands, &mut results).map_err(stop)?;
        Ok(results.first().map(value))
    }
}

conversions!(wasmtime, from bits: identity, identity; to bits: identity, identity);

fn stop(error: wasmtime::Error) -> Stop {
    if let Some(trap) = wasmtime_trap(&error) {
        return Stop::Trap(trap);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::IntegerDivisionByZero) => Stop::DivisionByZero,
        Some(Trap::IntegerOverflow) => Stop::IntegerOverflow,
        Some(Trap::BadConversionToInteger) => Stop::BadConversion,
        _ => panic!("wasmtime: {error:?}"),
    }
}
