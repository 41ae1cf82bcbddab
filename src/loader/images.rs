//! Loading an image: host, relocation, registration.

use super::memory::{read_u32, write_u32};
use super::observation::Place;
use super::trace::Step;
use super::{MethodAddresses, Vm, VmProcess, fixups, thunks, types};
use crate::engine::Trap;
use crate::image::FunctionId;
use crate::image::facts::ImageFacts;
use crate::image::helpers::Helper;
use crate::image::map::GUARD;
use crate::image::payload::{
    HEADERS, REL_HIGHLOW, REL_WASM32_TABLE, TABLE_BASE, VIRTUAL_IPS_A_FUNCTION,
    decode_method_entry, relocation_section,
};
use crate::image::pep::{CHUNK_SIZE, CODE_DATA_SIZE, METHOD_DESC_SIZE, PEP_GUARD, PEP_SIZE};
use crate::image::words::{
    Address, ImageBase, MethodDescAddress, PepAddress, Rva, TableIndex, VirtualIp,
};
use crate::scenario::{AssemblyId, MethodId};

/// `s_nextVirtualIP` at the start (#128423): odd, with the top bit set.
pub const FIRST_VIRTUAL_IP: u32 = 0x8000_0001;

/// An image in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadedImage {
    /// Where its payload lies.
    pub image_base: ImageBase,
    /// Bytes of payload.
    pub size: u32,
    /// Its first table slot.
    pub table_base: TableIndex,
    /// Table slots it takes.
    pub table_size: u32,
    /// `m_minFunctionTableIndex`: the slot of compiled function 0.
    pub min_function_index: TableIndex,
    /// The module pointer that the `Module` cell holds.
    pub module: Address,
    /// `MinVirtualIP`.
    pub min_virtual_ip: VirtualIp,
    /// Virtual IPs it takes.
    pub virtual_ips: u32,
}

impl LoadedImage {
    /// The address of `size` bytes at an RVA, if they lie in the image
    /// (`WebcilDecoder::CheckRva`).
    pub fn address(&self, rva: Rva, size: u32) -> Option<Address> {
        let end = rva.get().checked_add(size)?;
        (end <= self.size).then(|| self.image_base.at(rva))
    }

    /// The table index of a compiled function. One past 32 bits wraps, as upstream's does.
    pub fn function(&self, id: FunctionId) -> TableIndex {
        self.min_function_index.plus(id.0)
    }

    /// The word at this address lies in the image.
    // mutants: only a hostile image gets there: `fuzz/src/image.rs`
    pub fn has_word_at(&self, address: Address) -> bool {
        let rva = address.behind(self.image_base).map(Rva::new);
        rva.is_some_and(|rva| self.address(rva, 4).is_some())
    }
}

/// The same, and the process ends if they do not.
pub(super) fn address(
    process: &mut VmProcess<'_>,
    image: &LoadedImage,
    rva: Rva,
    size: u32,
) -> Result<Address, Trap> {
    image.address(rva, size).ok_or_else(|| process.vm().abort("an RVA lies outside its image"))
}

/// The word at an RVA.
fn word(process: &mut VmProcess<'_>, image: &LoadedImage, rva: Rva) -> Result<u32, Trap> {
    let at = address(process, image, rva, 4)?;
    read_u32(process, at)
}

/// The host fetches and instantiates an assembly's image; the runtime
/// relocates and registers it, and makes MethodDescs and entry points for its methods.
pub fn load(process: &mut VmProcess<'_>, assembly: AssemblyId) -> Result<(), Trap> {
    start_runtime(process)?;
    let facts = process.vm().facts.clone();
    let facts = &facts.images[assembly];
    let image = instantiate(process, assembly, facts)?;
    relocate(process, &image)?;
    register(process, assembly, facts, image)?;
    create_methods(process, facts)?;
    types::create(process, assembly)?;
    if !process.vm().ready_to_run() {
        return Ok(());
    }
    // Virtual-IP ranges are registered before eager fixups publish entry points (#132172).
    fixups::resolve_eager_imports(process, assembly)?;
    inject_string_thunks(process, facts, &image)?;
    thunks::resolve_pending(process)
}

/// `libCorerun.js`: the table grows by the image's size at its end, the
/// payload goes to 16-aligned memory, and the host patches `TableBase` into its header.
fn instantiate(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    facts: &ImageFacts,
) -> Result<LoadedImage, Trap> {
    let vm = process.vm();
    let (size, table_size) = (facts.payload_size, facts.table_size);
    let image_base = ImageBase::made_at(vm.allocate(size));
    let module = vm.allocate(16);
    let table_base = process.table_grow(table_size);
    process.instantiate(assembly.into(), image_base, table_base)?;
    let image = LoadedImage {
        image_base,
        size,
        table_base,
        table_size,
        min_function_index: TableIndex::NONE,
        module,
        min_virtual_ip: VirtualIp::default(),
        virtual_ips: 0,
    };
    if process.vm().patches_table_base() {
        let at = address(process, &image, TABLE_BASE, 4)?;
        write_u32(process, at, table_base.get())?;
    }
    process.vm().trace.push(Step::Loaded { assembly, image_base, table_base });
    Ok(image)
}

