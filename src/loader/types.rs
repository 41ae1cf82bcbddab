//! MethodTables, and what their slots hold.
//!
//! Layout as a published build has it: 40 bytes (+12 number of virtuals, +16
//! parent, +20 module), then a pointer to the chunk of slots, each of which holds the
//! address of a portable entry point and is not patched by calling (measured).

use super::callee::{Callee, StubKind};
use super::memory::{read_u32, write_u32};
use super::observation::Place;
use super::{VmProcess, addresses, stubs};
use crate::engine::Trap;
use crate::image::map::GUARD;
use crate::image::words::{Address, ObjectAddress, PepAddress};
use crate::scenario::{AssemblyId, ClassId, ClassKind, MethodId, Slot, meaning};

/// Bytes of a MethodTable, in front of its chunk pointer.
pub const METHOD_TABLE_SIZE: u32 = 40;
const NUM_VIRTUALS: u32 = 12;
const PARENT: u32 = 16;
const MODULE: u32 = 20;

/// A class whose assembly is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedClass {
    /// Where its MethodTable lies.
    pub method_table: Address,
    /// The first method of each slot, in order.
    slots: Vec<MethodId>,
    /// What each slot leads to.
    entries: Vec<MethodId>,
}

/// Makes the MethodTables of an assembly's classes, and their instances.
pub fn create(process: &mut VmProcess<'_>, assembly: AssemblyId) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    for (id, class) in scenario.layout.classes.enumerated() {
        if class.assembly == assembly {
            create_class(process, id)?;
            if class.kind != ClassKind::Interface {
                create_instance(process, id)?;
            }
        }
    }
    Ok(())
}

// mutants: room that is larger, or that nothing else uses at the time, or that is rounded up to the
// same size
fn create_class(process: &mut VmProcess<'_>, id: ClassId) -> Result<(), Trap> {
    let scenario = process.vm().scenario.clone();
    let class = scenario.layout.class(id);
    let vm = process.vm();
    let module = vm.images[class.assembly].map(|image| image.module).unwrap_or_default();
    let base = class.base.and_then(|base| vm.classes[base].clone());
    let parent = base.as_ref().map(|base| base.method_table).unwrap_or_default();
    let (mut slots, mut entries) = base.map_or_else(Default::default, |b| (b.slots, b.entries));
    for (method, data) in scenario.layout.methods.enumerated() {
        match data.slot {
            _ if data.class != Some(id) => {}
            Slot::None => {}
            Slot::Virtual => {
                slots.push(method);
                entries.push(method);
            }
            Slot::Overrides(first) => {
                // An interface's methods have no slot of their own.
                if let Some(slot) = slots.iter().position(|&s| s == first) {
                    entries[slot] = method;
                }
            }
        }
    }
    let method_table = vm.allocate(METHOD_TABLE_SIZE + 4);
    let chunk = vm.allocate(4 * slots.len() as u32);
    write_u32(process, method_table.at(NUM_VIRTUALS), slots.len() as u32)?;
    write_u32(process, method_table.at(PARENT), parent.get())?;
    write_u32(process, method_table.at(MODULE), module.get())?;
    write_u32(process, method_table.at(METHOD_TABLE_SIZE), chunk.get())?;
    for (offset, &method) in (0..).step_by(4).zip(&entries) {
        let entry = receiver_entry(process, id, method)?;
        write_u32(process, chunk.at(offset), entry.get())?;
    }
    process.vm().classes[id] = Some(LoadedClass { method_table, slots, entries });
    Ok(())
}

fn create_instance(process: &mut VmProcess<'_>, id: ClassId) -> Result<(), Trap> {
    let object = ObjectAddress::new(meaning::object_address(id));
    let class = process.vm().classes[id].as_ref();
    let method_table = class.map(|class| class.method_table).unwrap_or_default();
    write_u32(process, object.at(0), method_table.get())?;
    let fields = object.at(4).get()..object.at(meaning::OBJECT_SIZE).get();
    process.write(fields.start, &[GUARD; meaning::OBJECT_SIZE as usize - 4])?;
    process.vm().guards.push((fields, Place::Object(id)));
    Ok(())
}

