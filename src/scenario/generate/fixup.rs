//! Repairs a scenario that a mutation broke.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::action::{Subject, VariableKind};
use super::super::validate::{
    MAX_TEXT_BOUND, MAX_TITLE, class_rules, event_bound, holds_object, is_struct_name, is_symbol,
    method_rules, names, site_rules, text_bound,
};
use super::super::{
    Action, Assembly, AssemblyId, Binding, Call, Caller, ClassId, Code, Convention, Event, Form,
    Layout, MAX_DEPTH, MAX_EVENTS, MAX_ITEMS, MAX_PARAMS, MAX_STRUCT_SIZE, Method, MethodId,
    ObjectClass, Scenario, Shows, Signature, Site, SiteId, Slot, StructId, StructShape, Type,
    VariableId,
};
use super::emitter::Emitter;
use crate::index::{Id, IndexVec};

/// Makes any scenario valid, and leaves a valid one as it is.
///
/// An id out of range is taken modulo the number of items. What an event needs
/// is put before it, and an event that means nothing is dropped.
pub fn fixup(scenario: &mut Scenario) {
    scenario.title.retain(|c| !names::breaks_line(c));
    if let Some((end, _)) = scenario.title.char_indices().nth(MAX_TITLE) {
        scenario.title.truncate(end);
    }
    scenario.upstream.retain(|&number| number != 0);
    scenario.upstream.truncate(MAX_ITEMS);
    fix_shows(&mut scenario.shows);
    fix_layout(&mut scenario.layout);
    if scenario.interpreter_only {
        give_reverse_thunks(&mut scenario.layout);
    }
    fix_script(scenario);
    fix_size(scenario);
}

/// The same for a scenario whose layout is known to be valid: only what happens is repaired.
pub fn fixup_script(scenario: &mut Scenario) {
    fix_script(scenario);
    fix_size(scenario);
}

/// Without R2R code, nothing but its reverse thunk enters a UCO method.
pub(super) fn give_reverse_thunks(layout: &mut Layout) {
    for method in &mut layout.methods {
        method.reverse_thunk |= method.convention == Convention::UnmanagedCallersOnly;
    }
}

fn fix_shows(shows: &mut Shows) {
    let mut kept = Shows::new();
    for (fault, class) in std::mem::take(shows) {
        let good = names::is_slug(&fault) && names::is_slug(&class);
        if good && kept.len() < MAX_ITEMS && kept.iter().all(|(other, _)| *other != fault) {
            kept.push((fault, class));
        }
    }
    *shows = kept;
}

fn fix_layout(layout: &mut Layout) {
    layout.assemblies.truncate(MAX_ITEMS);
    layout.structs.truncate(MAX_ITEMS);
    layout.classes.truncate(MAX_ITEMS);
    layout.methods.truncate(MAX_ITEMS);
    layout.sites.truncate(MAX_ITEMS);
    let homeless =
        !layout.methods.is_empty() || !layout.sites.is_empty() || !layout.classes.is_empty();
    if layout.assemblies.is_empty() && homeless {
        layout.assemblies.push(Assembly { name: "A".into() });
    }
    fix_names(layout.assemblies.as_mut_slice(), "A", |a| &mut a.name, names::is_identifier);
    fix_names(layout.structs.as_mut_slice(), "S", |s| &mut s.name, is_struct_name);
    fix_names(layout.classes.as_mut_slice(), "C", |c| &mut c.name, names::is_identifier);
    fix_names(layout.methods.as_mut_slice(), "M", |m| &mut m.name, names::is_identifier);
    fix_names(layout.sites.as_mut_slice(), "Site", |s| &mut s.name, names::is_identifier);
    for (id, item) in layout.structs.enumerated_mut() {
        fix_shape(id, &mut item.shape);
    }
    for id in layout.classes.ids() {
        let mut class = layout.class(id).clone();
        fix_class(layout, id, &mut class);
        layout.classes[id] = class;
    }
    fix_methods(layout);
    for id in layout.sites.ids() {
        let mut site = layout.site(id).clone();
        fix_site(layout, &mut site);
        layout.sites[id] = site;
    }
}

/// Renames what has a bad name, or the same name as something before it.
fn fix_names<T>(
    items: &mut [T],
    prefix: &str,
    name: impl Fn(&mut T) -> &mut String,
    good: impl Fn(&str) -> bool,
) {
    let mut taken: Vec<String> = Vec::new();
    let mut bad = Vec::new();
    for (i, item) in items.iter_mut().enumerate() {
        let own = name(item);
        if good(own) && !taken.contains(own) {
            taken.push(own.clone());
        } else {
            bad.push(i);
        }
    }
    for i in bad {
        let mut number = i;
        while taken.contains(&format!("{prefix}{number}")) {
            number += 1;
        }
        let new = format!("{prefix}{number}");
        taken.push(new.clone());
        *name(&mut items[i]) = new;
    }
}

