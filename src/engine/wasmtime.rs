//! Wasmtime's engines: the emitted modules, compiled by Cranelift.
//!
//! The settings are those that wasmi's differential oracle uses
//! (`crates/fuzz/src/oracle/wasmtime.rs`), which are the fastest for tiny modules
//! as well: no optimisation, single-pass register allocation, no
//! backtraces, and explicit checks instead of signals, because a trap by signal costs twenty
//! times as much and trapping calls are common here. Stores are reused as
//! [`stored`](super::stored) says.

use std::sync::Arc;

use wasmtime::{
    AsContextMut, Caller, Config, Extern, Global, GlobalType, Instance, InstancePre, Linker,
    Module, Mutability, OperatorCost, OptLevel, Ref, RegallocAlgorithm, Store, StoreContextMut,
    Table, TypedFunc, Val, ValType,
};

use super::adapter::{self, Access, Backend, Data, Register};
use super::{CannotRun, FUEL, Trap};
use crate::image::encode::{ASYNC_CONTINUATION, HOST_IMPORT, MEMORY, STACK_POINTER, TABLE};
use crate::image::words::{ImageBase, TableIndex};

/// Native stack for wasm and for the VM code that it calls.
const WASM_STACK: usize = 512 << 10;

/// A compiler of wasmtime's.
pub(super) struct Wasmtime(wasmtime::Engine);

impl Wasmtime {
    /// The compiler that these settings choose.
    ///
    /// # Errors
    /// When it has no code for this machine.
    pub fn new(settings: &Config) -> Result<Self, CannotRun> {
        wasmtime::Engine::new(settings).map(Self).map_err(CannotRun::because)
    }
}

/// Cranelift for this machine.
pub(super) fn backend() -> Result<Wasmtime, CannotRun> {
    Wasmtime::new(&settings())
}

/// Cranelift for this machine, as fast as it compiles.
pub fn settings() -> Config {
    let mut config = common_settings();
    config
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        .signals_based_traps(false)
        // With explicit checks there is no need of guard pages.
        .memory_guard_size(0)
        .guard_before_linear_memory(false);
    config
}

/// What all of wasmtime's compilers are told.
pub(super) fn common_settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_backtrace_max_frames(None)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .consume_fuel(true)
        .operator_cost(operator_cost())
        .max_wasm_stack(WASM_STACK)
        // Memory never grows: no address space is set aside for it.
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
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

/// The trap that an error of wasmtime's is, if it is one that emitted code can end in.
pub fn trap(error: &wasmtime::Error) -> Option<Trap> {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Some(*trap);
    }
    Some(match error.downcast_ref::<wasmtime::Trap>()? {
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

type Exports = adapter::Exports<wasmtime::Memory, Table, Global>;

impl Backend for Wasmtime {
    type Runtime<S: 'static> = InstancePre<Data<Self, S>>;
    type Image = Module;
    type Exports = Exports;
    type Entry = Arc<TypedFunc<(u32, u32, u32), ()>>;
    type Error = wasmtime::Error;
    type Store<S: 'static> = Store<Data<Self, S>>;
    type Access<'a, S: 'static> = Inside<'a, S>;

    fn compile<S: 'static>(&self, runtime: &[u8]) -> wasmtime::Result<Self::Runtime<S>> {
        let module = Module::new(&self.0, runtime)?;
        let mut linker = Linker::new(&self.0);
        linker.func_wrap(HOST_IMPORT.0, HOST_IMPORT.1, host::<S>)?;
        linker.instantiate_pre(&module)
    }

    fn start<S: 'static>(&self, data: Data<Self, S>) -> wasmtime::Result<Self::Store<S>> {
        let compiled = data.compiled.clone();
        let mut store = Store::new(&self.0, data);
        // Instantiation takes a little fuel as well.
        store.set_fuel(FUEL)?;
        let instance = compiled.runtime.instantiate(&mut store)?;
        let exports = exports(&instance, &mut store);
        store.data_mut().exports =
            Some(exports.ok_or(wasmtime::Error::msg("an export is missing"))?);
        Ok(store)
    }

    fn memory<S: 'static>(store: &Self::Store<S>) -> &[u8] {
        store.data().exports().memory.data(store)
    }

    fn data<S: 'static>(store: &Self::Store<S>) -> &Data<Self, S> {
        store.data()
    }

    fn data_mut<S: 'static>(store: &mut Self::Store<S>) -> &mut Data<Self, S> {
        store.data_mut()
    }

    fn parts<S: 'static>(store: &mut Self::Store<S>) -> (&mut [u8], &mut Data<Self, S>) {
        let memory = store.data().exports().memory;
        memory.data_and_store_mut(store)
    }

    fn enter<S: 'static>(store: &mut Self::Store<S>) -> Inside<'_, S> {
        Inside { exports: *store.data().exports(), context: store.as_context_mut() }
    }

    fn trap(error: &wasmtime::Error) -> Option<Trap> {
        trap(error)
    }
}

