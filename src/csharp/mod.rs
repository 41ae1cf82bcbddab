//! The C# program that a scenario stands for, for people who run it in a runtime of their own.
//!
//! A project an assembly, one of support code that they share, and an application whose
//! `Main` is the script. Each method answers as [`meaning`] says, so a
//! call's result depends on who was called and on every byte that it was given; the results
//! that the [reference](crate::reference) expects are written as constants.
//!
//! Words that are addresses in the model are identities in C#: an object has its word as a
//! property, a generic context is a type that stands for its word. What C# cannot say is a
//! comment that says so, beside the nearest thing that it can.

#![deny(clippy::wildcard_enum_match_arm)]

mod assembly;
mod delegates;
mod homes;
mod methods;
mod names;
mod native;
mod projects;
mod runtime;
mod script;
mod sites;
#[cfg(test)]
mod tests;
mod types;
mod wrap;

use std::path::PathBuf;

use crate::index::IndexVec;
use crate::reference::{Expectation, expect};
use crate::scenario::action::{Given, Subject, VariableKind};
use crate::scenario::targets::{HeldKind, Variables, slot_of};
use crate::scenario::{
    Action, Call, ClassId, ClassKind, Convention, Event, Layout, MethodId, RuntimePath, Scenario,
    SiteId, meaning,
};
use delegates::{Delegates, Key};
use homes::Homes;
use names::{Names, Owner};
use runtime::Constructor;

/// Where a call site's code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// In its own assembly.
    Assembly(crate::scenario::AssemblyId),
    /// In the application.
    Application,
}

/// How a site's code looks, which in C# depends on what it is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// As always.
    Plain,
    /// It invokes open delegates over this instance method.
    Open(MethodId),
    /// It calls pointers to methods of this value type, on values that are not boxed.
    ByReference(ClassId),
}

/// Everything that the files are made from.
struct Source<'s> {
    scenario: &'s Scenario,
    layout: &'s Layout,
    names: Names,
    homes: Homes,
    /// Where each site stands.
    site_homes: IndexVec<SiteId, Home>,
    /// How each site looks.
    variants: IndexVec<SiteId, Vec<Variant>>,
    delegates: Delegates,
    /// Types whose class constructors are run, or that are made by default constructors, in the
    /// order of the calls that do.
    constructed: Vec<Constructed>,
    expectation: Expectation,
}

/// A type that is there to be constructed.
#[derive(Debug)]
struct Constructed {
    name: String,
    method: MethodId,
    constructor: Constructor,
}

/// The files of the program, with paths below its directory, in a fixed order. The scenario must be
/// valid.
pub fn program(scenario: &Scenario) -> Vec<(PathBuf, String)> {
    let scenario = without_empty_values(scenario);
    Source::new(&scenario).files()
}

/// The scenario with 0 for each value that has no field: C# need not copy padding, so bodies see 0.
fn without_empty_values(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    let mut script = std::mem::take(&mut scenario.script);
    for event in &mut script {
        if let Event::Call(call) = event {
            clear_empty_values(&scenario.layout, call);
        }
    }
    scenario.script = script;
    scenario
}

fn clear_empty_values(layout: &Layout, call: &mut Call) {
    let params = &layout.call_signature(call.site).params;
    for (word, &ty) in call.args.iter_mut().zip(params) {
        if types::is_empty(layout, ty) {
            *word = 0;
        }
    }
    for inner in &mut call.inside {
        clear_empty_values(layout, inner);
    }
}

/// A UCO method that C code calls by its exported name.
fn exported(layout: &Layout, method: MethodId) -> bool {
    let export = Action::Runtime { path: RuntimePath::Export, callee: method };
    layout.sites.iter().any(|site| site.action == export)
}

