//! The VM's side of the runtime module's one host import.

use super::observation::{Body, Entry};
use super::{VmProcess, calls, delegates, fixups, images, interpreter};
use crate::engine::{Memory, MemoryView, Trap};
use crate::image::bodies::block;
use crate::image::host::HostFunction;
use crate::image::words::{
    Address, ArgsAddress, FunctionPointer, ImageBase, ObjectAddress, PepAddress, Rva,
};
use crate::scenario::{Code, meaning};

/// A call of the runtime module's one host import.
///
/// # Errors
/// The trap that ends the process.
pub fn host_call(
    process: &mut VmProcess<'_>,
    function: u32,
    arguments: [u32; 4],
) -> Result<u32, Trap> {
    let [a, b, c, d] = arguments;
    let Some(function) = HostFunction::from_repr(function) else {
        return Err(process.vm().abort("unknown host function"));
    };
    match function {
        HostFunction::Probe => probe(process, a, Address::new(b)).map(|()| 0),
        HostFunction::ExternalMethodFixupWorker => {
            let (block, pep) = (Address::new(a), PepAddress::new(b));
            let (base, cell) = (ImageBase::new(c), Rva::new(d));
            fixups::external_method_fixup_worker(process, block, pep, base, cell)
                .map(PepAddress::get)
        }
        HostFunction::ExecuteInterpretedMethodWithArgs => {
            let (pep, block, ret) = (PepAddress::new(a), Address::new(b), Address::new(d));
            interpreter::execute_with_args(process, pep, block, ret).map(|()| 0)
        }
        HostFunction::ExecuteInterpretedMethodFromUnmanaged => {
            let (args, ret) = (ArgsAddress::new(b), Address::new(d));
            interpreter::execute_from_unmanaged(process, a, args, ret).map(|()| 0)
        }
        HostFunction::VirtualFunctionPointer => {
            let method = process.vm().method_by_token(b)?;
            fixups::virtual_function_pointer(process, ObjectAddress::new(a), method)
                .map(FunctionPointer::get)
        }
        HostFunction::DelegateConstruct => {
            let (variable, object) = (Address::new(a), ObjectAddress::new(b));
            delegates::construct(process, variable, object, FunctionPointer::new(c), d != 0)
                .map(|()| 0)
        }
        HostFunction::GenericLookup => fixups::generic_lookup(process, Address::new(b)),
    }
}

/// A compiled body reports: keeps what it saw, and writes its result behind its arguments.
// mutants: who ran a body, for the account; `src/tests/oracle.rs` and `src/tests/states.rs` look
// at it
fn probe(process: &mut VmProcess<'_>, token: u32, at: Address) -> Result<(), Trap> {
    let vm = process.vm();
    let method = vm.method_by_token(token)?;
    let layout = &vm.scenario.layout;
    let size = meaning::arguments_size(layout, &layout.method(method).signature);
    let native = layout.method(method).code == Code::Native;
    let mut hidden = [0; block::ARGUMENTS as usize];
    process.read_into(at.get(), &mut hidden)?;
    let word = |offset: u32| {
        let bytes = hidden[offset as usize..].first_chunk();
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let [stack_pointer, entry_point, return_buffer] =
        [block::STACK_POINTER, block::ENTRY_POINT, block::RETURN_BUFFER].map(word);
    let entry_point = PepAddress::new(entry_point);
    let body = if native { Body::Native { entry_point } } else { Body::ReadyToRun { entry_point } };
    let return_buffer = Address::new(return_buffer);
    let entry = Entry { method, body, stack_pointer, return_buffer, ..Entry::default() };
    let arguments = at.at(block::ARGUMENTS);
    let frame = Address::new(at.get().wrapping_sub(block::AT));
    if !native && images::method_of_frame(process, frame)? != Some(method) {
        return Err(process.vm().abort("a stack walk does not know a compiled frame's method"));
    }
    let result = answer(process, entry, Some(frame), |memory, seen| {
        seen.extend_from_slice(&memory.read(arguments.get(), size)?);
        Ok(())
    })?;
    process.write(arguments.at(size).get(), &result)
}

/// Records that a body was entered with the arguments that `read` appends, makes
/// the calls that it makes, and gives the bytes of its result. What compiled
/// code calls finds its `frame` published.
pub(super) fn answer(
    process: &mut VmProcess<'_>,
    mut entry: Entry,
    frame: Option<Address>,
    read: impl FnOnce(MemoryView<'_>, &mut Vec<u8>) -> Result<(), Trap>,
) -> Result<Vec<u8>, Trap> {
    let (memory, vm) = process.split();
    let bytes = &mut vm.observation.bytes;
    let start = bytes.len();
    let outcome = read(memory, bytes);
    entry.arguments = start..bytes.len();
    entry.call = vm.running.last().map(|running| running.call);
    let mut result = Vec::new();
    meaning::push_result(&vm.scenario.layout, entry.method, &bytes[start..], &mut result);
    outcome?;
    vm.observation.entries.push(entry);
    calls::inside(process, frame)?;
    Ok(result)
}
