//! The account of a finding: what a person needs to act on it.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fmt;

use super::class::FindingClass;
use super::run::Run;
use super::value::{classify, slot_owner};
use crate::image::emission::Role;
use crate::image::facts::{Import, call_import};
use crate::image::pep::PepWords;
use crate::image::words::{Address, FunctionPointer, TableIndex};
use crate::loader::Vm;
use crate::loader::callee::Callee;
use crate::loader::trace::{Prestub, Resolver, Step, Writer};
use crate::reference::{self, Expectation, ExpectedEvent};
use crate::scenario::meaning::class_at;
use crate::scenario::{Action, Call, Convention, Dispatch, Event, MethodId, Site, SiteId};

/// An account, told by its `Display`.
pub(super) struct Account<'a> {
    pub run: &'a Run<'a>,
    pub expected: &'a Expectation,
    pub class: FindingClass,
    pub event: Option<usize>,
    /// Which of the expected calls.
    pub call: Option<usize>,
    pub site: Option<SiteId>,
    pub what: &'a str,
}

impl fmt::Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vm = self.run.vm;
        match self.event {
            Some(i) => writeln!(f, "{} at event {}: {}", self.class, i + 1, event(vm, i))?,
            None => writeln!(f, "{} at the end of the script", self.class)?,
        }
        writeln!(f, "  what      {}", self.what)?;
        writeln!(f, "  loader    {}", vm.loader.id())?;
        if let (Some(i), Some(site)) = (self.event, self.site) {
            self.site(f, i, site)?;
        }
        writeln!(f, "  steps of the loader")?;
        for step in &vm.trace {
            let indent = if matches!(step, Step::Event(_)) { "" } else { "   " };
            writeln!(f, "    {indent}{}", tell(vm, step))?;
        }
        Ok(())
    }
}

