//! The two resolvers of import cells.
//!
//! They store different things for the same fixup kind: the eager one hands
//! out what `ldftn` needs, the lazy one what a call needs.

use super::callee::Callee;
use super::decisions::Ensures;
use super::memory::{read_u32, write_u32};
use super::trace::{Resolver, Step};
use super::{Vm, VmProcess, addresses, entry, images, interpreter, method_pep, types};
use crate::abi::Shape;
use crate::abi::crossgen::lower;
use crate::engine::Trap;
use crate::image::FunctionId;
use crate::image::facts::{Import, ImportCell};
use crate::image::helpers::Helper;
use crate::image::payload::RECORD_SUBJECT;
use crate::image::pep::{CODE, virtual_dispatch_entry};
use crate::image::thunks::{TRANSITION_BLOCK, virtual_key};
use crate::image::words::{Address, FunctionPointer, ImageBase, ObjectAddress, PepAddress, Rva};
use crate::scenario::{AssemblyId, Dispatch, MethodId};

/// The eager import section: helpers, the module pointer and resumption stubs,
/// when the image is loaded.
pub fn resolve_eager_imports(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
) -> Result<(), Trap> {
    let facts = process.vm().facts.clone();
    let facts = &facts.images[assembly];
    let Some(image) = process.vm().images[assembly] else { return Ok(()) };
    for cell in &facts.cells {
        let at = images::address(process, &image, cell.rva, 4)?;
        let value = match cell.import {
            Import::Module => image.module.get(),
            // Thunks dereference the cell once: a raw table index.
            Import::ThunkHelper(helper) => helper.slot().get(),
            // The JIT dereferences it twice: an entry point.
            Import::JitHelper(helper) => {
                let pep = jit_helper_pep(process, helper);
                process.vm().jit_helper_cell(pep, helper).get()
            }
            Import::GenericLookup(_) => {
                let record = Address::new(read_u32(process, at)?);
                if !image.has_word_at(record) {
                    return Err(process.vm().abort("a lookup's record lies outside its image"));
                }
                if process.vm().fills_generic_lookups() {
                    write_u32(process, record.at(CODE), Helper::GenericLookup.slot().get())?;
                }
                continue;
            }
            Import::ResumptionStub(method) => {
                let stubs = &facts.resumption_stubs;
                let function =
                    stubs.iter().find(|(m, _)| *m == method).map_or(FunctionId(0), |(_, f)| *f);
                if process.vm().relocates_resumption_stubs() {
                    image.function(function).get()
                } else {
                    function.0
                }
            }
            Import::MethodEntry(_)
            | Import::InstantiatingStub(_)
            | Import::LazyMethodEntry(_)
            | Import::VirtualEntry(..)
            | Import::PInvokeTarget(_)
            | Import::Missing => continue,
        };
        write_u32(process, at, value)?;
    }
    Ok(())
}

fn jit_helper_pep(process: &mut VmProcess<'_>, helper: Helper) -> PepAddress {
    let position = Helper::JIT.iter().position(|&h| h == helper);
    position.map_or(PepAddress::default(), |i| process.vm().helper_peps[i])
}

/// Prepares a compiled function: resolves its fixup list.
/// Resolver A, `jitinterface.cpp` `LoadDynamicInfoEntry`.
pub fn prepare(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    function: FunctionId,
) -> Result<(), Trap> {
    let facts = process.vm().facts.clone();
    let body = facts.images[assembly].bodies.get(function);
    for &rva in body.iter().flat_map(|body| &body.fixups) {
        load_dynamic_info_entry(process, assembly, rva)?;
    }
    Ok(())
}

/// Resolves the cell of an image that imports this, if it has one.
pub fn resolve(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    import: Import,
) -> Result<Option<FunctionPointer>, Trap> {
    let facts = &process.vm().facts;
    let Some(rva) = facts.images[assembly].rva_of(import) else { return Ok(None) };
    load_dynamic_info_entry(process, assembly, rva)?;
    let at = cell_address(process, assembly, rva)?;
    read_u32(process, at).map(|word| Some(FunctionPointer::new(word)))
}

