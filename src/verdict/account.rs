//! The account of a finding: what a person needs to act on it.

use std::fmt;

use super::Class;
use super::compare::Run;
use super::value::{classify, slot_owner};
use crate::image::emit::call_import;
use crate::image::facts::{Import, Role};
use crate::loader::Vm;
use crate::loader::trace::{Prestub, Resolver, Step, Writer};
use crate::loader::words::FunctionPointer;
use crate::reference;
use crate::scenario::{Action, Call, Caller, Convention, Event, MethodId, Site, SiteId};

/// An account, told by its `Display`.
pub(super) struct Account<'a> {
    pub run: &'a Run<'a>,
    pub class: Class,
    pub event: Option<usize>,
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
        if let Some(i) = self.event
            && let Event::Take { site, .. } | Event::Call(Call { site, .. }) = vm.scenario.script[i]
        {
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
        if !matches!(site.action, Action::Ldftn(_)) {
            let ty = reference::site_type(layout, id);
            writeln!(f, "  expects   a slot of type {ty}")?;
        }
        let meant = self.meant(index);
        if let Some(method) = meant {
            self.cell(f, method)?;
        }
        let word = vm.observation.events.get(index).and_then(|e| e.pointer);
        if let Some(word) = word {
            let table_len = vm.observation.finals.table_len;
            let value = classify(vm, word, table_len);
            writeln!(f, "  value     {:#x}: {}", word.0, value.describe(layout))?;
            if word.0 >= table_len {
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
        let scenario = &self.run.vm.scenario;
        match reference::expect(scenario).events.get(index)? {
            reference::ExpectedEvent::Quiet => None,
            reference::ExpectedEvent::Pointer(method) => Some(*method),
            reference::ExpectedEvent::Call { callee, .. } => Some(*callee),
        }
    }

    /// Every import cell of loaded images that imports the method.
    fn cell(&self, f: &mut fmt::Formatter<'_>, method: MethodId) -> fmt::Result {
        let vm = self.run.vm;
        for (i, facts) in vm.emission.images.iter().enumerate() {
            let Some(image) = vm.images()[i] else { continue };
            for cell in &facts.cells {
                let (Import::MethodEntry(m) | Import::LazyMethodEntry(m)) = cell.import else {
                    continue;
                };
                if m == method {
                    let address = image.image_base + cell.rva;
                    writeln!(
                        f,
                        "  cell      {} of {}+{:#x} at {address:#x} holds {:#x}",
                        import(cell.import),
                        vm.scenario.layout.assemblies[i].name,
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
        let [code, owner, data, flags] = [0, 4, 8, 12].map(|offset| self.word(at.pep.0 + offset));
        writeln!(
            f,
            "  callee    {}: portable entry point {} = {{actual code {code:#x}, MethodDesc {owner:#x}, \
             interpreter data {data:#x}, flags {flags:#x}}}",
            layout.method(method).name,
            at.pep
        )?;
        if let Some(owner) = slot_owner(vm, code) {
            writeln!(
                f,
                "            slot {code:#x} is `{}` of {}, type {}",
                owner.symbol, owner.module, owner.ty
            )?;
        }
        let ty = reference::pointer_type(layout, method);
        let own = (0..vm.observation.finals.table_len).rev().find(|&slot| {
            slot_owner(vm, slot).is_some_and(|o| {
                *o.role == Role::Body(method) || *o.role == Role::ReverseThunk(method)
            })
        });
        match own {
            Some(slot) if layout.method(method).convention == Convention::UnmanagedCallersOnly => {
                writeln!(f, "            its own code is slot {slot:#x}, type {ty}")
            }
            _ => writeln!(f, "            its own type is {ty}"),
        }
    }

    fn word(&self, address: u32) -> u32 {
        let at = address as usize;
        let bytes = self.run.memory.get(at..at + 4);
        bytes.map_or(0, |b| u32::from_le_bytes(b.try_into().expect("four bytes")))
    }
}

fn import(import: Import) -> &'static str {
    match import {
        Import::LazyMethodEntry(_) => "lazy MethodEntry cell",
        _ => "MethodEntry cell",
    }
}

fn caller(vm: &Vm, site: &Site) -> String {
    let name = |a: crate::scenario::AssemblyId| &vm.scenario.layout.assemblies[a.index()].name;
    match site.caller {
        Caller::ReadyToRun(assembly) => format!("R2R code of {}", name(assembly)),
        Caller::Interpreter(assembly) => format!("interpreted code of {}", name(assembly)),
        Caller::Native => "native code".to_owned(),
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
        Action::Ldftn(method) => format!("ldftn of {}", name(*method)),
    }
}

/// An event as a script line.
fn event(vm: &Vm, index: usize) -> String {
    let scenario = &vm.scenario;
    let layout = &scenario.layout;
    match &scenario.script[index] {
        Event::Load(assembly) => format!("load {}", layout.assemblies[assembly.index()].name),
        Event::Prepare(method) => format!("prepare {}", layout.method(*method).name),
        Event::Touch(method) => format!("touch {}", layout.method(*method).name),
        Event::Take { site, into } => {
            format!("take {} into {}", layout.site(*site).name, scenario.variables[into.index()])
        }
        Event::Call(call) => {
            let through = call
                .pointer
                .map(|v| format!(" through {}", scenario.variables[v.index()]))
                .unwrap_or_default();
            format!("call {}{through} with {:x?}", layout.site(call.site).name, call.args)
        }
    }
}

/// A step of the loader in words.
fn tell(vm: &Vm, step: &Step) -> String {
    let scenario = &vm.scenario;
    let layout = &scenario.layout;
    let method = |m: &MethodId| &layout.method(*m).name;
    let assembly = |a: &crate::scenario::AssemblyId| &layout.assemblies[a.index()].name;
    let is = |word: FunctionPointer| {
        let value = classify(vm, word, vm.observation.finals.table_len);
        format!("{:#x}, {}", word.0, value.describe(layout))
    };
    match step {
        Step::Event(i) => format!("{}. {}", i + 1, event(vm, *i)),
        Step::Loaded { assembly: a, image_base, table_base } => {
            format!("{} at {image_base:#x}, table slots from {table_base:#x}", assembly(a))
        }
        Step::Prestub { method: m, outcome } => {
            let did = match outcome {
                Prestub::ReadyToRun => "published its R2R body",
                Prestub::ByteCode => "compiled byte code",
                Prestub::Both => "published its R2R body and compiled byte code",
            };
            format!("prestub of {}: {did}", method(m))
        }
        Step::ActualCode { method: m, code, by } => {
            let by = match by {
                Writer::InterpreterThunk => "EnsurePortableEntryPointIsCallableFromR2R",
                Writer::ReadyToRunBody => "ReadyToRunInfo::GetEntryPoint",
                Writer::UnmanagedEntry => "the unmanaged entry's publication",
            };
            format!("{by} sets {}._pActualCode = {}", method(m), is((*code).into()))
        }
        Step::UnmanagedEntry { method: m, index } => {
            format!("{}'s own unmanaged entry is published: {}", method(m), is((*index).into()))
        }
        Step::Pending { method: m, key } => {
            format!("no thunk `{key}` is registered yet; {} waits for one", method(m))
        }
        Step::CellPatched { assembly: a, rva, method: m, value, by } => {
            let by = match by {
                Resolver::LoadDynamicInfoEntry => "LoadDynamicInfoEntry",
                Resolver::ExternalMethodFixupWorker => "ExternalMethodFixupWorker",
            };
            format!("{by} resolves {} in cell {}+{rva:#x}: {}", method(m), assembly(a), is(*value))
        }
        Step::Stored { variable, value } => {
            format!("{} = {}", scenario.variables[variable.index()], is(*value))
        }
        Step::NoStub { key } => format!("no call stub `{key}` was compiled"),
        Step::Abort { reason } => format!("the VM aborts: {reason}"),
    }
}
