//! Runs scenarios to their end and reads what they leave, in words that a
//! person can compare with a table.

use std::sync::Arc;

use crate::engine::{Engine, EngineKind, Keep};
use crate::image::emission::Emission;
use crate::image::pep::PepWords;
use crate::image::words::{MethodDescAddress, PepAddress, TableIndex};
use crate::image::{FunctionId, HOST_SLOTS};
use crate::loader::callee::Callee;
use crate::loader::{Loader, Vm, VmProcess, host_call, script};
use crate::scenario::meaning::object_address;
use crate::scenario::{MethodId, Scenario, text};

/// Every engine of this build.
fn engines() -> Vec<Box<dyn Engine<Vm>>> {
    EngineKind::available().into_iter().map(|kind| kind.start(Keep::Stores)).collect()
}

/// A process that has come to its end.
pub struct Finished {
    pub vm: Vm,
    memory: Vec<u8>,
}

/// Runs a program in its text form on every engine, with these lines as its events.
pub fn run_text(program: &str, events: &[&str], loader: &'static dyn Loader) -> Finished {
    let text = format!("{program}\n[script]\nevents = [\n{}\n]\n", events.join(",\n"));
    let scenario = text::parse("test.toml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    run(scenario, loader)
}

/// Runs a scenario on every engine, which must agree.
pub fn run(scenario: Scenario, loader: &'static dyn Loader) -> Finished {
    run_altered(scenario, loader, |_| {})
}

/// The same with modules that are not quite what was emitted.
pub fn run_altered(
    scenario: Scenario,
    loader: &'static dyn Loader,
    alter: impl FnOnce(&mut Emission),
) -> Finished {
    let scenario = Arc::new(scenario);
    let mut emission = Emission::by(&scenario.layout, loader.compiler());
    alter(&mut emission);
    let emission = Arc::new(emission);
    let mut first: Option<Finished> = None;
    for mut engine in engines() {
        let vm = Vm::new(scenario.clone(), emission.clone(), loader);
        let mut drive = |process: &mut VmProcess<'_>| script::run(process);
        let vm =
            engine.run(&emission.program, vm, host_call, &mut drive).expect("modules are valid");
        match &first {
            None => first = Some(Finished { vm, memory: engine.memory().into_owned() }),
            Some(first) => {
                let name = engine.name();
                assert_eq!(first.vm.observation, vm.observation, "{name} disagrees");
                assert!(first.memory == *engine.memory(), "{name} leaves other bytes");
            }
        }
    }
    first.expect("there is an engine")
}

impl Finished {
    /// A word of memory.
    pub fn word(&self, address: u32) -> u32 {
        let at = address as usize;
        u32::from_le_bytes(self.memory[at..at + 4].try_into().expect("four bytes"))
    }

    /// A method by name.
    pub fn method(&self, name: &str) -> MethodId {
        let methods = &self.vm.scenario.layout.methods;
        let found = methods.position(|m| m.name == name);
        found.unwrap_or_else(|| panic!("no method is called {name}"))
    }

    /// Where a method's entry point lies.
    pub fn pep(&self, name: &str) -> u32 {
        self.vm.method(self.method(name)).expect("its assembly is loaded").pep.get()
    }

    /// What a variable holds at the end.
    pub fn variable(&self, name: &str) -> u32 {
        let found = self.vm.scenario.variables.position(|v| v == name);
        let variable = found.unwrap_or_else(|| panic!("no variable is called {name}"));
        self.word(crate::image::map::VARIABLES + 4 * u32::from(variable.0))
    }

    /// Where the instance of a class lies.
    pub fn object(&self, class: &str) -> u32 {
        let found = self.vm.scenario.layout.classes.position(|c| c.name == class);
        object_address(found.unwrap_or_else(|| panic!("no class is called {class}")))
    }

    /// Slot `slot` of a class's MethodTable.
    pub fn slot(&self, class: &str, slot: u32) -> u32 {
        let method_table = self.word(self.object(class));
        let chunk = self.word(method_table + crate::loader::types::METHOD_TABLE_SIZE);
        self.word(chunk + 4 * slot)
    }

    /// The words of an entry point, as the table of measurements has them:
    /// `0, MD of M, IR, 2`. Code is told by the symbol of its function.
    pub fn words(&self, pep: u32) -> String {
        let words = PepWords::at(&self.memory, PepAddress::new(pep)).expect("it lies in memory");
        let code = match words.actual_code {
            TableIndex::NONE => "0".to_owned(),
            code => self.symbol(code.get()),
        };
        let byte_code = if words.interpreter_data == 0 { "0" } else { "IR" };
        format!("{code}, MD of {}, {byte_code}, {}", self.owner(words.method_desc), words.flags)
    }

    /// The words of a method's entry point.
    pub fn words_of(&self, method: &str) -> String {
        self.words(self.pep(method))
    }

    /// Whose MethodDesc lies at an address.
    fn owner(&self, method_desc: MethodDescAddress) -> String {
        let mut callees = self.vm.callees();
        let found = callees.find(|(_, at)| at.method_desc == method_desc);
        let layout = &self.vm.scenario.layout;
        match found.map(|(callee, _)| callee) {
            Some(Callee::Method(method)) => layout.method(method).name.clone(),
            Some(Callee::Stub(id)) => {
                let (stub, _) = &self.vm.stubs()[id];
                let method = layout.method(stub.kind.method());
                format!("{}'s {}", method.name, stub.kind.name())
            }
            None => "nobody".to_owned(),
        }
    }

    /// The symbol of the function in a table slot.
    pub fn symbol(&self, slot: u32) -> String {
        let program = &self.vm.emission.program;
        let images = self.vm.images().iter().zip(&program.images);
        let loaded =
            images.filter_map(|(at, module)| Some((at.as_ref()?.table_base.get(), module)));
        let host = (program.host_base().get(), &program.runtime);
        let found = loaded.chain([host]).find_map(|(base, module)| {
            module.functions.get(FunctionId(slot.checked_sub(base)?)).map(|f| f.name.clone())
        });
        found.unwrap_or_else(|| format!("empty slot {slot:#x}"))
    }

    /// A slot of the runtime's own.
    pub fn is_host_slot(&self, slot: u32) -> bool {
        (self.vm.emission.program.host_base().get()..HOST_SLOTS).contains(&slot)
    }

    /// Names of the methods whose bodies ran, in order.
    pub fn ran(&self) -> Vec<&str> {
        let layout = &self.vm.scenario.layout;
        let entries = self.vm.observation.entries.iter();
        entries.map(|entry| layout.method(entry.method).name.as_str()).collect()
    }
}