fn load_dynamic_info_entry(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    rva: Rva,
) -> Result<(), Trap> {
    let vm = process.vm();
    let Some(cell) = vm.facts.images[assembly].cell_at(rva).copied() else {
        return Err(vm.abort("a fixup names no import cell"));
    };
    let at = cell_address(process, assembly, rva)?;
    if read_u32(process, at)? != 0 {
        return Ok(());
    }
    let (method, value) = match cell.import {
        Import::MethodEntry(method) if shared(process, method) => {
            let ensures = Vm::ensures_multi_callable_address;
            let pep = entry::callable_address(process, method.into(), ensures)?;
            (method, pep.into())
        }
        Import::MethodEntry(method) | Import::InstantiatingStub(method) => {
            (method, entry::multi_callable_address(process, method)?)
        }
        Import::PInvokeTarget(method) => (method, entry::native_code(process, method)?.into()),
        // These are filled when the image is loaded, or by a first call, or by nothing.
        Import::LazyMethodEntry(_)
        | Import::VirtualEntry(..)
        | Import::Module
        | Import::ThunkHelper(_)
        | Import::JitHelper(_)
        | Import::GenericLookup(_)
        | Import::ResumptionStub(_)
        | Import::Missing => return Ok(()),
    };
    patch(process, assembly, rva, method, value, Resolver::LoadDynamicInfoEntry)
}

/// A call of shared generic code brings the context itself.
fn shared(process: &mut VmProcess<'_>, method: MethodId) -> bool {
    process.vm().scenario.layout.method(method).signature.context
}

/// Resolver B, `prestub.cpp` `ExternalMethodFixupWorker`: the first call
/// through a lazy cell. Always the portable entry point; knows nothing of UCO.
pub fn external_method_fixup_worker(
    process: &mut VmProcess<'_>,
    transition_block: Address,
    import_thunk: PepAddress,
    image_base: ImageBase,
    module_cell: Rva,
) -> Result<PepAddress, Trap> {
    let module = Address::new(read_u32(process, image_base.at(module_cell))?);
    let rva = Rva::new(read_u32(process, import_thunk.at(RECORD_SUBJECT))?);
    let vm = process.vm();
    let found = vm.images.position(|i| i.is_some_and(|i| i.module == module));
    let cell = found.and_then(|id| Some((id, *vm.facts.images[id].cell_at(rva)?)));
    let Some((assembly, cell)) = cell else {
        return Err(vm.abort("an import thunk names no import cell"));
    };
    match cell.import {
        Import::LazyMethodEntry(method) | Import::MethodEntry(method) => {
            let pep = method_pep(process, method)?;
            let by = Resolver::ExternalMethodFixupWorker;
            patch(process, assembly, rva, method, pep.into(), by)?;
            entry::ensure_at(process, Vm::ensures_lazy_call, method.into())?;
            Ok(pep)
        }
        Import::VirtualEntry(method, dispatch) => {
            // `this` is the first argument behind the TransitionBlock.
            let object = read_u32(process, transition_block.at(TRANSITION_BLOCK))?;
            let object = ObjectAddress::new(object);
            virtual_entry(process, assembly, cell, method, dispatch, object)
        }
        Import::InstantiatingStub(_)
        | Import::Module
        | Import::ThunkHelper(_)
        | Import::JitHelper(_)
        | Import::PInvokeTarget(_)
        | Import::GenericLookup(_)
        | Import::ResumptionStub(_)
        | Import::Missing => Err(process.vm().abort("an import thunk's cell imports no method")),
    }
}

/// A `VirtualEntry` cell: the receiver's entry point, which is not cached, or
/// an entry point of the V-thunk's, which is (#133146).
fn virtual_entry(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    cell: ImportCell,
    method: MethodId,
    dispatch: Dispatch,
    object: ObjectAddress,
) -> Result<PepAddress, Trap> {
    if dispatch == Dispatch::VirtualThunk
        && let Some(entry) = virtual_dispatch_entry(process, method, object)?
    {
        let by = Resolver::ExternalMethodFixupWorker;
        patch(process, assembly, cell.rva, method, entry.into(), by)?;
        return Ok(entry);
    }
    receiver_entry(process, object, method, Vm::ensures_virtual_call)
}

/// The entry point in a receiver's slot, made callable from R2R code.
pub fn receiver_entry(
    process: &mut VmProcess<'_>,
    object: ObjectAddress,
    method: MethodId,
    ensures: Ensures,
) -> Result<PepAddress, Trap> {
    let pep = types::slot_entry(process, object, method)?;
    let (callee, _) = interpreter::owner(process, pep)?;
    entry::ensure_at(process, ensures, callee)?;
    Ok(pep)
}