impl Account<'_> {
    /// The site, the cell, the value that was used, and what the slot should hold.
    fn site(&self, f: &mut fmt::Formatter<'_>, index: usize, id: SiteId) -> fmt::Result {
        let vm = self.run.vm;
        let layout = &vm.scenario.layout;
        let site = layout.site(id);
        writeln!(f, "  site      {} in {}: {}", site.name, caller(vm, site), action(vm, site))?;
        if !site.action.takes() {
            let ty = reference::site_type(layout, id);
            writeln!(f, "  expects   a slot of type {ty}")?;
        }
        let meant = self.meant(index);
        if let Some(method) = meant {
            self.cell(f, method)?;
        }
        let word = vm.observation.pointer(index, self.call);
        if let Some(word) = word {
            let table_len = vm.observation.finals.table_len;
            let value = classify(vm, word, table_len);
            writeln!(f, "  value     {word}: {}", value.describe(layout))?;
            if word.get() >= table_len {
                writeln!(f, "            the table has {table_len:#x} slots")?;
            }
        }
        if let Some(method) = meant {
            self.entry_point(f, method)?;
        }
        Ok(())
    }

    /// The method that the event means, as the reference has it.
    fn meant(&self, index: usize) -> Option<MethodId> {
        if let Some(call) = self.call.and_then(|call| self.expected.calls.get(call)) {
            return Some(call.callee);
        }
        match self.expected.events.get(index)? {
            ExpectedEvent::Quiet => None,
            ExpectedEvent::Pointer(held) => Some(held.method),
            ExpectedEvent::Calls(calls) => {
                self.expected.calls.get(calls.start).map(|call| call.callee)
            }
        }
    }

    /// Every import cell of loaded images that imports the method.
    fn cell(&self, f: &mut fmt::Formatter<'_>, method: MethodId) -> fmt::Result {
        let vm = self.run.vm;
        for (assembly, facts) in vm.facts.images.enumerated() {
            let Some(image) = vm.images()[assembly] else { continue };
            for cell in &facts.cells {
                if cell.import.method_entry() == Some(method) {
                    let address = image.image_base.at(cell.rva);
                    writeln!(
                        f,
                        "  cell      {} of {}+{} at {address} holds {:#x}",
                        import(cell.import),
                        vm.scenario.layout.assemblies[assembly].name,
                        cell.rva,
                        self.word(address),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The method's entry point, and the slot that its own code has.
    fn entry_point(&self, f: &mut fmt::Formatter<'_>, method: MethodId) -> fmt::Result {
        let vm = self.run.vm;
        let layout = &vm.scenario.layout;
        let Some(at) = vm.method(method) else { return Ok(()) };
        let Some(words) = PepWords::at(self.run.memory, at.pep) else { return Ok(()) };
        let (code, owner) = (words.actual_code, words.method_desc);
        writeln!(
            f,
            "  callee    {}: portable entry point {} = {{actual code {code}, MethodDesc {owner}, \
             interpreter data {:#x}, flags {:#x}}}",
            layout.method(method).name,
            at.pep,
            words.interpreter_data,
            words.flags
        )?;
        if let Some(owner) = slot_owner(vm, code) {
            writeln!(
                f,
                "            slot {code} is `{}` of {}, type {}",
                owner.symbol, owner.module, owner.ty
            )?;
        }
        let ty = reference::pointer_type(layout, method);
        let own = TableIndex::of_table(vm.observation.finals.table_len).rev().find(|&slot| {
            slot_owner(vm, slot).is_some_and(|o| {
                *o.role == Role::Body(method) || *o.role == Role::ReverseThunk(method)
            })
        });
        match own {
            Some(slot) if layout.method(method).convention == Convention::UnmanagedCallersOnly => {
                writeln!(f, "            its own code is slot {slot}, type {ty}")
            }
            _ => writeln!(f, "            its own type is {ty}"),
        }
    }

    fn word(&self, address: Address) -> u32 {
        let at = address.get() as usize;
        let bytes = self.run.memory.get(at..at + 4);
        bytes.map_or(0, |b| u32::from_le_bytes(b.try_into().expect("four bytes")))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other cells need no word of their own")]
fn import(import: Import) -> &'static str {
    match import {
        Import::LazyMethodEntry(_) => "lazy MethodEntry cell",
        Import::InstantiatingStub(_) => "MethodEntry cell (instantiating stub)",
        _ => "MethodEntry cell",
    }
}

fn caller(vm: &Vm, site: &Site) -> String {
    let code = site.caller.kind().describe();
    match site.caller.assembly() {
        Some(id) => format!("{code} of {}", vm.scenario.layout.assemblies[id].name),
        None => code.to_owned(),
    }
}

fn action(vm: &Vm, site: &Site) -> String {
    let name = |m: MethodId| &vm.scenario.layout.method(m).name;
    match &site.action {
        Action::Direct { callee, binding } => {
            let cell = import(call_import(*callee, *binding));
            format!("managed call of {} through a {cell}", name(*callee))
        }
        Action::ManagedCalli(_) => "managed calli: the value is a portable entry point".to_owned(),
        Action::UnmanagedCalli(_) => "unmanaged calli: the value is the table index".to_owned(),
        Action::Virtual { method, dispatch } => {
            let through = match dispatch {
                Dispatch::ImportThunk => "the import thunk",
                Dispatch::VirtualThunk => "a V-thunk",
            };
            format!("call of {}'s slot through {through}", name(*method))
        }
        Action::Invoke(_) => "Invoke of a delegate: its _methodPtr is an entry point".to_owned(),
        Action::PInvoke { callee, suppress_gc_transition } => {
            let how = if *suppress_gc_transition { ", GC transition suppressed" } else { "" };
            format!("P/Invoke of {}{how}: the cell's value is the table index", name(*callee))
        }
        Action::Ldftn(method) => format!("ldftn of {}", name(*method)),
        Action::Ldvirtftn(method) => format!("ldvirtftn of {}'s slot", name(*method)),
        Action::NewDelegate { method, closed } => {
            let kind = if *closed { "closed" } else { "open" };
            format!("{kind} delegate over {}", name(*method))
        }
        Action::Runtime { path, callee } => {
            format!("the runtime runs {} as {}", name(*callee), path.word())
        }
    }
}

/// An event as a script line.
fn event(vm: &Vm, index: usize) -> String {
    let scenario = &vm.scenario;
    let layout = &scenario.layout;
    match &scenario.script[index] {
        Event::Load(assembly) => format!("load {}", layout.assemblies[*assembly].name),
        Event::Prepare(method) => format!("prepare {}", layout.method(*method).name),
        Event::Touch(method) => format!("touch {}", layout.method(*method).name),
        Event::Reset(method) => format!("reset {}", layout.method(*method).name),
        Event::Recycle { from, to } => {
            format!("recycle {} as {}", layout.method(*from).name, layout.method(*to).name)
        }
        Event::Take { site, into, on } => {
            let on = on.map_or(String::new(), |object| format!(" on {}", receiver(vm, object)));
            let into = &scenario.variables[*into];
            format!("take {}{on} into {into}", layout.site(*site).name)
        }
        Event::Call(made) => call(vm, made),
    }
}

fn call(vm: &Vm, call: &Call) -> String {
    let scenario = &vm.scenario;
    let through =
        call.pointer.map(|v| format!(" through {}", scenario.variables[v])).unwrap_or_default();
    let this = call.this.map_or(String::new(), |object| format!(" on {}", receiver(vm, object)));
    let name = &scenario.layout.site(call.site).name;
    let inside = if call.inside.is_empty() { "" } else { ", with calls inside" };
    format!("call {name}{through}{this} with {:x?}{inside}", call.args)
}

fn receiver(vm: &Vm, object: u32) -> String {
    let layout = &vm.scenario.layout;
    match class_at(layout, object) {
        Some(class) => format!("{} ({object:#x})", layout.class(class).name),
        None => format!("{object:#x}"),
    }
}

/// A callee by name.
fn callee(vm: &Vm, callee: &Callee) -> String {
    let layout = &vm.scenario.layout;
    match callee {
        Callee::Method(method) => layout.method(*method).name.clone(),
        Callee::Stub(id) => match vm.stubs().get(*id) {
            Some((stub, _)) => {
                format!("{}'s {}", layout.method(stub.kind.method()).name, stub.kind.name())
            }
            None => "a stub".to_owned(),
        },
    }
}

/// A step of the loader in words.
fn tell(vm: &Vm, step: &Step) -> String {
    let scenario = &vm.scenario;
    let layout = &scenario.layout;
    let method = |m: &MethodId| &layout.method(*m).name;
    let assembly = |a: &crate::scenario::AssemblyId| &layout.assemblies[*a].name;
    let is = |word: FunctionPointer| {
        let value = classify(vm, word, vm.observation.finals.table_len);
        format!("{word}, {}", value.describe(layout))
    };
    match step {
        Step::Event(i) => format!("{}. {}", i + 1, event(vm, *i)),
        Step::Loaded { assembly: a, image_base, table_base } => {
            format!("{} at {image_base}, table slots from {table_base}", assembly(a))
        }
        Step::Prestub { callee: c, outcome } => {
            let did = match outcome {
                Prestub::ReadyToRun => "published its R2R body",
                Prestub::ByteCode => "compiled byte code",
                Prestub::Both => "published its R2R body and compiled byte code",
                Prestub::FCall => "published its C++ function",
                Prestub::MarshallingStub => "nothing, as its MethodDesc has a marshalling stub",
            };
            format!("prestub of {}: {did}", callee(vm, c))
        }
        Step::ActualCode { callee: c, code, by } => {
            let by = match by {
                Writer::InterpreterThunk => "EnsurePortableEntryPointIsCallableFromR2R",
                Writer::ReadyToRunBody => "ReadyToRunInfo::GetEntryPoint",
                Writer::UnmanagedEntry => "the unmanaged entry's publication",
                Writer::FCall => "the prestub of an FCall",
            };
            format!("{by} sets {}._pActualCode = {}", callee(vm, c), is((*code).into()))
        }
        Step::UnmanagedEntry { method: m, index } => {
            format!("{}'s own unmanaged entry is published: {}", method(m), is((*index).into()))
        }
        Step::Pending { callee: c, key } => {
            format!("no thunk `{key}` is registered yet; {} waits for one", callee(vm, c))
        }
        Step::Rejected { method: m } => {
            format!("a fixup of {} fails: its R2R body is rejected", method(m))
        }
        Step::Reset { method: m } => format!("{}'s entry point is reset", method(m)),
        Step::Delegate { delegate, target, method_ptr, aux } => format!(
            "delegate at {delegate}: _target = {}, _methodPtr = {}, _methodPtrAux = {}",
            is(FunctionPointer::new(target.get())),
            is((*method_ptr).into()),
            is(*aux),
        ),
        Step::CellPatched { assembly: a, rva, method: m, value, by } => {
            let by = match by {
                Resolver::LoadDynamicInfoEntry => "LoadDynamicInfoEntry",
                Resolver::ExternalMethodFixupWorker => "ExternalMethodFixupWorker",
            };
            format!("{by} resolves {} in cell {}+{rva}: {}", method(m), assembly(a), is(*value))
        }
        Step::Stored { variable, value } => {
            format!("{} = {}", scenario.variables[*variable], is(*value))
        }
        Step::NoStub { key } => format!("no call stub `{key}` was compiled"),
        Step::Abort { reason } => format!("the VM aborts: {reason}"),
    }
}
