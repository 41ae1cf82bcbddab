//! What everything is called in C#: as in the scenario, where C# can have it so.

use std::collections::{BTreeMap, BTreeSet};

use crate::index::IndexVec;
use crate::scenario::{
    AssemblyId, ClassId, ClassKind, Convention, Layout, Method, MethodId, Scenario, SiteId, Slot,
    StructId,
};

/// The keywords of C#, and the words that are keywords in some places.
const KEYWORDS: &str = "abstract as base bool break byte case catch char checked class const \
    continue decimal default delegate do double else enum event explicit extern false finally \
    fixed float for foreach goto if implicit in int interface internal is lock long namespace new \
    null object operator out override params private protected public readonly ref return sbyte \
    sealed short sizeof stackalloc static string struct switch this throw true try typeof uint \
    ulong unchecked unsafe ushort using virtual void volatile while async await dynamic field file \
    nameof nint notnull nuint partial record required scoped unmanaged value var when where with \
    yield";

/// Names that generated code refers to, and that nothing of the scenario may hide.
const TAKEN: &str = "System Calliper Console Type Task Action Func Delegate Int128 Vector128 \
    Vector256 Vector512 BitConverter MethodInfo Pointer Activator RuntimeHelpers DllImport \
    DllImportAttribute MethodImpl MethodImplAttribute StructLayout StructLayoutAttribute LayoutKind \
    UnmanagedCallersOnly UnmanagedCallersOnlyAttribute SuppressGCTransition \
    SuppressGCTransitionAttribute NoInlining AggressiveOptimization IWord Known Objects Value Body \
    Report Suspension Strings Finalization Il InstanceCalli Script Native Main Word GetType ToString Equals \
    GetHashCode Finalize MemberwiseClone ReferenceEquals Value Rest First T self target function \
    Invoke BeginInvoke EndInvoke GetAwaiter Module nint nuint dynamic var nameof";

/// Assemblies that a program cannot have a second of.
const SYSTEM_ASSEMBLIES: [&str; 4] = ["System", "mscorlib", "netstandard", "WindowsBase"];

/// An identifier as C# source spells it.
pub(super) fn escape(name: &str) -> String {
    let keyword = KEYWORDS.split_whitespace().any(|keyword| keyword == name);
    if keyword { format!("@{name}") } else { name.to_owned() }
}

/// A parameter's name, by position: `a`, `b`, and so on.
pub(super) fn parameter(index: usize, count: usize) -> String {
    match u8::try_from(index) {
        Ok(letter) if count <= 26 => char::from(b'a' + letter % 26).to_string(),
        _ => format!("a{index}"),
    }
}

/// A name that a parameter may have.
fn is_parameter(name: &str) -> bool {
    let rest = name.get(1..).unwrap_or_default();
    match name.as_bytes() {
        [first] => first.is_ascii_lowercase(),
        [b'a', ..] => rest.bytes().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// Where a method is, and what it is called there.
#[derive(Clone, Debug)]
pub(super) struct MethodName {
    /// The type that has it.
    pub owner: Owner,
    /// Its own name.
    pub member: String,
}

/// A C# type that has methods of the scenario's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    /// Namespaces around it.
    pub namespaces: Vec<String>,
    /// The type, and before it the types around it.
    pub types: Vec<String>,
}

impl Owner {
    fn plain(name: &str) -> Self {
        Owner { namespaces: Vec::new(), types: vec![name.to_owned()] }
    }

    /// How other code names it.
    pub fn path(&self) -> String {
        let parts: Vec<&str> =
            self.namespaces.iter().chain(&self.types).map(String::as_str).collect();
        parts.join(".")
    }
}

#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The file name of each assembly.
    pub projects: IndexVec<AssemblyId, String>,
    /// The type of each assembly's methods that belong to no class.
    pub owners: IndexVec<AssemblyId, Owner>,
    pub structs: IndexVec<StructId, String>,
    pub classes: IndexVec<ClassId, String>,
    /// For each interface: a class that has its methods as they are.
    pub defaults: IndexVec<ClassId, String>,
    pub methods: IndexVec<MethodId, MethodName>,
    /// What each method that is generic is instantiated over.
    pub contexts: IndexVec<MethodId, String>,
    /// The type of each method's open delegates.
    pub opens: IndexVec<MethodId, String>,
    pub sites: IndexVec<SiteId, String>,
    /// What else may not be declared twice.
    used: BTreeSet<String>,
}

