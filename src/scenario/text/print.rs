//! From a scenario to its canonical text.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fmt::Write as _;

use super::super::action::{Parts, Subject};
use super::super::spell::{spell, spell_type};
use super::super::validate::names;
use super::super::{
    Call, CallerKind, ClassKind, Convention, Event, EventKind, Form, Layout, Method, ObjectClass,
    Scenario, Signature, Site, Slot, Struct, StructShape, Type,
};
use super::{VERSION, word};
use crate::index::{Id, IndexVec};

/// Writes a scenario as [`parse`](super::parse()) reads it. A valid scenario is
/// read back as it is; of another one, `?` stands for what does not exist.
pub fn print(scenario: &Scenario) -> String {
    let layout = &scenario.layout;
    let mut out = format!("calliper = {VERSION}\ntitle = {}\n", quote(&scenario.title));
    if !scenario.upstream.is_empty() {
        let numbers: Vec<String> = scenario.upstream.iter().map(u32::to_string).collect();
        let _ = writeln!(out, "upstream = [{}]", numbers.join(", "));
    }
    if scenario.interpreter_only {
        out.push_str("ready-to-run = false\n");
    }
    section(&mut out, "shows", &scenario.shows, |(fault, class)| (fault.as_str(), quote(class)));
    section(&mut out, "assemblies", &layout.assemblies, |a| (a.name.as_str(), "{}".into()));
    section(&mut out, "structs", &layout.structs, |s| (s.name.as_str(), structure(layout, s)));
    section(&mut out, "classes", &layout.classes, |c| (c.name.as_str(), class(layout, c)));
    section(&mut out, "methods", &layout.methods, |m| (m.name.as_str(), method(layout, m)));
    section(&mut out, "sites", &layout.sites, |s| (s.name.as_str(), site(layout, s)));
    if !scenario.script.is_empty() {
        out.push_str("\n[script]\nevents = [\n");
        for item in &scenario.script {
            let _ = writeln!(out, "    {{ {} }},", event(scenario, item));
        }
        out.push_str("]\n");
    }
    out
}

/// A table with a line for each item, unless there is none.
fn section<'s, T: 's>(
    out: &mut String,
    name: &str,
    items: impl IntoIterator<Item = &'s T>,
    line: impl Fn(&'s T) -> (&'s str, String),
) {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "\n[{name}]");
    for item in items {
        let (key, value) = line(item);
        let bare = names::is_slug(key);
        let _ = writeln!(out, "{} = {value}", if bare { key.to_owned() } else { quote(key) });
    }
}

fn structure(layout: &Layout, item: &Struct) -> String {
    match item.shape {
        StructShape::Opaque { size, align } => format!("{{ size = {size}, align = {align} }}"),
        StructShape::Wraps(ty) => format!("{{ wraps = {} }}", quote(spell_type(layout, ty))),
        StructShape::Empty => "{ empty = true }".into(),
    }
}

fn class(layout: &Layout, item: &ObjectClass) -> String {
    let assembly = quote(name(&layout.assemblies, item.assembly, |a| &a.name));
    let kind = match item.kind {
        ClassKind::Class => "",
        ClassKind::Interface => ", interface = true",
        ClassKind::Struct => ", struct = true",
    };
    let base = item.base.map_or(String::new(), |base| {
        format!(", base = {}", quote(name(&layout.classes, base, |c| &c.name)))
    });
    format!("{{ in = {assembly}{kind}{base} }}")
}

fn method(layout: &Layout, item: &Method) -> String {
    let code = item.code.word();
    let convention = match (item.convention, item.reverse_thunk) {
        (Convention::Managed, _) => "",
        (Convention::UnmanagedCallersOnly, true) => ", uco = true",
        (Convention::UnmanagedCallersOnly, false) => ", uco = true, reverse-thunk = false",
        (Convention::PInvoke, _) => ", pinvoke = true",
    };
    let class = item.class.map_or(String::new(), |class| {
        format!(", class = {}", quote(name(&layout.classes, class, |c| &c.name)))
    });
    let slot = match item.slot {
        Slot::None => String::new(),
        Slot::Virtual => ", virtual = true".into(),
        Slot::Overrides(first) => {
            format!(", overrides = {}", quote(name(&layout.methods, first, |m| &m.name)))
        }
    };
    let form = match item.form {
        Form::Ordinary => String::new(),
        form @ (Form::StringConstructor | Form::Dynamic) => {
            format!(", form = {}", quote(form.word()))
        }
    };
    let symbol = item
        .symbol
        .as_ref()
        .map_or(String::new(), |symbol| format!(", symbol = {}", quote(symbol)));
    let assembly = quote(name(&layout.assemblies, item.assembly, |a| &a.name));
    let signature = signature(layout, &item.signature);
    format!(
        "{{ in = {assembly}, code = \"{code}\", signature = {signature}{convention}{class}{slot}\
         {form}{symbol} }}"
    )
}