/// `ApplyBaseRelocations` (peimagelayout.cpp): HIGHLOW adds the image base,
/// WASM32_TABLE what the header's `TableBase` says.
// mutants: only a hostile image gets there: `fuzz/src/image.rs`
fn relocate(process: &mut VmProcess<'_>, image: &LoadedImage) -> Result<(), Trap> {
    const HEADER: u32 = 8;
    let table_base = word(process, image, TABLE_BASE)?;
    let headers = address(process, image, Rva::default(), HEADERS as u32)?;
    let found =
        process.read(headers.get(), HEADERS as u32)?.first_chunk().and_then(relocation_section);
    let Some((rva, size)) = found else {
        return Err(process.vm().abort("a payload has no webcil headers"));
    };
    let section = address(process, image, rva, size)?;
    let mut done = 0;
    while done < size {
        let (block, left) = (section.at(done), size - done);
        let (page, size) = match left {
            ..HEADER => (0, 0),
            _ => (read_u32(process, block)?, read_u32(process, block.at(4))?),
        };
        if !(HEADER..=left).contains(&size) || !size.is_multiple_of(2) {
            return Err(process.vm().abort("a relocation block does not fit its section"));
        }
        for entry in (HEADER..size).step_by(2) {
            let mut bytes = [0; 2];
            process.read_into(block.at(entry).get(), &mut bytes)?;
            let entry = u16::from_le_bytes(bytes);
            let addend = match entry >> 12 {
                REL_HIGHLOW => image.image_base.get(),
                REL_WASM32_TABLE => table_base,
                _ => continue,
            };
            let rva = Rva::new(page).plus(u32::from(entry & 0xfff));
            let target = address(process, image, rva, 4)?;
            let value = read_u32(process, target)?;
            write_u32(process, target, value.wrapping_add(addend))?;
        }
        done += size;
    }
    Ok(())
}

/// `ReadyToRunInfo`: reads the table index of compiled function 0, already
/// relocated, and registers the image's ranges.
fn register(
    process: &mut VmProcess<'_>,
    assembly: AssemblyId,
    facts: &ImageFacts,
    mut image: LoadedImage,
) -> Result<(), Trap> {
    let first = word(process, &image, facts.min_function_index)?;
    image.min_function_index = TableIndex::new(first);
    let vm = process.vm();
    image.min_virtual_ip = VirtualIp::new(vm.next_virtual_ip);
    let taken = facts.runtime_functions.checked_mul(VIRTUAL_IPS_A_FUNCTION).and_then(|ips| {
        image.virtual_ips = ips;
        vm.next_virtual_ip.checked_add(ips.checked_next_multiple_of(0x1_0000)?.max(0x1_0000))
    });
    vm.next_virtual_ip = taken.ok_or_else(|| vm.abort("no virtual IPs are left"))?;
    vm.images[assembly] = Some(image);
    Ok(())
}

/// The assembly's methods.
fn create_methods(process: &mut VmProcess<'_>, facts: &ImageFacts) -> Result<(), Trap> {
    for &method in &facts.methods {
        let addresses = create_method(process)?;
        let behind = addresses.pep.at(PEP_SIZE).get();
        let vm = process.vm();
        vm.methods[method] = Some(addresses);
        vm.guards.push((behind..behind + PEP_GUARD, Place::BehindEntryPoint(method)));
    }
    Ok(())
}

/// A MethodDesc with its chunk, code data and cold portable entry point.
// mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to the
// same size
pub(super) fn create_method(process: &mut VmProcess<'_>) -> Result<MethodAddresses, Trap> {
    let vm = process.vm();
    let chunk = vm.allocate(CHUNK_SIZE + METHOD_DESC_SIZE);
    let method_desc = MethodDescAddress::made_at(chunk.at(CHUNK_SIZE));
    let code_data = vm.allocate(CODE_DATA_SIZE);
    let pep = PepAddress::made_at(vm.allocate(PEP_SIZE + PEP_GUARD));
    method_desc.init(process, code_data, pep)?;
    pep.init(process, method_desc)?;
    process.write(pep.at(PEP_SIZE).get(), &[GUARD; PEP_GUARD as usize])?;
    Ok(MethodAddresses { pep, method_desc })
}

/// Once: entry points of the JIT's helpers (`Init(void* nativeEntryPoint)`,
/// without a MethodDesc), and the transition thunks that the runtime brings.
fn start_runtime(process: &mut VmProcess<'_>) -> Result<(), Trap> {
    if process.vm().helper_peps[0] != PepAddress::default() {
        return Ok(());
    }
    for (i, helper) in Helper::JIT.into_iter().enumerate() {
        let vm = process.vm();
        let pep = PepAddress::made_at(vm.allocate(PEP_SIZE));
        vm.helper_peps[i] = pep;
        pep.init(process, MethodDescAddress::default())?;
        pep.set_actual_code(process, helper.slot())?;
    }
    let vm = process.vm();
    for (key, slot) in &vm.facts.runtime.transition_thunks {
        vm.thunks.register(key, *slot);
    }
    Ok(())
}