fn exports<S: 'static>(
    instance: &Instance,
    store: &mut Store<Data<Wasmtime, S>>,
) -> Option<Exports> {
    Some(Exports {
        memory: instance.get_memory(&mut *store, MEMORY)?,
        table: instance.get_table(&mut *store, TABLE)?,
        stack_pointer: instance.get_global(&mut *store, STACK_POINTER)?,
        async_continuation: instance.get_global(&mut *store, ASYNC_CONTINUATION)?,
    })
}

/// The host import.
fn host<S: 'static>(
    mut caller: Caller<'_, Data<Wasmtime, S>>,
    function: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
) -> wasmtime::Result<u32> {
    let store = Inside { exports: *caller.data().exports(), context: caller.as_context_mut() };
    adapter::answer(store, function, [a, b, c, d]).map_err(wasmtime::Error::new)
}

/// A store while something is done in it.
pub(super) struct Inside<'a, S: 'static> {
    context: StoreContextMut<'a, Data<Wasmtime, S>>,
    exports: Exports,
}

impl<S: 'static> Access for Inside<'_, S> {
    type Backend = Wasmtime;
    type State = S;

    fn memory(&self) -> &[u8] {
        self.exports.memory.data(&self.context)
    }

    fn data(&self) -> &Data<Wasmtime, S> {
        self.context.data()
    }

    fn data_mut(&mut self) -> &mut Data<Wasmtime, S> {
        self.context.data_mut()
    }

    fn parts(&mut self) -> (&mut [u8], &mut Data<Wasmtime, S>) {
        self.exports.memory.data_and_store_mut(&mut self.context)
    }

    fn global(&mut self, global: Register) -> u32 {
        self.exports.global(global).get(&mut self.context).unwrap_i32() as u32
    }

    fn set_global(&mut self, global: Register, value: u32) {
        let outcome = self.exports.global(global).set(&mut self.context, Val::I32(value as i32));
        outcome.expect("a mutable i32");
    }

    fn fuel(&self) -> u64 {
        self.context.get_fuel().expect("fuel is on")
    }

    fn set_fuel(&mut self, fuel: u64) {
        self.context.set_fuel(fuel).expect("fuel is on");
    }

    fn grow_table(&mut self, by: u32) -> wasmtime::Result<()> {
        self.exports.table.grow(&mut self.context, by.into(), Ref::Func(None)).map(|_| ())
    }

    fn compile(&self, wasm: &[u8]) -> wasmtime::Result<Module> {
        Module::new(self.context.engine(), wasm)
    }

    fn instantiate(
        &mut self,
        image: &Module,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> wasmtime::Result<()> {
        let constant = GlobalType::new(ValType::I32, Mutability::Const);
        let mut base =
            |value: u32| Global::new(&mut self.context, constant.clone(), Val::I32(value as i32));
        let (memory_base, table_base) = (base(memory_base.get())?, base(table_base.get())?);
        let imports: [Extern; 6] = [
            self.exports.stack_pointer.into(),
            memory_base.into(),
            table_base.into(),
            self.exports.async_continuation.into(),
            self.exports.table.into(),
            self.exports.memory.into(),
        ];
        Instance::new(&mut self.context, image, &imports).map(|_| ())
    }

    fn entry(&mut self, index: TableIndex) -> Result<<Wasmtime as Backend>::Entry, Trap> {
        match self.exports.table.get(&mut self.context, index.get().into()) {
            None => Err(Trap::TableOutOfBounds),
            Some(Ref::Func(Some(function))) => {
                let typed = function.typed(&self.context);
                typed.map(Arc::new).map_err(|_| Trap::SignatureMismatch)
            }
            Some(_) => Err(Trap::NullElement),
        }
    }

    fn call(
        &mut self,
        entry: &<Wasmtime as Backend>::Entry,
        [a, b, c]: [u32; 3],
    ) -> wasmtime::Result<()> {
        entry.call(&mut self.context, (a, b, c))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke("wasmtime");
    }
}