/// The entry point of a method that is called on an instance of `class`: of its
/// unboxing stub, where the instance is boxed.
fn receiver_entry(
    process: &mut VmProcess<'_>,
    class: ClassId,
    method: MethodId,
) -> Result<PepAddress, Trap> {
    let vm = process.vm();
    let layout = &vm.scenario.layout;
    let boxed = layout.is_boxed(method) && layout.method(method).class == Some(class);
    let callee = if boxed && vm.unboxes() {
        stubs::stub(process, StubKind::Unboxing(method))?
    } else {
        method.into()
    };
    addresses(process, callee).map(|a| a.pep)
}

/// The entry point of a method that is called on this receiver, boxed or not.
pub fn bound_entry(process: &mut VmProcess<'_>, method: MethodId) -> Result<PepAddress, Trap> {
    match process.vm().scenario.layout.method(method).class {
        Some(class) => receiver_entry(process, class, method),
        None => addresses(process, method.into()).map(|a| a.pep),
    }
}

/// The class whose MethodTable an object has.
fn class_of(process: &mut VmProcess<'_>, object: ObjectAddress) -> Result<ClassId, Trap> {
    let method_table = Address::new(read_u32(process, object.at(0))?);
    let vm = process.vm();
    let is = |c: &Option<LoadedClass>| c.as_ref().is_some_and(|c| c.method_table == method_table);
    let found = vm.classes.position(is);
    found.ok_or_else(|| vm.abort("a receiver has no MethodTable"))
}

/// Where the V-thunk of a slot reads: offsets of the chunk pointer in the
/// MethodTable, and of the slot in the chunk.
pub fn slot_offsets(
    process: &mut VmProcess<'_>,
    object: ObjectAddress,
    first: MethodId,
) -> Result<(u16, u16), Trap> {
    let class = class_of(process, object)?;
    let vm = process.vm();
    let slots = vm.classes[class].as_ref().map(|c| c.slots.as_slice()).unwrap_or_default();
    match slots.iter().position(|&slot| slot == first) {
        Some(slot) => Ok((METHOD_TABLE_SIZE as u16, 4 * slot as u16)),
        None => Err(vm.abort("the receiver has no such slot")),
    }
}

/// What a receiver's slot holds (`GetRestoredSlot`), or the interface resolver's answer.
pub fn slot_entry(
    process: &mut VmProcess<'_>,
    object: ObjectAddress,
    method: MethodId,
) -> Result<PepAddress, Trap> {
    let scenario = process.vm().scenario.clone();
    let layout = &scenario.layout;
    let first = match layout.method(method).slot {
        Slot::Overrides(first) => first,
        Slot::None | Slot::Virtual => method,
    };
    let interface = layout
        .method(first)
        .class
        .is_some_and(|class| layout.class(class).kind == ClassKind::Interface);
    if interface {
        let class = class_of(process, object)?;
        return resolve_interface(process, class, first);
    }
    let (table, slot) = slot_offsets(process, object, first)?;
    let method_table = Address::new(read_u32(process, object.at(0))?);
    let chunk = Address::new(read_u32(process, method_table.at(table.into()))?);
    read_u32(process, chunk.at(slot.into())).map(PepAddress::new)
}

/// The most derived override of an interface's method, or its own default body.
fn resolve_interface(
    process: &mut VmProcess<'_>,
    class: ClassId,
    first: MethodId,
) -> Result<PepAddress, Trap> {
    let scenario = process.vm().scenario.clone();
    let mut current = Some(class);
    while let Some(id) = current {
        let own = scenario.layout.methods.enumerated();
        for (method, data) in own {
            if data.class == Some(id) && data.slot == Slot::Overrides(first) {
                return receiver_entry(process, id, method);
            }
        }
        current = scenario.layout.class(id).base;
    }
    addresses(process, Callee::Method(first)).map(|a| a.pep)
}
