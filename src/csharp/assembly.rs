//! The source file of each assembly, and the one of the types that all share.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::homes::interfaces;
use super::methods::attribute;
use super::names::Owner;
use super::wrap::indent;
use super::{Home, Source};
use crate::scenario::{AssemblyId, ClassId, ClassKind, Convention, MethodId, ObjectClass, SiteId};

/// What every file begins with.
pub(super) const USINGS: &str = "\
using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;
using Calliper;
using static System.Runtime.CompilerServices.MethodImplOptions;
";

/// Members of a type: those in an unsafe part of it, and those that await, which may not be.
#[derive(Default)]
struct Members {
    plain: Vec<String>,
    awaiting: Vec<String>,
    instance: bool,
}

impl Source<'_> {
    /// The source of an assembly.
    pub fn assembly(&self, id: AssemblyId) -> String {
        let name = &self.layout.assemblies[id].name;
        let mut out = format!("// Assembly {name}.\n\n{USINGS}\n");
        out.push_str("[assembly: DisableRuntimeMarshalling]\n");
        for (class, data) in self.classes().filter(|(_, class)| class.assembly == id) {
            if !self.homes.is_shared(class) {
                out.push_str(&self.class_declaration(class, data));
            }
        }
        out.push_str(&self.methods_without_class(id));
        let contexts = self.layout.methods_of(id).filter(|(_, m)| m.signature.context);
        for (method, data) in contexts {
            let context = &self.names.contexts[method];
            let _ = write!(
                out,
                "\n// What {} is instantiated over: it stands for the context argument.\npublic \
                 sealed class {context}\n{{\n}}\n",
                data.name
            );
        }
        for constructed in &self.constructed {
            if self.layout.method(constructed.method).assembly == id {
                out.push_str(&self.constructed_type(constructed));
            }
        }
        out
    }

    fn classes(&self) -> impl Iterator<Item = (ClassId, &ObjectClass)> {
        self.layout.classes.enumerated()
    }

    fn method_ids(&self) -> impl Iterator<Item = MethodId> {
        self.layout.methods.ids()
    }

    /// Methods that belong to no class, and the call sites of the assembly.
    fn methods_without_class(&self, id: AssemblyId) -> String {
        let mut types: BTreeMap<Owner, Members> = BTreeMap::new();
        for method in self.method_ids() {
            let data = self.layout.method(method);
            if data.assembly != id || data.class.is_some() {
                continue;
            }
            let members = types.entry(self.names.methods[method].owner.clone()).or_default();
            members.instance |= data.signature.instance;
            let list = if data.signature.continuation {
                &mut members.awaiting
            } else {
                &mut members.plain
            };
            list.push(self.method(method));
        }
        let sites = self.sites_at(Home::Assembly(id));
        if !sites.is_empty() {
            types.entry(self.names.owner(id).clone()).or_default().plain.extend(sites);
        }
        let mut out = String::new();
        for (owner, members) in &types {
            let inside = |other: &Owner| {
                other.namespaces == owner.namespaces
                    && other.types.len() > owner.types.len()
                    && other.types.starts_with(&owner.types)
            };
            let parts = types.keys().any(inside);
            let kind = if members.instance { "" } else { "static " };
            let base = if members.instance { " : Known" } else { "" };
            out.push_str(&type_with(
                owner,
                parts,
                &format!("public {kind}"),
                "class",
                base,
                members,
            ));
        }
        for method in self.method_ids().filter(|&m| self.has_open_delegates(m)) {
            let data = self.layout.method(method);
            if data.assembly == id && data.class.is_none() {
                let _ = write!(out, "\n{}", self.open_delegate(method));
            }
        }
        out
    }

    /// The code of all sites that stand there.
    pub fn sites_at(&self, home: Home) -> Vec<String> {
        let here = |site: &SiteId| self.site_homes[*site] == home;
        let ids = self.layout.sites.ids();
        ids.filter(here).map(|id| self.site(id)).filter(|code| !code.is_empty()).collect()
    }

    fn class_declaration(&self, id: ClassId, class: &ObjectClass) -> String {
        let mut members = Members::default();
        if class.kind == ClassKind::Struct {
            members.plain.push("public uint Word { get; set; }\n".into());
        }
        for method in self.method_ids() {
            let data = self.layout.method(method);
            if data.class == Some(id) {
                let list = if data.signature.continuation {
                    &mut members.awaiting
                } else {
                    &mut members.plain
                };
                list.push(self.method(method));
            }
        }
        let mut above: Vec<&str> = Vec::new();
        let keyword = match class.kind {
            ClassKind::Class => {
                above.push(class.base.map_or("Known", |base| self.class(base)));
                "class"
            }
            ClassKind::Interface => {
                above.push("IWord");
                "interface"
            }
            ClassKind::Struct => {
                above.push("IWord");
                "struct"
            }
        };
        let implemented = interfaces(self.layout, id);
        above.extend(implemented.into_iter().map(|interface| self.class(interface)));
        let owner = Owner { namespaces: Vec::new(), types: vec![self.class(id).to_owned()] };
        let base = format!(" : {}", above.join(", "));
        let mut out = type_with(&owner, false, "public ", keyword, &base, &members);
        if class.kind == ClassKind::Interface {
            let (plain, name) = (&self.names.defaults[id], self.class(id));
            let _ = write!(
                out,
                "\n// Something to call the interface's own code on.\npublic sealed class {plain} : Known, \
                 {name}\n{{\n}}\n"
            );
        }
        let opens = self.method_ids().filter(|&m| self.layout.method(m).class == Some(id));
        let mut delegates: String =
            opens.filter(|&m| self.has_open_delegates(m)).map(|m| self.open_delegate(m)).collect();
        delegates.push_str(&self.delegates.declarations(self, Some(id)));
        if !delegates.is_empty() {
            let _ = write!(out, "\n{delegates}");
        }
        out
    }

    fn constructed_type(&self, constructed: &super::Constructed) -> String {
        let name = &constructed.name;
        let method = self.layout.method(constructed.method);
        let attribute = attribute(method.code);
        let seen = self.seen(constructed.method).replace(".See(Word + 4)", ".See(Word)");
        match constructed.constructor {
            super::runtime::Constructor::Class => format!(
                "\n// Its class constructor is {}'s code.\npublic static class {name}\n{{\n    \
                 {attribute}\n    static {name}()\n        => {seen}.Done();\n}}\n",
                method.name
            ),
            super::runtime::Constructor::Default => format!(
                "\n// Its default constructor is {}'s code.\npublic sealed class {name} : Known\n{{\n    \
                 {attribute}\n    public {name}()\n    {{\n        Word = Objects.Next;\n        \
                 {seen}.Done();\n    }}\n}}\n",
                method.name
            ),
        }
    }

    /// Types that all assemblies share.
    pub fn shared_types(&self) -> String {
        let mut out = String::new();
        for (id, _) in self.layout.structs.enumerated() {
            out.push('\n');
            out.push_str(&self.struct_declaration(id));
        }
        for (id, class) in self.classes().filter(|&(id, _)| self.homes.is_shared(id)) {
            let assembly = &self.layout.assemblies[class.assembly].name;
            let _ = write!(
                out,
                "\n// In the scenario {} is of {assembly}; an assembly that {assembly}'s project may refer \
                 to implements it.",
                class.name
            );
            out.push_str(&self.class_declaration(id, class));
        }
        let delegates = self.delegates.declarations(self, None);
        if !delegates.is_empty() {
            let _ = write!(out, "\n{delegates}");
        }
        if out.is_empty() {
            out
        } else {
            format!("// Types that all assemblies share.\n\n{USINGS}{out}")
        }
    }

    /// Some method of the program is async.
    pub fn is_async(&self) -> bool {
        self.layout.methods.iter().any(|m| m.signature.continuation)
    }

    /// Assemblies with a P/Invoke or compiled code of their own.
    pub fn has_compiled_code(&self, id: AssemblyId) -> bool {
        let method = |m: &crate::scenario::Method| {
            m.assembly == id && (m.code.has_r2r_body() || m.convention == Convention::PInvoke)
        };
        self.layout.methods.iter().any(method) || self.layout.compiled_sites_of(id).next().is_some()
    }
}

