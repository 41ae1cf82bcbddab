//! The machine on wasmi.

use calliper::inside::{
    FuncType, HOST_IMPORT, MEMORY, TABLE, TableIndex, Trap, ValType, wasmi_trap,
};
use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{
    Engine, F32, F64, Func, Instance, Memory, Module, Nullable, Ref, Store, Table, TrapCode, Val,
};

use super::machine::{Called, Ending, Machine, Stop, Value, conversions};

/// A store with the operands that were seen last.
pub(super) struct Wasmi {
    store: Store<Vec<Value>>,
    memory: Memory,
    table: Table,
    slot: TableIndex,
    direct: Instance,
    indirect: Instance,
}

thread_local! {
    static ENGINE: Engine = Engine::default();
}

impl Wasmi {
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
            let slot = table.grow(&mut store, 1, Ref::Func(Nullable::Null)).expect("one more slot");
            Ok(Self { store, memory, table, slot: TableIndex::new(slot as u32), direct, indirect })
        })
    }
}

impl Machine for Wasmi {
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
        let ty = wasmi::FuncType::new(params, result.map(val_type));
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
        self.table.set(&mut self.store, slot, Ref::Func(Nullable::Val(callee))).expect("a slot");
    }

    fn function(&mut self, slot: TableIndex) -> Option<Func> {
        match self.table.get(&mut self.store, slot.get().into()) {
            Some(Ref::Func(Nullable::Val(function))) => Some(function),
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

conversions!(
    wasmi, from bits: F32::from_bits, F64::from_bits; to bits: F32::to_bits, F64::to_bits
);

fn stop(error: wasmi::Error) -> Stop {
    // What stops a module's start is no trap to wasmi.
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            return Stop::Trap(Trap::TableOutOfBounds);
        }
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => {
            return Stop::Trap(Trap::MemoryOutOfBounds);
        }
        _ => {}
    }
    if let Some(trap) = wasmi_trap(&error) {
        return Stop::Trap(trap);
    }
    match error.as_trap_code() {
        Some(TrapCode::IntegerDivisionByZero) => Stop::DivisionByZero,
        Some(TrapCode::IntegerOverflow) => Stop::IntegerOverflow,
        Some(TrapCode::BadConversionToInteger) => Stop::BadConversion,
        _ => panic!("wasmi: {error:?}"),
    }
}