/// Makes a `VirtualDispatchPortableEntryPoint` for a slot, if there is a V-thunk for it.
// mutants: without a V-thunk the slow helper dispatches to the same method
fn virtual_dispatch_entry(
    process: &mut VmProcess<'_>,
    method: MethodId,
    object: ObjectAddress,
) -> Result<Option<PepAddress>, Trap> {
    use virtual_dispatch_entry::{CHUNK_OFFSET, INITIAL_ENTRY, SIZE, TABLE_OFFSET};
    let (table, chunk) = types::slot_offsets(process, object, method)?;
    let vm = process.vm();
    let lowered =
        lower(&vm.scenario.layout, &vm.scenario.layout.method(method).signature, Shape::Managed);
    let initial_key = entry::key(vm, 'I', Callee::Method(method));
    let (Some(thunk), Some(initial)) =
        (vm.thunks.find(&virtual_key(&lowered)), vm.thunks.find(&initial_key))
    else {
        return Ok(None);
    };
    let entry = PepAddress::made_at(vm.allocate(SIZE));
    vm.virtual_dispatch_entries.push((entry, method));
    write_u32(process, entry.at(CODE), thunk.get())?;
    process.write(entry.at(TABLE_OFFSET).get(), &table.to_le_bytes())?;
    process.write(entry.at(CHUNK_OFFSET).get(), &chunk.to_le_bytes())?;
    write_u32(process, entry.at(INITIAL_ENTRY), initial.get())?;
    Ok(Some(entry))
}

/// `CORINFO_HELP_VIRTUAL_FUNC_PTR`: the entry point in a receiver's slot.
pub fn virtual_function_pointer(
    process: &mut VmProcess<'_>,
    object: ObjectAddress,
    method: MethodId,
) -> Result<FunctionPointer, Trap> {
    let pep = receiver_entry(process, object, method, Vm::ensures_virtual_function_pointer)?;
    Vm::virtual_function_pointer(process, pep)
}

/// The helper of a generic lookup: what its record asks for.
pub fn generic_lookup(process: &mut VmProcess<'_>, record: Address) -> Result<u32, Trap> {
    let token = read_u32(process, record.at(RECORD_SUBJECT))?;
    let method = process.vm().method_by_token(token)?;
    addresses(process, method.into())?;
    Ok(crate::scenario::meaning::context_address(method))
}

/// Resolves the fixup list of a compiled body before it is published
/// (`FixupDelayList`); false if one fails, and the body with it. The lists of methods that
/// Calliper emits name the image's [`Import::Missing`], which nothing can resolve.
// mutants: only a body that is rejected has a list, and each list fails
pub fn fixup_delay_list(vm: &mut Vm, assembly: AssemblyId, function: FunctionId) -> bool {
    let image = &vm.facts.images[assembly];
    let Some(body) = image.bodies.get(function) else { return true };
    let missing = |&rva: &Rva| image.cell_at(rva).is_none_or(|c| c.import == Import::Missing);
    let resolves = !body.fixups.iter().any(missing);
    if let (false, Some(method)) = (resolves, body.method) {
        vm.trace.push(Step::Rejected { method });
    }
    resolves
}

fn patch(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    rva: Rva,
    method: MethodId,
    value: FunctionPointer,
    by: Resolver,
) -> Result<(), Trap> {
    let at = cell_address(process, assembly, rva)?;
    process.vm().trace.push(Step::CellPatched { assembly, rva, method, value, by });
    write_u32(process, at, value.get())
}