impl Names {
    pub fn new(scenario: &Scenario) -> Self {
        let layout = &scenario.layout;
        let mut names = Names::of_types(layout);
        names.name_methods(layout);
        names.sites = layout.sites.map(|site| names.take(&site.name, "Site"));
        names
    }

    fn of_types(layout: &Layout) -> Self {
        let mut names = Names {
            projects: projects(layout),
            owners: IndexVec::default(),
            structs: IndexVec::default(),
            classes: IndexVec::default(),
            defaults: IndexVec::default(),
            methods: IndexVec::default(),
            contexts: IndexVec::default(),
            opens: IndexVec::default(),
            sites: IndexVec::default(),
            used: TAKEN.split_whitespace().map(str::to_owned).collect(),
        };
        names.classes = layout.classes.map(|c| names.take(&c.name, "Class"));
        names.structs = layout.structs.map(|s| names.take(&s.name, "Struct"));
        let owner = |a: &crate::scenario::Assembly| Owner::plain(&names.take(&a.name, "Assembly"));
        names.owners = layout.assemblies.map(owner);
        let default = |c: &crate::scenario::ObjectClass| match c.kind {
            ClassKind::Interface => names.take(&format!("Plain{}", c.name), "Class"),
            ClassKind::Class | ClassKind::Struct => String::new(),
        };
        names.defaults = layout.classes.map(default);
        names
    }

    fn name_methods(&mut self, layout: &Layout) {
        let mut symbols = Symbols::default();
        let mut named: IndexVec<MethodId, Option<MethodName>> = IndexVec::default();
        for method in &layout.methods {
            let symbol = symbols.place(self, method);
            let slot_of_its_own = !matches!(method.slot, Slot::Overrides(_));
            let ordinary = (symbol.is_none() && slot_of_its_own).then(|| MethodName {
                owner: match method.class {
                    Some(class) => Owner::plain(&self.classes[class]),
                    None => self.owners[method.assembly].clone(),
                },
                member: self.take(&method.name, "Method"),
            });
            named.push(symbol.or(ordinary));
        }
        let overriding = |method: &Method| {
            let Slot::Overrides(first) = method.slot else { return None };
            let member = named.get(first)?.as_ref()?.member.clone();
            let owner = Owner::plain(&self.classes[method.class?]);
            Some(MethodName { owner, member })
        };
        let all = layout.methods.iter().zip(&named);
        self.methods = all
            .map(|(method, name)| name.clone().or_else(|| overriding(method)))
            .map(|name| name.expect("an override is of a method with a name of its own"))
            .collect();
        let mut each = |prefix: &str, suffix: &str, has: &dyn Fn(&Method) -> bool| {
            let name = |method: &Method| match has(method) {
                true => self.take(&format!("{prefix}{}{suffix}", method.name), "Type"),
                false => String::new(),
            };
            layout.methods.map(name)
        };
        let contexts = each("", "Context", &|m| m.signature.context);
        let opens = each("Open", "", &|m| m.signature.instance);
        (self.contexts, self.opens) = (contexts, opens);
    }

    /// A name that nothing else has, as near to the wanted one as there is.
    pub fn take(&mut self, wanted: &str, suffix: &str) -> String {
        let parameter = if is_parameter(wanted) { suffix } else { "" };
        self.take_local(&format!("{wanted}{parameter}"), suffix)
    }

    /// The same for a variable, which may be called as a parameter is.
    pub fn take_local(&mut self, wanted: &str, suffix: &str) -> String {
        let mut name = wanted.to_owned();
        if self.used.contains(&name) {
            name.push_str(suffix);
        }
        while self.used.contains(&name) {
            name.push('_');
        }
        self.used.insert(name.clone());
        escape(&name)
    }