/// A type in its namespaces and in the types around it. It has other `parts` elsewhere, or not.
fn type_with(
    owner: &Owner,
    parts: bool,
    modifiers: &str,
    kind: &str,
    base: &str,
    members: &Members,
) -> String {
    let two = !members.awaiting.is_empty() && !members.plain.is_empty();
    let partial = if two || parts { "partial " } else { "" };
    let mut out = String::new();
    if !members.plain.is_empty() || members.awaiting.is_empty() {
        let head = format!("{modifiers}unsafe {partial}{kind}");
        out.push_str(&nested(owner, &head, base, &members.plain));
    }
    if !members.awaiting.is_empty() {
        let head = format!("{modifiers}{partial}{kind}");
        out.push_str(&nested(owner, &head, base, &members.awaiting));
    }
    out
}

fn nested(owner: &Owner, head: &str, base: &str, members: &[String]) -> String {
    let Some((name, around)) = owner.types.split_last() else { return String::new() };
    let mut out = format!("{head} {name}{base}\n{{\n{}}}\n", indent(&members.join("\n"), 1));
    for outer in around.iter().rev() {
        out = format!("public partial class {outer}\n{{\n{}}}\n", indent(&out, 1));
    }
    if !owner.namespaces.is_empty() {
        let namespace = owner.namespaces.join(".");
        out = format!("namespace {namespace}\n{{\n{}}}\n", indent(&out, 1));
    }
    format!("\n{out}")
}