/// Where an import cell of a loaded image lies.
fn cell_address(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    rva: Rva,
) -> Result<Address, Trap> {
    let vm = process.vm();
    let image = vm.images[assembly];
    let image = image.ok_or_else(|| vm.abort("an import cell's image is not loaded"))?;
    images::address(process, &image, rva, 4)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Engine;
    use crate::engine::paper::Paper;
    use crate::image::emission::Emission;
    use crate::image::facts::CompiledBody;
    use crate::loader::{Fixed, calls, host_call};
    use crate::scenario::{SiteId, text};

    const PROGRAM: &str = r#"
calliper = 1
title = "cells"
[assemblies]
A = {}
B = {}
[methods]
Plain = { in = "A", code = "r2r", signature = "int (int)" }
Uco = { in = "A", code = "r2r", signature = "int (int)", uco = true }
Shared = { in = "A", code = "r2r", signature = "generic int (int)" }
Rejected = { in = "B", code = "rejected", signature = "int (int)" }
[sites]
CallPlain = { in = "A", direct = "Plain", binding = "eager" }
TakeUco = { in = "A", ldftn = "Uco" }
TakeShared = { in = "A", ldftn = "Shared" }
CallShared = { in = "A", direct = "Shared", binding = "eager" }
LazyPlain = { in = "A", direct = "Plain" }
[script]
events = [{ load = "A" }, { load = "B" }]
"#;

    const A: AssemblyId = AssemblyId(0);
    const B: AssemblyId = AssemblyId(1);
    const PLAIN: MethodId = MethodId(0);
    const UCO: MethodId = MethodId(1);
    const SHARED: MethodId = MethodId(2);
    const REJECTED: MethodId = MethodId(3);

    fn vm() -> Vm {
        let scenario = text::parse("test.toml", PROGRAM.as_bytes()).expect("it is valid");
        let emission = Arc::new(Emission::new(&scenario.layout));
        Vm::new(Arc::new(scenario), emission, &Fixed)
    }

    /// Does something in a process in which A's image is loaded.
    fn with_image(act: impl Fn(&mut VmProcess<'_>)) -> Vm {
        let vm = vm();
        let program = vm.emission.program.clone();
        let mut drive = |process: &mut VmProcess<'_>| {
            images::load(process, A).expect("the image loads");
            act(process);
        };
        Paper::new().run(&program, vm, host_call, &mut drive).expect("paper runs anything")
    }

    fn patched(vm: &Vm) -> Vec<(MethodId, Resolver)> {
        let cells = vm.trace.iter().filter_map(|step| match step {
            Step::CellPatched { method, by, .. } => Some((*method, *by)),
            _ => None,
        });
        cells.collect()
    }

    #[test]
    fn a_list_fails_where_an_import_is_missing() {
        let mut vm = vm();
        let facts = vm.facts.clone();
        let function = |method| {
            let is = |body: &CompiledBody| body.method == Some(method);
            let mut images = facts.images.iter();
            let found = images.find_map(|image| image.bodies.position(is));
            found.expect("it has a compiled body")
        };
        assert!(fixup_delay_list(&mut vm, A, function(PLAIN)));
        assert!(vm.trace.is_empty());
        assert!(!fixup_delay_list(&mut vm, B, function(REJECTED)));
        assert_eq!(vm.trace, [Step::Rejected { method: REJECTED }]);
    }

    #[test]
    fn an_eager_cell_is_resolved_once_and_to_what_it_imports() {
        let vm = with_image(|process| {
            let mut resolved = |import| {
                let once = resolve(process, A, import).expect("it resolves");
                assert_eq!(resolve(process, A, import).expect("it has been"), once);
                once.expect("the image imports it")
            };
            let plain = resolved(Import::MethodEntry(PLAIN));
            let uco = resolved(Import::MethodEntry(UCO));
            let shared = resolved(Import::MethodEntry(SHARED));
            let stub = resolved(Import::InstantiatingStub(SHARED));
            let pep = |process: &mut VmProcess<'_>, method| {
                FunctionPointer::from(method_pep(process, method).expect("its assembly is loaded"))
            };
            assert_eq!(plain, pep(process, PLAIN));
            assert_ne!(uco, pep(process, UCO), "native code calls a table index");
            // Calls of shared code bring the context; a pointer's caller has none.
            assert_eq!(shared, pep(process, SHARED));
            assert_ne!(stub, shared);
        });
        let by = Resolver::LoadDynamicInfoEntry;
        assert_eq!(patched(&vm), [(PLAIN, by), (UCO, by), (SHARED, by), (SHARED, by)]);
    }

    #[test]
    fn what_an_image_does_not_import_is_not_resolved() {
        let vm = with_image(|process| {
            let found = resolve(process, A, Import::PInvokeTarget(PLAIN));
            assert_eq!(found.expect("nothing happens"), None);
        });
        assert_eq!(patched(&vm), []);
    }

    #[test]
    fn a_caller_is_prepared_once() {
        let vm = with_image(|process| {
            calls::prepare_caller(process, SiteId(0)).expect("its fixups resolve");
            let imports = &process.vm().facts.images[A];
            let rva = imports.rva_of(Import::MethodEntry(PLAIN)).expect("the image imports it");
            let cell = cell_address(process, A, rva).expect("the image is loaded");
            write_u32(process, cell, 0).expect("the cell can be written");
            calls::prepare_caller(process, SiteId(0)).expect("nothing happens");
            assert_eq!(read_u32(process, cell), Ok(0));
        });
        assert_eq!(patched(&vm), [(PLAIN, Resolver::LoadDynamicInfoEntry)]);
    }
}