fn fix_shape(id: StructId, shape: &mut StructShape) {
    match shape {
        StructShape::Wraps(ty @ Type::Struct(_)) => {
            if matches!(*ty, Type::Struct(inner) if inner >= id) {
                *ty = Type::I32;
            }
        }
        StructShape::Wraps(_) | StructShape::Empty => {}
        StructShape::Opaque { size, align } => {
            *align = (*align).clamp(1, 16).next_power_of_two();
            *size = (*size).clamp(2 * *align, MAX_STRUCT_SIZE) / *align * *align;
        }
    }
}

fn fix_class(layout: &Layout, id: ClassId, class: &mut ObjectClass) {
    fix_assembly(layout, &mut class.assembly);
    if class_rules(layout, id, class).is_err() {
        class.base = None;
    }
}

/// Methods are rebuilt one by one, as each looks at the rest, until none of
/// them changes: one that becomes less may take from others what they override.
fn fix_methods(layout: &mut Layout) {
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for id in layout.methods.ids() {
            let mut method = layout.method(id).clone();
            fix_method(layout, id, &mut method);
            changed |= method != *layout.method(id);
            layout.methods[id] = method;
        }
    }
}

fn fix_assembly(layout: &Layout, id: &mut AssemblyId) {
    *id = wrapped(*id, &layout.assemblies);
}

/// The id itself if it is in range. There is at least one item.
fn wrapped<I: Id, T>(id: I, items: &IndexVec<I, T>) -> I {
    I::from(id.into() % items.len().max(1))
}

/// Gives a method whatever it lacks to be what it is, or else makes it less.
fn fix_method(layout: &Layout, id: MethodId, method: &mut Method) {
    fix_assembly(layout, &mut method.assembly);
    fix_signature(layout, &mut method.signature);
    if method.symbol.as_ref().is_some_and(|symbol| !is_symbol(symbol)) {
        method.symbol = None;
    }
    match method.convention {
        Convention::Managed => method.reverse_thunk = false,
        Convention::UnmanagedCallersOnly => {
            make_unmanaged(layout, &mut method.signature);
            if method.code == Code::Native {
                method.code = Code::Interpreted;
            }
            method.reverse_thunk |= !matches!(method.code, Code::ReadyToRun | Code::Both);
        }
        Convention::PInvoke => {
            make_unmanaged(layout, &mut method.signature);
            method.code = Code::Native;
            method.reverse_thunk = false;
        }
    }
    for step in DEGRADE {
        if method_rules(layout, id, method).is_ok() {
            return;
        }
        step(method);
    }
}

/// What makes a method simpler, one after the other.
const DEGRADE: [fn(&mut Method); 5] = [
    |method| {
        method.signature.context = false;
        method.signature.continuation = false;
    },
    |method| method.slot = Slot::None,
    |method| method.class = None,
    |method| method.form = Form::Ordinary,
    |method| method.code = Code::Interpreted,
];

fn fix_signature(layout: &Layout, signature: &mut Signature) {
    signature.params.truncate(MAX_PARAMS);
    for ty in signature.params.iter_mut().chain(&mut signature.ret) {
        if let Type::Struct(id) = ty {
            match layout.structs.is_empty() {
                true => *ty = Type::I32,
                false => *id = wrapped(*id, &layout.structs),
            }
        }
    }
}

/// Makes a signature static, without hidden arguments, and object references pointers.
pub(super) fn make_unmanaged(layout: &Layout, signature: &mut Signature) {
    signature.instance = false;
    signature.context = false;
    signature.continuation = false;
    for ty in signature.params.iter_mut().chain(&mut signature.ret) {
        if holds_object(layout, *ty) {
            *ty = Type::Pointer;
        }
    }
}

fn fix_site(layout: &Layout, site: &mut Site) {
    if let Some(assembly) = site.caller.assembly_mut() {
        fix_assembly(layout, assembly);
    }
    let callers = site.action.kind().callers();
    if !callers.contains(&site.caller.kind()) {
        site.caller = callers[0].in_assembly(AssemblyId(0));
    }
    if let Some(method) = site.action.named_mut() {
        *method = wrapped(*method, &layout.methods);
    }
    fix_stated(layout, &mut site.action);
    if site_rules(layout, site).is_ok() {
        return;
    }
    // A site that cannot be what it is still keeps its number, and its callee if it has one.
    let callee = site.action.named();
    if site.caller == Caller::Native {
        site.caller = Caller::ReadyToRun(AssemblyId(0));
    }
    site.action = match callee.and_then(|id| Some((id, layout.methods.get(id)?))) {
        Some((_, method)) if method.convention == Convention::UnmanagedCallersOnly => {
            Action::UnmanagedCalli(method.signature.clone())
        }
        Some((callee, method)) => {
            if let (Form::Dynamic, Caller::ReadyToRun(assembly)) = (method.form, site.caller) {
                site.caller = Caller::Interpreter(assembly);
            }
            Action::Direct { callee, binding: Binding::Lazy }
        }
        None => Action::UnmanagedCalli(Signature::default()),
    };
}

