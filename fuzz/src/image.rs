//! Hostile images: what an emitter wrote, spoilt, and loaded where nobody expects it.
//!
//! The first [`EDITS`] × [`EDIT`] bytes of an input say what is done to the images, to
//! their place and to the order of events; the rest is a scenario in binary form, or
//! what bytes generate. The loader must end with an error or a trap: no panic, no long
//! loop, and no write by the load of an image to what is not the loader's or that image's.

use std::cell::RefCell;
use std::sync::Arc;

use arbitrary::Unstructured;
use calliper::inside::{
    AssemblyId, CODE_DATA_SIZE, Emission, Engine, Event, Facts, HEADERS, HEAP_ALIGNMENT, ImageBase,
    METHOD_DESC_SIZE, Memory, MemoryView, Module, ModuleId, OBJECT_SIZE, PEP_GUARD, PEP_SIZE,
    Paper, Process, Program, Rva, TABLE_BASE, TableIndex, Trap, Vm, VmProcess, host_call,
    object_address, relocation_section, run_script,
};
use calliper::{Fault, Fixed, Loader, Scenario, decode_any_binary, fixup, generate};

/// Edits that an input starts with.
pub const EDITS: usize = 8;
/// Bytes of an edit: what, which image, a 16-bit place, a 32-bit value.
pub const EDIT: usize = 8;

thread_local! {
    /// Kept for its buffers.
    static PAPER: RefCell<Paper<Vm>> = RefCell::new(Paper::new());
}

/// The most slots that the table grows by before the first image is loaded.
const MAX_GROWTH: u32 = 1 << 16;

/// Loads one input's images and runs its script.
///
/// # Panics
/// When a load writes where it must not.
pub fn run(data: &[u8]) {
    let (edits, rest) = data.split_at(data.len().min(EDITS * EDIT));
    let mut case = Case::new(rest, edits);
    for edit in edits.chunks_exact(EDIT) {
        case.apply(Edit::read(edit));
    }
    case.run();
}

/// One change.
#[derive(Clone, Copy)]
struct Edit {
    what: u8,
    which: u8,
    at: u16,
    value: u32,
}

impl Edit {
    fn read(bytes: &[u8]) -> Self {
        let value = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let at = u16::from_le_bytes([bytes[2], bytes[3]]);
        Self { what: bytes[0], which: bytes[1], at, value }
    }

    /// Which of so many, if there is one.
    fn place(self, count: usize) -> Option<usize> {
        usize::from(self.at).checked_rem(count)
    }

    /// A word that is often at the edge of something of this size.
    fn word(self, size: u32) -> u32 {
        let small = self.value >> 24;
        match self.value % 8 {
            0 => small,
            1 => u32::MAX - small,
            2 => size.wrapping_add(small),
            3 => size.wrapping_sub(small),
            4 => 0x8000_0000 ^ small,
            _ => self.value >> 3,
        }
    }
}

/// What the loader is told, to change it.
fn alone(facts: &mut Arc<Facts>) -> &mut Facts {
    Arc::get_mut(facts).expect("nobody else has it yet")
}

/// What is run.
struct Case {
    scenario: Scenario,
    emission: Emission,
    loader: &'static dyn Loader,
    table_growth: u32,
}

impl Case {
    fn new(rest: &[u8], edits: &[u8]) -> Self {
        let scenario = match decode_any_binary(rest) {
            Ok(mut scenario) => {
                fixup(&mut scenario);
                scenario
            }
            Err(_) => generate(&mut Unstructured::new(rest)),
        };
        let loader = loader(edits);
        let emission = Emission::by(&scenario.layout, loader.compiler());
        Self { scenario, emission, loader, table_growth: 0 }
    }

    fn apply(&mut self, edit: Edit) {
        match edit.what % 24 {
            0..16 => self.edit_image(edit),
            16 => {
                let map = &mut alone(&mut self.emission.facts).map;
                map.heap = edit.word(map.end);
            }
            17 => self.table_growth = edit.value % MAX_GROWTH,
            18 => self.repeat_load(edit),
            19 => self.move_event(edit),
            // Nothing to be done, or another loader.
            _ => {}
        }
    }