    /// What a method is called from code in `home`.
    pub fn method(&self, id: MethodId, home: Option<&Owner>) -> String {
        let MethodName { owner, member } = &self.methods[id];
        if home == Some(owner) { member.clone() } else { format!("{}.{member}", owner.path()) }
    }

    /// The type of an assembly's methods that belong to no class.
    pub fn owner(&self, assembly: AssemblyId) -> &Owner {
        &self.owners[assembly]
    }
}

/// File names that a file system which ignores case tells apart.
fn projects(layout: &Layout) -> IndexVec<AssemblyId, String> {
    let mut projects: IndexVec<AssemblyId, String> = IndexVec::default();
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    for assembly in &layout.assemblies {
        let mut name = assembly.name.clone();
        let taken = |name: &str| {
            projects.iter().map(String::as_str).chain(SYSTEM_ASSEMBLIES).any(|o| same(o, name))
                || same(name, "native")
        };
        while taken(&name) {
            name.push('_');
        }
        projects.push(name);
    }
    projects
}

/// The types that methods' names in metadata ask for.
#[derive(Default)]
struct Symbols {
    /// The assembly of each type.
    types: BTreeMap<Owner, AssemblyId>,
    /// Names of these types and of the namespaces around them.
    parts: BTreeSet<String>,
    members: BTreeSet<String>,
}

impl Symbols {
    /// The place that a method's symbol names, unless C# cannot have it there.
    fn place(&mut self, names: &mut Names, method: &Method) -> Option<MethodName> {
        let of_no_class = method.class.is_none() && !method.signature.instance;
        let symbol = method.symbol.as_deref().filter(|_| of_no_class)?;
        let (path, member) = symbol.rsplit_once('.')?;
        let (namespaces, types) = match path.rsplit_once('.') {
            Some((namespaces, types)) => (namespaces.split('.').map(escape).collect(), types),
            None => (Vec::new(), path),
        };
        let owner = Owner { namespaces, types: types.split('+').map(escape).collect() };
        let member = escape(member);
        if self.clash(names, method, &owner, &member) {
            return None;
        }
        let parts = || owner.namespaces.iter().chain(&owner.types).cloned();
        self.parts.extend(parts());
        names.used.extend(parts().chain([member.clone()]));
        self.members.insert(member.clone());
        self.types.insert(owner.clone(), method.assembly);
        Some(MethodName { owner, member })
    }

    /// Something else has one of the names already.
    fn clash(&self, names: &Names, method: &Method, owner: &Owner, member: &String) -> bool {
        let parts: Vec<&String> = owner.namespaces.iter().chain(&owner.types).collect();
        let own = owner == names.owner(method.assembly);
        let taken = |part: &&String| {
            let hidden = names.used.contains(part.trim_start_matches('@')) && !own;
            (hidden && !self.parts.contains(*part)) || self.members.contains(*part)
        };
        let once: BTreeSet<&String> = parts.iter().copied().collect();
        let conflicts = |(other, &assembly): (&Owner, &AssemblyId)| {
            let outermost = |owner: &Owner| (owner.namespaces.clone(), owner.types[0].clone());
            let same_file = assembly == method.assembly || outermost(other) != outermost(owner);
            let (a, b) = (format!("{}.", other.path()), format!("{}.", owner.path()));
            let around = a.starts_with(&b) || b.starts_with(&a);
            !same_file || (around && other.namespaces != owner.namespaces)
        };
        parts.iter().any(taken)
            || once.len() < parts.len()
            || parts.contains(&member)
            || self.parts.contains(member)
            || names.used.contains(member.trim_start_matches('@'))
            || self.types.iter().any(conflicts)
    }
}

/// The C name of a P/Invoke's target, or of an exported method.
pub(super) fn entry(method: &Method) -> String {
    let kind = if method.convention == Convention::PInvoke { "target" } else { "export" };
    format!("{kind}_{}", method.name)
}
