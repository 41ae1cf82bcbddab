//! From a scenario to its canonical text.

use std::fmt::Write as _;

use super::super::validate::{names, site_signature};
use super::super::{
    Action, Binding, Call, Caller, Code, Convention, Event, Layout, Method, Scenario, Signature,
    Site, Struct, StructShape, Type,
};
use super::signature::{spell, spell_type};
use super::{VERSION, word};

/// Writes a scenario as [`parse`](super::parse) reads it. A valid scenario is
/// read back as it is; of another one, `?` stands for what does not exist.
pub fn print(scenario: &Scenario) -> String {
    let layout = &scenario.layout;
    let mut out = format!("calliper = {VERSION}\ntitle = {}\n", quote(&scenario.title));
    if !scenario.upstream.is_empty() {
        let numbers: Vec<String> = scenario.upstream.iter().map(u32::to_string).collect();
        let _ = writeln!(out, "upstream = [{}]", numbers.join(", "));
    }
    section(&mut out, "shows", &scenario.shows, |(fault, class)| (fault.as_str(), quote(class)));
    section(&mut out, "assemblies", &layout.assemblies, |a| (a.name.as_str(), "{}".into()));
    section(&mut out, "structs", &layout.structs, |s| (s.name.as_str(), structure(layout, s)));
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
fn section<'s, T>(
    out: &mut String,
    name: &str,
    items: &'s [T],
    line: impl Fn(&'s T) -> (&'s str, String),
) {
    if items.is_empty() {
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
    }
}

fn method(layout: &Layout, item: &Method) -> String {
    let code = match item.code {
        Code::ReadyToRun => "r2r",
        Code::Interpreted => "interpreted",
        Code::Both => "both",
    };
    let uco = match (item.convention, item.reverse_thunk) {
        (Convention::Managed, _) => "",
        (Convention::UnmanagedCallersOnly, true) => ", uco = true",
        (Convention::UnmanagedCallersOnly, false) => ", uco = true, reverse-thunk = false",
    };
    let assembly = quote(name(&layout.assemblies, item.assembly.index(), |a| &a.name));
    let signature = signature(layout, &item.signature);
    format!("{{ in = {assembly}, code = \"{code}\", signature = {signature}{uco} }}")
}

fn site(layout: &Layout, item: &Site) -> String {
    let assembly =
        |id: super::super::AssemblyId| quote(name(&layout.assemblies, id.index(), |a| &a.name));
    let callee = |id: super::super::MethodId| quote(name(&layout.methods, id.index(), |m| &m.name));
    let caller = match item.caller {
        Caller::ReadyToRun(id) => format!("in = {}, ", assembly(id)),
        Caller::Interpreter(id) => format!("in = {}, by = \"interpreter\", ", assembly(id)),
        Caller::Native => String::new(),
    };
    let action = match &item.action {
        Action::Ldftn(id) => format!("ldftn = {}", callee(*id)),
        Action::Direct { callee: id, binding: Binding::Lazy } => {
            format!("direct = {}", callee(*id))
        }
        Action::Direct { callee: id, binding: Binding::Eager } => {
            format!("direct = {}, binding = \"eager\"", callee(*id))
        }
        Action::ManagedCalli(s) => format!("calli = {}", signature(layout, s)),
        Action::UnmanagedCalli(s) if item.caller == Caller::Native => {
            format!("native = {}", signature(layout, s))
        }
        Action::UnmanagedCalli(s) => format!("unmanaged = {}", signature(layout, s)),
    };
    format!("{{ {caller}{action} }}")
}

fn event(scenario: &Scenario, item: &Event) -> String {
    let layout = &scenario.layout;
    let variable =
        |id: super::super::VariableId| quote(name(&scenario.variables, id.index(), |v| v));
    let method = |id: super::super::MethodId| quote(name(&layout.methods, id.index(), |m| &m.name));
    let site = |id: super::super::SiteId| quote(name(&layout.sites, id.index(), |s| &s.name));
    match item {
        Event::Load(id) => {
            format!("load = {}", quote(name(&layout.assemblies, id.index(), |a| &a.name)))
        }
        Event::Prepare(id) => format!("prepare = {}", method(*id)),
        Event::Touch(id) => format!("touch = {}", method(*id)),
        Event::Take { site: id, into } => {
            format!("take = {}, into = {}", site(*id), variable(*into))
        }
        Event::Call(call) => {
            let mut out = format!("call = {}", site(call.site));
            if let Some(pointer) = call.pointer {
                let _ = write!(out, ", through = {}", variable(pointer));
            }
            if let Some(this) = call.this {
                let _ = write!(out, ", this = {}", word::number(this.into()));
            }
            if !call.args.is_empty() {
                let _ = write!(out, ", args = [{}]", arguments(layout, call).join(", "));
            }
            out
        }
    }
}

fn arguments(layout: &Layout, call: &Call) -> Vec<String> {
    let signature = layout.sites.get(call.site.index()).and_then(|s| site_signature(layout, s));
    let params = signature.map_or(&[][..], |s| &s.params);
    // A word that has no type, in a scenario that is not valid, is a number.
    let types = params.iter().copied().chain(std::iter::repeat(Type::U64));
    call.args.iter().zip(types).map(|(&word, ty)| word::print(ty, word)).collect()
}

fn signature(layout: &Layout, signature: &Signature) -> String {
    quote(&spell(layout, signature))
}

/// The name of the item at a position; `?` if there is no such item.
fn name<T>(items: &[T], index: usize, name: impl Fn(&T) -> &String) -> &str {
    items.get(index).map_or("?", |item| name(item).as_str())
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