    /// Changes a payload, or what the loader is told of it (upstream reads that in the image as
    /// well).
    fn edit_image(&mut self, edit: Edit) {
        let program = Arc::get_mut(&mut self.emission.program).expect("nobody else has it yet");
        let Some(image) = usize::from(edit.which).checked_rem(program.images.len()) else { return };
        let payload = &mut program.images[image.into()].payload;
        let facts = &mut alone(&mut self.emission.facts).images[image.into()];
        let len = payload.len();
        let word = edit.word(len as u32);
        match edit.what % 24 {
            0 => {}
            1 => put(payload, edit.place(len), &[word as u8]),
            2 => put(payload, edit.place(len / 4).map(|i| 4 * i), &word.to_le_bytes()),
            3 => put(payload, Some(TABLE_BASE.get() as usize), &word.to_le_bytes()),
            kind @ (4 | 5) => {
                let unit = if kind == 4 { 4 } else { 2 };
                let at = relocation(edit, payload, unit);
                put(payload, at, &word.to_le_bytes()[..unit]);
            }
            6 => {
                let cell = edit.place(facts.cells.len()).map(|i| facts.cells[i].rva.get() as usize);
                put(payload, cell, &word.to_le_bytes());
            }
            7 => {
                let entry = edit.place(facts.methods.len());
                let entry = entry.map(|i| facts.method_entries.get() as usize + 4 * i);
                put(payload, entry, &word.to_le_bytes());
            }
            8 => {
                let blob = facts.string_thunks_size;
                let at = edit.place(blob as usize).map(|i| facts.string_thunks.get() as usize + i);
                put(payload, at, &[word as u8]);
            }
            9 => {
                // The records of import thunks and lookups, behind the cells.
                let start = facts.cells.last().map_or(0, |cell| cell.rva.get() + 4);
                let words = facts.min_function_index.get().saturating_sub(start) as usize / 4;
                put(
                    payload,
                    edit.place(words).map(|i| start as usize + 4 * i),
                    &word.to_le_bytes(),
                );
            }
            10 => {
                payload.resize(edit.at.into(), word as u8);
                facts.payload_size = payload.len() as u32;
            }
            11 => facts.string_thunks_size = word,
            12 => {
                let half = edit.place(HEADERS / 2).map(|i| 2 * i);
                put(payload, half, &word.to_le_bytes()[..2]);
            }
            13 => facts.string_thunks = Rva::new(word),
            14 => facts.min_function_index = Rva::new(word),
            15 if edit.value & 8 == 0 => facts.method_entries = Rva::new(word),
            _ => facts.runtime_functions = word,
        }
    }

    fn repeat_load(&mut self, edit: Edit) {
        let loads = self.scenario.script.iter().filter(|event| matches!(event, Event::Load(_)));
        let loads: Vec<Event> = loads.cloned().collect();
        if let (Some(load), Some(to)) =
            (edit.place(loads.len()), (edit.value as usize).checked_rem(self.scenario.script.len()))
        {
            self.scenario.script.insert(to, loads[load].clone());
        }
    }

    fn move_event(&mut self, edit: Edit) {
        let script = &mut self.scenario.script;
        if let (Some(from), Some(to)) =
            (edit.place(script.len()), (edit.value as usize).checked_rem(script.len()))
        {
            let event = script.remove(from);
            script.insert(to, event);
        }
    }

    fn run(self) {
        let Self { scenario, emission, loader, table_growth } = self;
        let program = emission.program.clone();
        let vm = Vm::new(Arc::new(scenario), Arc::new(emission), loader);
        let mut drive = |process: &mut VmProcess<'_>| {
            process.table_grow(table_growth);
            run_script(&mut Watched { process, program: program.clone(), loading: None });
        };
        let outcome = PAPER.with_borrow_mut(|paper| paper.run(&program, vm, host_call, &mut drive));
        outcome.expect("the paper engine takes every program");
    }
}

/// The loader that the edits ask for: the repaired one, or one with a fault.
fn loader(edits: &[u8]) -> &'static dyn Loader {
    let wanted = edits.chunks_exact(EDIT).map(Edit::read).find(|edit| edit.what % 24 == 20);
    let fault = wanted.and_then(|edit| Fault::all().get(edit.place(Fault::all().len())?));
    fault.map_or(&Fixed, |fault| fault.loader)
}

/// Overwrites bytes of a payload that has been cut short, perhaps.
fn put(payload: &mut [u8], at: Option<usize>, bytes: &[u8]) {
    let Some(at) = at else { return };
    if let Some(target) = payload.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        target.copy_from_slice(bytes);
    }
}

/// A unit of the relocation section, as long as there is one.
fn relocation(edit: Edit, payload: &[u8], unit: usize) -> Option<usize> {
    let (start, size) = relocation_section(payload.first_chunk()?)?;
    edit.place(size as usize / unit)?.checked_mul(unit)?.checked_add(start.get() as usize)
}

