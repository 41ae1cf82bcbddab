//! A baseline: what a general wasm fuzzer sees of `call_indirect`.
//!
//! Modules by `wasm-smith`, much as wasmtime's own differential fuzzer has them made (everything
//! exported, no imports, little fuel), are run on wasmi and on wasmtime: each exported function is
//! called once, with zeros. A counter before and one behind every `call_indirect` tells how
//! many were attempted and how many returned.

use std::convert::Infallible;
use std::fmt;

use arbitrary::Unstructured;
use calliper::inside::Dice;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction,
    Module, ValType,
};
use wasm_smith::Config;
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Parser};

/// Bytes that a module is made from.
const BYTES: usize = 4096;
/// Fuel of one call.
const FUEL: u64 = 1000;
/// The exports of the counters.
const COUNTERS: [&str; 2] = ["calliper attempted", "calliper returned"];

/// What was seen, on both engines together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct General {
    /// Modules that were made.
    pub modules: u64,
    /// Of these, how many have a `call_indirect` at all.
    pub with_call_indirect: u64,
    /// Calls of exported functions.
    pub calls: u64,
    /// `call_indirect`s that were executed.
    pub attempted: u64,
    /// `call_indirect`s that returned.
    pub returned: u64,
    /// Calls that ended because a signature did not match.
    pub signature_traps: u64,
}

impl fmt::Display for General {
    /// The last line of the scoreboard.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { modules, with_call_indirect, calls, attempted, returned, signature_traps } =
            self;
        write!(
            f,
            "general modules: {modules} modules, {with_call_indirect} with a call_indirect, {calls} \
             exported calls; call_indirects: {attempted} attempted, {returned} returned, \
             {signature_traps} signature traps"
        )
    }
}

/// Makes and runs so many modules.
pub fn general(modules: u64, seed: u64) -> General {
    let mut dice = Dice::in_lane(seed, 0);
    let (wasmi, wasmtime) = (wasmi_engine(), wasmtime_engine());
    let mut total = General { modules, ..General::default() };
    let mut bytes = Vec::new();
    for _ in 0..modules {
        let source = Unstructured::new(dice.bytes(&mut bytes, BYTES));
        let Some((module, sites)) = instrumented(source) else { continue };
        total.with_call_indirect += u64::from(sites > 0);
        // What an engine does not take is not run there.
        let _ = on_wasmi(&wasmi, &module, &mut total);
        if let Some(wasmtime) = &wasmtime {
            let _ = on_wasmtime(wasmtime, &module, &mut total);
        }
    }
    total
}