fn site(layout: &Layout, item: &Site) -> String {
    let caller = match item.caller.assembly() {
        None => String::new(),
        Some(id) => {
            let assembly = quote(name(&layout.assemblies, id, |a| &a.name));
            let by = match item.caller.kind() {
                CallerKind::ReadyToRun => String::new(),
                kind @ (CallerKind::Interpreter | CallerKind::Native) => {
                    format!(", by = {}", quote(kind.word()))
                }
            };
            format!("in = {assembly}{by}, ")
        }
    };
    let parts = item.action.parts();
    let subject = match parts.subject {
        Subject::Method(id) => quote(name(&layout.methods, id, |m| &m.name)),
        Subject::Variable(_, stated) => signature(layout, stated),
    };
    format!("{{ {caller}{} = {subject}{} }}", item.word(), choice(&parts))
}

/// What is chosen about an action, unless it is the usual thing.
fn choice(parts: &Parts<'_>) -> String {
    match parts.kind.choice().filter(|_| parts.chosen) {
        None => String::new(),
        Some(choice) => match choice.words() {
            Some([_, other]) => format!(", {} = {}", choice.key(), quote(other)),
            None => format!(", {} = true", choice.key()),
        },
    }
}

fn event(scenario: &Scenario, item: &Event) -> String {
    let layout = &scenario.layout;
    let variable = |id: super::super::VariableId| quote(name(&scenario.variables, id, |v| v));
    let method = |id: super::super::MethodId| quote(name(&layout.methods, id, |m| &m.name));
    let site = |id: super::super::SiteId| quote(name(&layout.sites, id, |s| &s.name));
    let subject = match item {
        Event::Load(id) => quote(name(&layout.assemblies, *id, |a| &a.name)),
        Event::Prepare(id) | Event::Touch(id) | Event::Reset(id) => method(*id),
        Event::Recycle { from, to } => format!("{}, as = {}", method(*from), method(*to)),
        Event::Take { site: id, into, on } => {
            let on = on.map_or(String::new(), |object| {
                format!(", on = {}", word::print_object(layout, object))
            });
            format!("{}, into = {}{on}", site(*id), variable(*into))
        }
        Event::Call(item) => return call(scenario, item),
    };
    format!("{} = {subject}", item.kind().word())
}

fn call(scenario: &Scenario, item: &Call) -> String {
    let layout = &scenario.layout;
    let site = quote(name(&layout.sites, item.site, |s| &s.name));
    let mut out = format!("{} = {site}", EventKind::Call.word());
    if let Some(pointer) = item.pointer {
        let pointer = quote(name(&scenario.variables, pointer, |v| v));
        let _ = write!(out, ", through = {pointer}");
    }
    if let Some(this) = item.this {
        let _ = write!(out, ", this = {}", word::print_object(layout, this));
    }
    if !item.args.is_empty() {
        let _ = write!(out, ", args = [{}]", arguments(layout, item).join(", "));
    }
    if !item.inside.is_empty() {
        let inside: Vec<String> =
            item.inside.iter().map(|inner| format!("{{ {} }}", call(scenario, inner))).collect();
        let _ = write!(out, ", inside = [{}]", inside.join(", "));
    }
    out
}

fn arguments(layout: &Layout, call: &Call) -> Vec<String> {
    let signature = layout.sites.get(call.site).and_then(|s| s.signature(layout));
    let params = signature.map_or(&[][..], |s| &s.params);
    // A word that has no type, in a scenario that is not valid, is a number.
    let types = params.iter().copied().chain(std::iter::repeat(Type::U64));
    call.args.iter().zip(types).map(|(&word, ty)| word::print(layout, ty, word)).collect()
}

fn signature(layout: &Layout, signature: &Signature) -> String {
    quote(&spell(layout, signature))
}

/// The name of the item at a position; `?` if there is no such item.
fn name<I: Id, T>(items: &IndexVec<I, T>, id: I, name: impl Fn(&T) -> &String) -> &str {
    items.get(id).map_or("?", |item| name(item).as_str())
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if names::breaks_line(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