/// An image while it is loaded.
#[derive(Clone, Copy)]
struct Loading {
    module: ModuleId,
    image_base: ImageBase,
    image_end: u32,
}

/// A process whose writes are looked at while an image is loaded.
struct Watched<'a> {
    process: &'a mut VmProcess<'a>,
    program: Arc<Program>,
    loading: Option<Loading>,
}

impl Watched<'_> {
    /// May the load of an image write here?
    fn allows(&mut self, loading: Loading, start: u32, end: u32) -> bool {
        let within = |from: u32, to: u32| from <= start && end <= to;
        if within(loading.image_base.get(), loading.image_end) {
            return true;
        }
        let vm = self.process.vm();
        let image = vm.images()[AssemblyId(loading.module.0)];
        if image.is_none_or(|image| image.image_base != loading.image_base) {
            // It is not registered yet: this is a relocation.
            return false;
        }
        let module = image.map(|image| image.module).unwrap_or_default();
        let fresh = within(module.at(16).get(), vm.heap_end().get());
        let callee = vm.callees().any(|(_, at)| {
            let (pep, method_desc) = (at.pep.get(), at.method_desc.get());
            let code_data = (method_desc + METHOD_DESC_SIZE).next_multiple_of(HEAP_ALIGNMENT);
            within(pep, pep + PEP_SIZE + PEP_GUARD)
                || within(method_desc, code_data + CODE_DATA_SIZE)
        });
        let mut objects = vm.scenario.layout.classes.ids().map(object_address);
        fresh || callee || objects.any(|at| within(at, at + OBJECT_SIZE))
    }
}

impl Memory for Watched<'_> {
    fn read_into(&self, address: u32, into: &mut [u8]) -> Result<(), Trap> {
        self.process.read_into(address, into)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        self.process.as_slice()
    }
}

impl Process<Vm> for Watched<'_> {
    fn state(&mut self) -> &mut Vm {
        self.process.state()
    }

    fn split(&mut self) -> (MemoryView<'_>, &mut Vm) {
        self.process.split()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.process.write(address, bytes)?;
        if let Some(loading) = self.loading {
            // It is in bounds of memory, so that the sum is one.
            let end = address + bytes.len() as u32;
            let Loading { image_base, image_end, .. } = loading;
            assert!(
                self.allows(loading, address, end),
                "the load of the image at {image_base}..{image_end:#x} writes to {address:#x}..{end:#x}"
            );
        }
        Ok(())
    }

    fn table_len(&mut self) -> u32 {
        self.process.table_len()
    }

    fn table_grow(&mut self, n: u32) -> TableIndex {
        self.process.table_grow(n)
    }

    fn instantiate(
        &mut self,
        module: ModuleId,
        memory_base: ImageBase,
        table_base: TableIndex,
    ) -> Result<(), Trap> {
        self.process.instantiate(module, memory_base, table_base)?;
        let Module { payload, .. } = &self.program.images[module];
        let image_end = memory_base.get() + payload.len() as u32;
        self.loading = Some(Loading { module, image_base: memory_base, image_end });
        Ok(())
    }

    fn call(&mut self, index: TableIndex, arguments: [u32; 3]) -> Result<(), Trap> {
        self.process.call(index, arguments)
    }

    fn stack_pointer(&mut self) -> u32 {
        self.process.stack_pointer()
    }

    /// The script does this at the end of each event.
    fn set_stack_pointer(&mut self, value: u32) {
        self.loading = None;
        self.process.set_stack_pointer(value);
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::seeds::{Form, regressions};
    use crate::{random_inputs, spoil};

    #[test]
    fn smoke() {
        for data in random_inputs(2000) {
            run(&data);
        }
        for seed in regressions(Form::Image) {
            run(&seed.bytes);
            spoil(&seed.bytes, 50, run);
        }
    }

    /// Compiled code asks for the slot of a method that there is not: its record was spoilt.
    #[test]
    fn a_token_without_a_method_is_a_trap() {
        run(&NO_SUCH_METHOD);
    }

    #[rustfmt::skip]
    const NO_SUCH_METHOD: [u8; 102] = [
        0, 0, 1, 15, 73, 110, 105, 116, 67, 108, 97, 115, 115, 72, 101, 108, 112, 101, 114, 0,
        0, 0, 2, 4, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 0, 0, 0,
        0, 0, 0, 0, 2, 4, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 156, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 59, 0, 0, 0, 0,
        0, 0,
    ];
}
