//! The machine on wasmi.

use calliper::inside::{FuncType, HOST_IMPORT, MEMORY, TABLE, TableIndex, ValType};
use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{Engine, Func, Instance, Memory, Module, Nullable, Ref, Store, Table, TrapCode, Val};

use super::machine::{Ending, Machine, Stop, Value};

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

    fn call(&mut self, function: Func, operands: &[Val], ty: Option<ValType>) -> Ending {
        let mut results: Vec<Val> = ty.into_iter().map(zero).collect();
        function.call(&mut self.store, operands, &mut results).map_err(stop)?;
        Ok(results.first().map(value))
    }

    fn enter(&mut self, callee: Func, caller: TableIndex, arguments: [u32; 3]) -> Result<(), Stop> {
        let slot = u64::from(self.slot.get());
        self.table.set(&mut self.store, slot, Ref::Func(Nullable::Val(callee))).expect("a slot");
        let Some(Ref::Func(Nullable::Val(caller))) =
            self.table.get(&mut self.store, caller.get().into())
        else {
            return Err(Stop::NullElement);
        };
        self.call(caller, &arguments.map(|word| Val::I32(word as i32)), None).map(|_| ())
    }
}

impl Machine for Wasmi {
    fn slot(&mut self) -> TableIndex {
        self.slot
    }

    fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    fn operands(&mut self, caller: TableIndex, arguments: [u32; 3], ty: &FuncType) -> Vec<Value> {
        let (params, result) = (ty.params.iter().map(|&ty| val_type(ty)), ty.result);
        let ty = wasmi::FuncType::new(params, result.map(val_type));
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

fn val_type(ty: ValType) -> wasmi::ValType {
    match ty {
        ValType::I32 => wasmi::ValType::I32,
        ValType::I64 => wasmi::ValType::I64,
        ValType::F32 => wasmi::ValType::F32,
        ValType::F64 => wasmi::ValType::F64,
        ValType::V128 => wasmi::ValType::V128,
    }
}

fn zero(ty: ValType) -> Val {
    val(Value { ty, bits: 0 })
}

fn val(Value { ty, bits }: Value) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(wasmi::F32::from_bits(bits as u32)),
        ValType::F64 => Val::F64(wasmi::F64::from_bits(bits as u64)),
        ValType::V128 => Val::V128(bits.into()),
    }
}

fn value(val: &Val) -> Value {
    let (ty, bits) = match *val {
        Val::I32(value) => (ValType::I32, (value as u32).into()),
        Val::I64(value) => (ValType::I64, (value as u64).into()),
        Val::F32(value) => (ValType::F32, value.to_bits().into()),
        Val::F64(value) => (ValType::F64, value.to_bits().into()),
        Val::V128(value) => (ValType::V128, value.as_u128()),
        ref other => unreachable!("{other:?} in a lowered signature"),
    };
    Value { ty, bits }
}

fn stop(error: wasmi::Error) -> Stop {
    // What stops a module's start is no trap to wasmi.
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            return Stop::TableOutOfBounds;
        }
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => return Stop::MemoryOutOfBounds,
        _ => {}
    }
    match error.as_trap_code() {
        Some(TrapCode::BadSignature) => Stop::SignatureMismatch,
        Some(TrapCode::IndirectCallToNull) => Stop::NullElement,
        Some(TrapCode::TableOutOfBounds) => Stop::TableOutOfBounds,
        Some(TrapCode::MemoryOutOfBounds) => Stop::MemoryOutOfBounds,
        Some(TrapCode::UnreachableCodeReached) => Stop::Unreachable,
        Some(TrapCode::IntegerDivisionByZero) => Stop::DivisionByZero,
        Some(TrapCode::IntegerOverflow) => Stop::IntegerOverflow,
        Some(TrapCode::BadConversionToInteger) => Stop::BadConversion,
        Some(TrapCode::StackOverflow) => Stop::StackExhausted,
        _ => panic!("wasmi: {error:?}"),
    }
}