/// What both engines have.
fn config() -> Config {
    Config {
        export_everything: true,
        min_funcs: 1,
        min_globals: 1,
        max_imports: 0,
        max_memory32_bytes: 1 << 20,
        max_table_elements: 1000,
        canonicalize_nans: true,
        allow_start_export: false,
        compact_imports_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        // wasmtime is built without `externref`.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        // wasmi 2.0.0 aborts in `v128.store8_lane`.
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// A module with counters, and how many `call_indirect`s it has.
fn instrumented(mut bytes: Unstructured<'_>) -> Option<(Vec<u8>, u32)> {
    let original = wasm_smith::Module::new(config(), &mut bytes).ok()?.to_bytes();
    let (mut module, mut counting) = (Module::new(), Counting::default());
    counting.parse_core_module(&mut module, Parser::new(0), &original).ok()?;
    Some((module.finish(), counting.sites))
}

/// Copies a module and puts counters round every `call_indirect`.
#[derive(Default)]
struct Counting {
    /// The first of two globals.
    counters: u32,
    sites: u32,
}

impl Reencode for Counting {
    type Error = Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        // There is at least one, and none is imported.
        utils::parse_global_section(self, globals, section)?;
        self.counters = globals.len();
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        for _ in COUNTERS {
            globals.global(ty, &ConstExpr::i64_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_export_section(self, exports, section)?;
        for (name, index) in COUNTERS.into_iter().zip(self.counters..) {
            exports.export(name, ExportKind::Global, index);
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        let (attempted, returned) = (self.counters, self.counters + 1);
        while !reader.eof() {
            let instruction = self.parse_instruction(&mut reader)?;
            let is_site = matches!(instruction, Instruction::CallIndirect { .. });
            let count = |function: &mut wasm_encoder::Function, counter| {
                function.instruction(&Instruction::GlobalGet(counter));
                function.instruction(&Instruction::I64Const(1));
                function.instruction(&Instruction::I64Add);
                function.instruction(&Instruction::GlobalSet(counter));
            };
            if is_site {
                self.sites += 1;
                count(&mut function, attempted);
            }
            function.instruction(&instruction);
            if is_site {
                count(&mut function, returned);
            }
        }
        code.function(&function);
        Ok(())
    }
}

fn wasmi_engine() -> wasmi::Engine {
    let mut config = wasmi::Config::default();
    config.consume_fuel(true);
    wasmi::Engine::new(&config)
}

fn on_wasmi(engine: &wasmi::Engine, bytes: &[u8], total: &mut General) -> Result<(), wasmi::Error> {
    let module = wasmi::Module::new(engine, bytes)?;
    let mut store = wasmi::Store::new(engine, ());
    store.set_fuel(FUEL)?;
    let linker = wasmi::Linker::new(engine);
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let functions: Vec<_> = instance.exports(&store).filter_map(|e| e.into_func()).collect();
    for function in functions {
        let ty = function.ty(&store);
        let zeros = |types: &[wasmi::ValType]| -> Vec<wasmi::Val> {
            types.iter().map(|&ty| wasmi::Val::default_for_ty(ty)).collect()
        };
        let (arguments, mut results) = (zeros(ty.params()), zeros(ty.results()));
        store.set_fuel(FUEL)?;
        let outcome = function.call(&mut store, &arguments, &mut results);
        total.calls += 1;
        let trap = outcome.err().and_then(|error| error.as_trap_code());
        total.signature_traps += u64::from(trap == Some(wasmi::TrapCode::BadSignature));
    }
    let [attempted, returned] = COUNTERS.map(|name| {
        let value = instance.get_global(&store, name).map(|global| global.get(&store));
        value.and_then(|value| value.i64()).unwrap_or(0) as u64
    });
    total.attempted += attempted;
    total.returned += returned;
    Ok(())
}

fn wasmtime_engine() -> Option<wasmtime::Engine> {
    let mut config = wasmtime::Config::new();
    config.consume_fuel(true).cranelift_opt_level(wasmtime::OptLevel::None);
    wasmtime::Engine::new(&config).ok()
}

fn on_wasmtime(
    engine: &wasmtime::Engine,
    bytes: &[u8],
    total: &mut General,
) -> wasmtime::Result<()> {
    let module = wasmtime::Module::new(engine, bytes)?;
    let mut store = wasmtime::Store::new(engine, ());
    store.set_fuel(FUEL)?;
    let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
    let functions: Vec<_> =
        instance.exports(&mut store).filter_map(|export| export.into_func()).collect();
    for function in functions {
        let ty = function.ty(&store);
        let zero = |ty: wasmtime::ValType| wasmtime::Val::default_for_ty(&ty);
        let arguments: Option<Vec<_>> = ty.params().map(zero).collect();
        let results: Option<Vec<_>> = ty.results().map(zero).collect();
        let (Some(arguments), Some(mut results)) = (arguments, results) else { continue };
        store.set_fuel(FUEL)?;
        let outcome = function.call(&mut store, &arguments, &mut results);
        total.calls += 1;
        let trap = outcome.err().and_then(|e| e.downcast_ref::<wasmtime::Trap>().copied());
        total.signature_traps += u64::from(trap == Some(wasmtime::Trap::BadSignature));
    }
    let [attempted, returned] = COUNTERS.map(|name| {
        let global = instance.get_global(&mut store, name);
        global.and_then(|global| global.get(&mut store).i64()).unwrap_or(0) as u64
    });
    total.attempted += attempted;
    total.returned += returned;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_modules_run_and_hardly_return_from_indirect_calls() {
        let seen = general(60, 1);
        assert!(seen.calls > 60, "{seen:?}");
        assert!(seen.returned <= seen.attempted, "{seen:?}");
        assert_eq!(general(10, 7), general(10, 7));
    }

    #[test]
    fn the_line_says_of_how_many_modules() {
        let line = general(20, 0).to_string();
        assert!(line.starts_with("general modules: 20 modules, "), "{line}");
    }
}