/// Makes the signature that an action states one that it may state.
fn fix_stated(layout: &Layout, action: &mut Action) {
    let Subject::Variable(kind, _) = action.parts().subject else { return };
    let Some(signature) = action.stated_mut() else { return };
    fix_signature(layout, signature);
    match kind {
        VariableKind::ManagedPointer => signature.context = false,
        VariableKind::UnmanagedPointer => make_unmanaged(layout, signature),
        VariableKind::Delegate => {
            let Signature { ret, params, .. } = std::mem::take(signature);
            *signature = Signature { ret, params, ..Signature::default() };
        }
    }
}

fn fix_script(scenario: &mut Scenario) {
    let layout = &scenario.layout;
    let mut fixer = Fixer {
        layout,
        emitter: Emitter::new(layout, MAX_EVENTS),
        old_names: &scenario.variables,
        variables: Vec::new(),
    };
    for event in &scenario.script {
        fixer.event(event);
    }
    let (variables, script) = fixer.emitter.finish();
    scenario.variables = variables;
    scenario.script = script;
}

/// Replays a broken script into a valid one.
struct Fixer<'s> {
    layout: &'s Layout,
    emitter: Emitter<'s>,
    old_names: &'s IndexVec<VariableId, String>,
    /// Old variables and the new ones in their place.
    variables: Vec<(VariableId, VariableId)>,
}

impl Fixer<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Load(id) if !self.layout.assemblies.is_empty() => {
                self.emitter.load(wrapped(*id, &self.layout.assemblies));
            }
            Event::Load(_) => {}
            Event::Prepare(id) => {
                let Some(id) = self.method(*id) else { return };
                self.emitter.about(id, Event::Prepare(id));
            }
            Event::Touch(id) => {
                let Some(id) = self.method(*id) else { return };
                self.emitter.about(id, Event::Touch(id));
            }
            Event::Reset(id) => {
                let Some(id) = self.method(*id) else { return };
                self.emitter.reset(id);
            }
            Event::Recycle { from, to } => {
                let (Some(from), Some(to)) = (self.method(*from), self.method(*to)) else { return };
                self.emitter.recycle(from, to);
            }
            Event::Take { site, into, on } => self.take(*site, *into, *on),
            Event::Call(call) => {
                let Some(wish) = self.wish(call, 1) else { return };
                self.emitter.call(&wish);
            }
        }
    }

    fn method(&self, id: MethodId) -> Option<MethodId> {
        let methods = &self.layout.methods;
        (!methods.is_empty()).then(|| wrapped(id, methods))
    }

    /// The call with names that mean something now.
    fn wish(&self, call: &Call, depth: usize) -> Option<Call> {
        let site = self.site(call.site, false)?;
        let pointer = call.pointer.and_then(|old| self.renamed(old));
        let deeper = depth < MAX_DEPTH;
        let inside = call.inside.iter().filter(|_| deeper);
        let inside = inside.filter_map(|inner| self.wish(inner, depth + 1)).collect();
        Some(Call { site, pointer, this: call.this, args: call.args.clone(), inside })
    }

    fn take(&mut self, site: SiteId, into: VariableId, on: Option<u32>) {
        let Some(site) = self.site(site, true) else { return };
        let known = self.renamed(into);
        let name = self.old_names.get(into).map(String::as_str);
        let name = name.filter(|name| names::is_identifier(name));
        let taken = self.emitter.take(site, known, name, on);
        if let (None, Some(new)) = (known, taken) {
            self.variables.push((into, new));
        }
    }

    fn renamed(&self, old: VariableId) -> Option<VariableId> {
        self.variables.iter().find(|(known, _)| *known == old).map(|&(_, new)| new)
    }

    /// The site itself if it is of the right kind, else one that is.
    fn site(&self, id: SiteId, takes: bool) -> Option<SiteId> {
        let right = |site: &Site| site.action.takes() == takes;
        let sites = &self.layout.sites;
        if sites.get(id).is_some_and(right) {
            return Some(id);
        }
        let start = wrapped(id, sites);
        let behind = sites.ids().filter(|&id| id >= start);
        behind.chain(sites.ids()).find(|&id| right(&sites[id]))
    }
}

/// Cuts what makes the scenario too large to be written down.
fn fix_size(scenario: &mut Scenario) {
    let bound = text_bound(scenario);
    if bound <= MAX_TEXT_BOUND {
        return;
    }
    let mut bound = bound;
    while bound > MAX_TEXT_BOUND
        && let Some(event) = scenario.script.pop()
    {
        bound -= event_bound(&event);
    }
    let mut seen = 0;
    for event in &scenario.script {
        if let Event::Take { into, .. } = event {
            seen = seen.max(usize::from(*into) + 1);
        }
    }
    scenario.variables.truncate(seen);
    // Only a layout that is too large by itself lost all its events.
    while text_bound(scenario) > MAX_TEXT_BOUND {
        if scenario.layout.sites.pop().is_none() && scenario.layout.methods.pop().is_none() {
            break;
        }
    }
}
