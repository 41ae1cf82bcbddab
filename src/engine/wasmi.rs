//! The wasmi engine: the emitted modules, interpreted.
//!
//! Compiling costs little here, so this is the wasm engine for layouts that are
//! seen once. It is built with `portable-dispatch` and `extra-checks`: under
//! coverage instrumentation its default dispatch keeps native frames and overflows the stack.
//! Stores are reused as [`stored`](super::stored) says.

use wasmi::errors::HostError;
use wasmi::{
    AsContextMut, Caller, Config, Extern, Func, Global, Instance, Module, Mutability, Nullable,
    Ref, Store, StoreContextMut, Table, TrapCode, TypedFunc, Val,
};

use super::adapter::{self, Access, Backend, Data, Register};
use super::{CannotRun, FUEL, MAX_CALLS, Trap};
use crate::image::encode::{ASYNC_CONTINUATION, MEMORY, STACK_POINTER, TABLE};
use crate::image::words::{ImageBase, TableIndex};

/// Bytes of the interpreter's own value stack, for each time that it is entered.
const VALUE_STACK: usize = 256 << 10;

/// Every program has a wasmi engine of its own: one never gives back the code that it has compiled.
pub(super) struct Wasmi;

/// It runs everywhere.
pub(super) fn backend() -> Result<Wasmi, CannotRun> {
    Ok(Wasmi)
}

/// How wasmi is set up.
pub fn settings() -> Config {
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

/// The trap that an error of wasmi's is, if it is one that emitted code can end in.
pub fn trap(error: &wasmi::Error) -> Option<Trap> {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Some(*trap);
    }
    Some(match error.as_trap_code()? {
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

type Exports = adapter::Exports<wasmi::Memory, Table, Global>;

impl Backend for Wasmi {
    type Runtime<S: 'static> = Module;
    type Image = Module;
    type Exports = Exports;
    type Entry = TypedFunc<(u32, u32, u32), ()>;
    type Error = wasmi::Error;
    type Store<S: 'static> = Store<Data<Self, S>>;
    type Access<'a, S: 'static> = Inside<'a, S>;

    fn compile<S: 'static>(&self, runtime: &[u8]) -> Result<Module, wasmi::Error> {
        Module::new(&wasmi::Engine::new(&settings()), runtime)
    }

    fn start<S: 'static>(&self, data: Data<Self, S>) -> Result<Self::Store<S>, wasmi::Error> {
        let compiled = data.compiled.clone();
        let mut store = Store::new(compiled.runtime.engine(), data);
        // Instantiation takes a little fuel as well.
        store.set_fuel(FUEL)?;
        let import = Func::wrap(&mut store, host::<S>);
        let instance = Instance::new(&mut store, &compiled.runtime, &[import.into()])?;
        let exports = exports(&instance, &store);
        store.data_mut().exports =
            Some(exports.ok_or_else(|| wasmi::Error::new("an export is missing"))?);
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

    fn trap(error: &wasmi::Error) -> Option<Trap> {
        trap(error)
    }
}

fn exports<S: 'static>(instance: &Instance, store: &Store<Data<Wasmi, S>>) -> Option<Exports> {
    Some(Exports {
        memory: instance.get_memory(store, MEMORY)?,
        table: instance.get_table(store, TABLE)?,
        stack_pointer: instance.get_global(store, STACK_POINTER)?,
        async_continuation: instance.get_global(store, ASYNC_CONTINUATION)?,
    })
}

/// The host import.
fn host<S: 'static>(
    mut caller: Caller<'_, Data<Wasmi, S>>,
    function: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
) -> Result<u32, wasmi::Error> {
    let store = Inside { exports: *caller.data().exports(), context: caller.as_context_mut() };
    adapter::answer(store, function, [a, b, c, d]).map_err(wasmi::Error::host)
}

/// A store while something is done in it.
pub(super) struct Inside<'a, S: 'static> {
    context: StoreContextMut<'a, Data<Wasmi, S>>,
    exports: Exports,
}

impl<S: 'static> Access for Inside<'_, S> {
    type Backend = Wasmi;
    type State = S;

    fn memory(&self) -> &[u8] {
        self.exports.memory.data(&self.context)
    }

    fn data(&self) -> &Data<Wasmi, S> {
        self.context.data()
    }

    fn data_mut(&mut self) -> &mut Data<Wasmi, S> {
        self.context.data_mut()
    }

    fn parts(&mut self) -> (&mut [u8], &mut Data<Wasmi, S>) {
        self.exports.memory.data_and_store_mut(&mut self.context)
    }

    fn global(&mut self, global: Register) -> u32 {
        match self.exports.global(global).get(&self.context) {
            Val::I32(value) => value as u32,
            other => unreachable!("{other:?} in an i32 global"),
        }
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

    fn grow_table(&mut self, by: u32) -> Result<(), wasmi::Error> {
        let null = Ref::Func(Nullable::Null);
        let outcome = self.exports.table.grow(&mut self.context, by.into(), null);
        outcome.map(|_| ()).map_err(Into::into)
    }

    fn compile(&self, wasm: &[u8]) -> Result<Module, wasmi::Error> {
        Module::new(self.context.engine(), wasm)
    }

    fn instantiate(
        &mut self,
        image: &Module,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), wasmi::Error> {
        let mut base =
            |value: u32| Global::new(&mut self.context, Val::I32(value as i32), Mutability::Const);
        let (memory_base, table_base) = (base(memory_base.get()), base(table_base.get()));
        // By kind, which is the order that wasmi wants, and not the module's.
        let imports: [Extern; 6] = [
            self.exports.table.into(),
            self.exports.memory.into(),
            self.exports.stack_pointer.into(),
            memory_base.into(),
            table_base.into(),
            self.exports.async_continuation.into(),
        ];
        Instance::new(&mut self.context, image, &imports).map(|_| ())
    }

    fn entry(&mut self, index: TableIndex) -> Result<<Wasmi as Backend>::Entry, Trap> {
        match self.exports.table.get(&self.context, index.get().into()) {
            None => Err(Trap::TableOutOfBounds),
            Some(Ref::Func(Nullable::Val(function))) => {
                function.typed(&self.context).map_err(|_| Trap::SignatureMismatch)
            }
            Some(_) => Err(Trap::NullElement),
        }
    }

    fn call(
        &mut self,
        entry: &<Wasmi as Backend>::Entry,
        arguments: [u32; 3],
    ) -> Result<(), wasmi::Error> {
        entry.call(&mut self.context, arguments.into())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::engine::tests::smoke("wasmi");
    }
}
