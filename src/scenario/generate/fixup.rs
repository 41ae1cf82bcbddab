//! Repairs a scenario that a mutation broke.

use super::super::meaning::mix;
use super::super::validate::{
    MAX_TEXT_BOUND, MAX_TITLE, event_bound, holds_object, is_struct_name, names, text_bound,
};
use super::super::{
    Action, Assembly, AssemblyId, Caller, Code, Convention, Event, Layout, MAX_EVENTS, MAX_ITEMS,
    MAX_PARAMS, MAX_STRUCT_SIZE, Method, MethodId, Scenario, Shows, Signature, Site, SiteId,
    StructId, StructShape, Type, VariableId,
};
use super::emitter::Emitter;

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
    fix_script(scenario);
    fix_size(scenario);
}

/// The same for a scenario whose layout is known to be valid: only what happens is repaired.
pub fn fixup_script(scenario: &mut Scenario) {
    fix_script(scenario);
    fix_size(scenario);
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
    layout.methods.truncate(MAX_ITEMS);
    layout.sites.truncate(MAX_ITEMS);
    let homeless = !layout.methods.is_empty() || !layout.sites.is_empty();
    if layout.assemblies.is_empty() && homeless {
        layout.assemblies.push(Assembly { name: "A".into() });
    }
    fix_names(&mut layout.assemblies, "A", |a| &mut a.name, names::is_identifier);
    fix_names(&mut layout.structs, "S", |s| &mut s.name, is_struct_name);
    fix_names(&mut layout.methods, "M", |m| &mut m.name, names::is_identifier);
    fix_names(&mut layout.sites, "Site", |s| &mut s.name, names::is_identifier);
    for (id, item) in (0..).map(StructId).zip(&mut layout.structs) {
        fix_shape(id, &mut item.shape);
    }
    // Methods and sites are rebuilt one by one, as each looks at the rest.
    for i in 0..layout.methods.len() {
        let mut method = layout.methods[i].clone();
        fix_method(layout, &mut method);
        layout.methods[i] = method;
    }
    for i in 0..layout.sites.len() {
        let mut site = layout.sites[i].clone();
        fix_site(layout, &mut site);
        layout.sites[i] = site;
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
        StructShape::Wraps(_) => {}
        StructShape::Opaque { size, align } => {
            *align = (*align).clamp(1, 16).next_power_of_two();
            *size = (*size).clamp(2 * *align, MAX_STRUCT_SIZE) / *align * *align;
        }
    }
}

fn fix_assembly(layout: &Layout, id: &mut AssemblyId) {
    id.0 = wrapped(id.0, layout.assemblies.len());
}

/// The id itself if it is in range. There is at least one item.
fn wrapped(id: u16, count: usize) -> u16 {
    (usize::from(id) % count.max(1)) as u16
}

fn fix_method(layout: &Layout, method: &mut Method) {
    fix_assembly(layout, &mut method.assembly);
    fix_signature(layout, &mut method.signature);
    if method.convention == Convention::Managed {
        method.reverse_thunk = false;
    } else {
        make_unmanaged(layout, &mut method.signature);
        method.reverse_thunk |= method.code == Code::Interpreted;
    }
}

fn fix_signature(layout: &Layout, signature: &mut Signature) {
    signature.params.truncate(MAX_PARAMS);
    for ty in signature.params.iter_mut().chain(&mut signature.ret) {
        if let Type::Struct(id) = ty {
            match layout.structs.len() {
                0 => *ty = Type::I32,
                count => id.0 = wrapped(id.0, count),
            }
        }
    }
}

/// Makes a signature static, and object references pointers.
pub(super) fn make_unmanaged(layout: &Layout, signature: &mut Signature) {
    signature.instance = false;
    for ty in signature.params.iter_mut().chain(&mut signature.ret) {
        if holds_object(layout, *ty) {
            *ty = Type::Pointer;
        }
    }
}