impl<'s> Source<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        let layout = &scenario.layout;
        let mut program = Source {
            scenario,
            layout,
            names: Names::new(scenario),
            homes: Homes::new(layout),
            site_homes: IndexVec::default(),
            variants: layout.sites.map(|_| Vec::new()),
            delegates: Delegates::default(),
            constructed: Vec::new(),
            expectation: expect(scenario),
        };
        program.look_at_calls();
        program.settle_sites();
        program
    }

    /// What the calls of the script are made on decides how sites look.
    fn look_at_calls(&mut self) {
        let scenario = self.scenario;
        let mut variables = Variables::new(scenario);
        for event in &scenario.script {
            variables.step(event);
            if let Event::Call(call) = event {
                self.look_at_call(&variables, call);
            }
        }
    }

    fn look_at_call(&mut self, variables: &Variables<'_>, call: &Call) {
        let variant = self.variant(variables, call);
        let variants = &mut self.variants[call.site];
        if !variants.contains(&variant) {
            variants.push(variant);
        }
        if let Action::Runtime { path, callee: method } = self.layout.site(call.site).action
            && let Some(constructor) = Constructor::of(path)
        {
            let name = format!("{}{}", self.layout.method(method).name, self.constructed.len());
            let name = self.names.take(&format!("Constructs{name}"), "Type");
            self.constructed.push(Constructed { name, method, constructor });
        }
        for inner in &call.inside {
            self.look_at_call(variables, inner);
        }
    }

    fn variant(&self, variables: &Variables<'_>, call: &Call) -> Variant {
        let Some(held) = variables.of(call) else { return Variant::Plain };
        let method = self.layout.method(held.method);
        let of_struct = method.class.filter(|&c| self.layout.class(c).kind == ClassKind::Struct);
        match held.kind {
            HeldKind::Delegate { on: None } if method.signature.instance => {
                Variant::Open(slot_of(self.layout, held.method))
            }
            HeldKind::Pointer { boxed: false } if method.signature.instance => {
                of_struct.map_or(Variant::Plain, Variant::ByReference)
            }
            HeldKind::Delegate { .. } | HeldKind::Pointer { .. } => Variant::Plain,
        }
    }

    /// Where each site stands, and which delegate types there are.
    fn settle_sites(&mut self) {
        for (id, site) in self.layout.sites.enumerated() {
            if self.variants[id].is_empty() {
                self.variants[id].push(Variant::Plain);
            }
            let variants = self.variants[id].clone();
            let home = match site.caller.assembly() {
                Some(assembly) => {
                    let referred = sites::referred(self, site, &variants);
                    match self.homes.admit(assembly, &referred) {
                        true => Home::Assembly(assembly),
                        false => Home::Application,
                    }
                }
                None => Home::Application,
            };
            self.site_homes.push(home);
            for variant in variants {
                if let Some(key) = self.delegate_key(&site.action, variant) {
                    self.delegates.add(key, &mut self.names);
                }
            }
        }
    }

    fn delegate_key(&self, action: &Action, variant: Variant) -> Option<Key> {
        let parts = action.parts();
        match parts.subject {
            Subject::Variable(VariableKind::Delegate, signature) => {
                (variant == Variant::Plain).then(|| Key::Plain(signature.clone()))
            }
            Subject::Variable(VariableKind::ManagedPointer, signature) => match variant {
                Variant::ByReference(class) => {
                    Some(Key::InstanceCalli(signature.clone(), Some(class)))
                }
                Variant::Plain | Variant::Open(_) => {
                    signature.instance.then(|| Key::InstanceCalli(signature.clone(), None))
                }
            },
            Subject::Variable(VariableKind::UnmanagedPointer, _) => None,
            Subject::Method(method) => match parts.gives {
                Some(Given::Delegate { closed }) => {
                    let open = self.layout.method(method).signature.instance && !closed;
                    (!open).then(|| Key::Plain(self.layout.invoke_signature(method, closed)))
                }
                Some(Given::Pointer | Given::PointerOfReceiver) | None => None,
            },
        }
    }

    /// The methods whose open delegates need a type.
    fn has_open_delegates(&self, method: MethodId) -> bool {
        let instance = self.layout.method(method).signature.instance;
        let made = |action: &Action| {
            matches!(*action, Action::NewDelegate { method: m, closed: false }
                if slot_of(self.layout, m) == method)
        };
        instance && self.layout.sites.iter().any(|site| made(&site.action))
    }

    /// The type that a site's code is a member of.
    fn home_owner(&self, site: SiteId) -> Option<&Owner> {
        match self.site_homes[site] {
            Home::Assembly(assembly) => Some(self.names.owner(assembly)),
            Home::Application => None,
        }
    }

    /// The program needs C code.
    fn is_native(&self) -> bool {
        let pinvoke = |m: &crate::scenario::Method| m.convention == Convention::PInvoke;
        self.layout.methods.iter().any(pinvoke) || self.layout.sites.iter().any(native::has_code)
    }

    /// The hash of what the callee of this call sees.
    fn seen_hash(&self, call: usize) -> u64 {
        let expected = &self.expectation.calls[call];
        let arguments = &self.expectation.bytes[expected.arguments.clone()];
        let words =
            arguments.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().expect("eight")));
        words.fold(meaning::mix(METHODS, u64::from(expected.callee.0)), meaning::mix)
    }
}

/// What a method's number is mixed into, as [`meaning::push_result`] has it.
const METHODS: u64 = 0xca11_15e2;