/// `READYTORUN_FIXUP_InjectStringThunks`: (NUL-terminated key, u32 function index)*, then an empty
/// key.
fn inject_string_thunks(
    process: &mut VmProcess<'_>,
    facts: &ImageFacts,
    image: &LoadedImage,
) -> Result<(), Trap> {
    let table_base = TableIndex::new(word(process, image, TABLE_BASE)?);
    let len = facts.string_thunks_size;
    let start = address(process, image, facts.string_thunks, len)?;
    let blob = process.read(start.get(), len)?.into_owned();
    let mut rest = blob.as_slice();
    while let Some(nul) = rest.iter().position(|&b| b == 0) {
        let (key, tail) = (&rest[..nul], &rest[nul + 1..]);
        if key.is_empty() {
            break;
        }
        let (Ok(key), Some(index)) = (std::str::from_utf8(key), tail.first_chunk::<4>()) else {
            return Err(process.vm().abort("a string-thunk blob is malformed"));
        };
        let index = table_base.plus(u32::from_le_bytes(*index));
        process.vm().thunks.register(key, index);
        rest = &tail[4..];
    }
    Ok(())
}

/// `ReadyToRunInfo::GetEntryPoint`: the table index of a method's compiled
/// body, `GetMinFunctionTableIndex() + id`, if its image has one that is not rejected.
pub fn ready_to_run_body(
    process: &mut VmProcess<'_>,
    method: MethodId,
) -> Result<Option<TableIndex>, Trap> {
    let vm = process.vm();
    let assembly = vm.scenario.layout.method(method).assembly;
    if !vm.ready_to_run() {
        return Ok(None);
    }
    let Some(image) = vm.images[assembly] else { return Ok(None) };
    let facts = &vm.facts.images[assembly];
    let functions = facts.runtime_functions;
    let Some(rid) = facts.methods.iter().position(|&m| m == method) else { return Ok(None) };
    let entry = facts.method_entries.plus(4 * rid as u32);
    let Some((id, has_fixups)) = decode_method_entry(word(process, &image, entry)?) else {
        return Ok(None);
    };
    if id.0 >= functions {
        return Err(process.vm().abort("a method entry names no RUNTIME_FUNCTION"));
    }
    if has_fixups && !fixups::fixup_delay_list(process.vm(), assembly, id) {
        return Ok(None);
    }
    Ok(Some(image.function(id)))
}

/// `ExecutionManager::GetWasmFunctionTableIndexFromVirtualIP`.
// mutants: a table index is no virtual IP, and no index that is asked for lies past the image's
pub fn table_index_of_virtual_ip(vm: &Vm, ip: VirtualIp) -> Option<TableIndex> {
    vm.images.iter().flatten().find_map(|image| {
        let offset = ip.behind(image.min_virtual_ip)?;
        let inside = offset < image.virtual_ips;
        inside.then(|| image.function(FunctionId(offset / VIRTUAL_IPS_A_FUNCTION)))
    })
}

/// `GetWasmVirtualIPFromFunctionTableIndex`, for the same ranges.
// mutants: a table index is no virtual IP, and no index that is asked for lies past the image's
pub fn virtual_ip_of_table_index(vm: &Vm, index: TableIndex) -> Option<VirtualIp> {
    vm.images.iter().flatten().find_map(|image| {
        let local = index.behind(image.min_function_index)?;
        let inside = local < image.virtual_ips / VIRTUAL_IPS_A_FUNCTION;
        inside.then(|| image.min_virtual_ip.plus(local * VIRTUAL_IPS_A_FUNCTION))
    })
}

/// The method whose compiled body a frame is of, as a stack walk finds it: the table index in the
/// frame's header gives the function's first virtual IP, with the local one (in units of two) the
/// frame's, and that a RUNTIME_FUNCTION and its method (`vm/codeman.cpp`, #128423).
pub fn method_of_frame(
    process: &mut VmProcess<'_>,
    frame: Address,
) -> Result<Option<MethodId>, Trap> {
    let (index, local) = (read_u32(process, frame)?, read_u32(process, frame.at(4))?);
    let vm = process.vm();
    let start = virtual_ip_of_table_index(vm, TableIndex::new(index));
    let ip = start.map(|start| start.plus(local.wrapping_mul(2)));
    Ok(ip.and_then(|ip| method_of_virtual_ip(vm, ip)))
}

fn method_of_virtual_ip(vm: &Vm, ip: VirtualIp) -> Option<MethodId> {
    let (image, function) = function_of_table_index(vm, table_index_of_virtual_ip(vm, ip)?)?;
    vm.facts.images[image].bodies.get(function)?.method
}

/// The assembly whose image filled a slot of the table, and which function of the image that is.
pub(crate) fn function_of_table_index(
    vm: &Vm,
    index: TableIndex,
) -> Option<(AssemblyId, FunctionId)> {
    vm.images.enumerated().find_map(|(assembly, image)| {
        let image = image.as_ref()?;
        let function = index.behind(image.table_base)?;
        (function < image.table_size).then_some((assembly, FunctionId(function)))
    })
}
