//! The two resolvers of import cells.
//!
//! They store different things for the same fixup kind: the eager one hands
//! out what `ldftn` needs, the lazy one what a call needs.

use super::trace::{Resolver, Step};
use super::words::{FunctionPointer, PepAddress};
use super::{entry, method_pep};
use crate::engine::{Process, Trap, read_u32, write_u32};
use crate::image::facts::Import;
use crate::image::runtime::Helper;
use crate::scenario::{AssemblyId, MethodId, SiteId};

/// The eager import section: helpers and the module pointer, when the image is loaded.
pub fn resolve_eager_imports(process: &mut dyn Process, assembly: AssemblyId) -> Result<(), Trap> {
    let emission = process.vm().emission.clone();
    let Some(image) = process.vm().images[assembly.index()] else { return Ok(()) };
    for cell in &emission.images[assembly.index()].cells {
        let value = match cell.import {
            Import::Module => image.module,
            // Thunks dereference the cell once: a raw table index.
            Import::ThunkHelper(helper) => helper.slot(),
            // The JIT dereferences it twice: an entry point.
            Import::JitHelper(helper) => jit_helper_pep(process, helper).0,
            Import::MethodEntry(_) | Import::LazyMethodEntry(_) => continue,
        };
        write_u32(process, image.image_base + cell.rva, value)?;
    }
    Ok(())
}

fn jit_helper_pep(process: &mut dyn Process, helper: Helper) -> PepAddress {
    let position = Helper::JIT.iter().position(|&h| h == helper);
    position.map_or(PepAddress(0), |i| process.vm().helper_peps[i])
}

/// Prepares the compiled method that holds a site: resolves its fixup list.
/// Resolver A, `jitinterface.cpp` `LoadDynamicInfoEntry`.
pub fn prepare_caller(process: &mut dyn Process, site: SiteId) -> Result<(), Trap> {
    let vm = process.vm();
    if std::mem::replace(&mut vm.prepared_callers[site.index()], true) {
        return Ok(());
    }
    let emission = vm.emission.clone();
    let Some((image, caller)) = emission.caller(site) else { return Ok(()) };
    for &rva in &caller.fixups {
        load_dynamic_info_entry(process, AssemblyId(image as u16), rva)?;
    }
    Ok(())
}

fn load_dynamic_info_entry(
    process: &mut dyn Process,
    assembly: AssemblyId,
    rva: u32,
) -> Result<(), Trap> {
    let vm = process.vm();
    let (Some(image), Some(cell)) =
        (vm.images[assembly.index()], vm.emission.images[assembly.index()].cell_at(rva))
    else {
        return Err(vm.abort("a fixup names no import cell"));
    };
    let Import::MethodEntry(method) = cell.import else { return Ok(()) };
    let address = image.image_base + rva;
    if read_u32(process, address)? != 0 {
        return Ok(());
    }
    let value = entry::multi_callable_address(process, method)?;
    patch(process, assembly, rva, method, value, Resolver::LoadDynamicInfoEntry)
}

/// Resolver B, `prestub.cpp` `ExternalMethodFixupWorker`: the first call
/// through a lazy cell. Always the portable entry point; knows nothing of UCO.
pub fn external_method_fixup_worker(
    process: &mut dyn Process,
    import_thunk: PepAddress,
    image_base: u32,
    module_cell: u32,
) -> Result<PepAddress, Trap> {
    let module = read_u32(process, image_base.wrapping_add(module_cell))?;
    let rva = read_u32(process, import_thunk.0.wrapping_add(4))?;
    let vm = process.vm();
    let found = vm.images.iter().position(|i| i.is_some_and(|i| i.module == module));
    let cell = found.and_then(|i| Some((i, *vm.emission.images[i].cell_at(rva)?)));
    let Some((i, cell)) = cell else {
        return Err(vm.abort("an import thunk names no import cell"));
    };
    let (Import::LazyMethodEntry(method) | Import::MethodEntry(method)) = cell.import else {
        return Err(vm.abort("an import thunk's cell imports no method"));
    };
    let pep = method_pep(process, method)?;
    let by = Resolver::ExternalMethodFixupWorker;
    patch(process, AssemblyId(i as u16), rva, method, pep.into(), by)?;
    entry::ensure_callable_from_r2r(process, method)?;
    Ok(pep)
}

fn patch(
    process: &mut dyn Process,
    assembly: AssemblyId,
    rva: u32,
    method: MethodId,
    value: FunctionPointer,
    by: Resolver,
) -> Result<(), Trap> {
    let vm = process.vm();
    let Some(image) = vm.images[assembly.index()] else { return Ok(()) };
    vm.trace.push(Step::CellPatched { assembly, rva, method, value, by });
    write_u32(process, image.image_base + rva, value.0)
}