fn fix_site(layout: &Layout, site: &mut Site) {
    if let Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) = &mut site.caller {
        fix_assembly(layout, assembly);
    }
    match &mut site.action {
        Action::ManagedCalli(signature) => fix_signature(layout, signature),
        Action::UnmanagedCalli(signature) => {
            fix_signature(layout, signature);
            make_unmanaged(layout, signature);
        }
        Action::Ldftn(method) => method.0 = wrapped(method.0, layout.methods.len()),
        Action::Direct { callee, .. } => callee.0 = wrapped(callee.0, layout.methods.len()),
    }
    // A site that cannot be what it is still keeps its number.
    let nothing = Signature { instance: false, ret: None, params: Vec::new() };
    match &site.action {
        Action::Ldftn(_) | Action::Direct { .. } if layout.methods.is_empty() => {
            site.action = Action::UnmanagedCalli(nothing);
        }
        &Action::Direct { callee, .. } => {
            let callee = layout.method(callee);
            if callee.convention != Convention::Managed {
                // It has no object and no receiver, as every such signature.
                site.action = Action::UnmanagedCalli(callee.signature.clone());
            }
        }
        _ => {}
    }
    if site.caller == Caller::Native && !matches!(site.action, Action::UnmanagedCalli(_)) {
        site.caller = Caller::ReadyToRun(AssemblyId(0));
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
    old_names: &'s [String],
    /// Old variables and the new ones in their place.
    variables: Vec<(VariableId, VariableId)>,
}

impl Fixer<'_> {
    fn event(&mut self, event: &Event) {
        let layout = self.layout;
        match event {
            Event::Load(id) if !layout.assemblies.is_empty() => {
                self.emitter.load(AssemblyId(wrapped(id.0, layout.assemblies.len())));
            }
            Event::Prepare(id) if !layout.methods.is_empty() => {
                self.emitter.prepare(MethodId(wrapped(id.0, layout.methods.len())));
            }
            Event::Touch(id) if !layout.methods.is_empty() => {
                self.emitter.touch(MethodId(wrapped(id.0, layout.methods.len())));
            }
            Event::Take { site, into } => self.take(*site, *into),
            Event::Call(call) => {
                let Some(site) = self.site(call.site, false) else { return };
                let wish = call.pointer.and_then(|old| self.renamed(old));
                let words = |i: usize| {
                    // Distinguishable words stand in for missing ones.
                    call.args.get(i).copied().unwrap_or_else(|| mix(0x6d15_5176, i as u64))
                };
                self.emitter.call(site, wish, call.this.unwrap_or(0x7415_0000), words);
            }
            Event::Load(_) | Event::Prepare(_) | Event::Touch(_) => {}
        }
    }

    fn take(&mut self, site: SiteId, into: VariableId) {
        let Some(site) = self.site(site, true) else { return };
        let known = self.renamed(into);
        let name = self.old_names.get(into.index()).map(String::as_str);
        let name = name.filter(|name| names::is_identifier(name));
        let taken = self.emitter.take(site, known, name);
        if let (None, Some(new)) = (known, taken) {
            self.variables.push((into, new));
        }
    }

    fn renamed(&self, old: VariableId) -> Option<VariableId> {
        self.variables.iter().find(|(known, _)| *known == old).map(|&(_, new)| new)
    }

    /// The site itself if it is of the right kind, else one that is.
    fn site(&self, id: SiteId, takes: bool) -> Option<SiteId> {
        let right = |site: &Site| matches!(site.action, Action::Ldftn(_)) == takes;
        if self.layout.sites.get(id.index()).is_some_and(right) {
            return Some(id);
        }
        let count = self.layout.sites.len();
        let start = usize::from(wrapped(id.0, count));
        let next = (start..count).chain(0..start).find(|&i| right(&self.layout.sites[i]))?;
        Some(SiteId(next as u16))
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
    let seen = scenario.script.iter().map(|event| match event {
        Event::Take { into, .. } => into.index() + 1,
        _ => 0,
    });
    scenario.variables.truncate(seen.max().unwrap_or(0));
    // Only a layout that is too large by itself lost all its events.
    while text_bound(scenario) > MAX_TEXT_BOUND {
        if scenario.layout.sites.pop().is_none() && scenario.layout.methods.pop().is_none() {
            break;
        }
    }
}
