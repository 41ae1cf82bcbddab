//! Call sites: each is a small method that makes the call, or takes the address.

#![deny(clippy::wildcard_enum_match_arm)]

use super::methods::attribute;
use super::names::{Owner, entry, parameter};
use super::native::has_code;
use super::types::without_pointer;
use super::wrap::{arrow, list};
use super::{Home, Source, Variant};
use crate::scenario::action::{ActionKind, Given, Parts};
use crate::scenario::targets::slot_of;
use crate::scenario::{
    Action, AssemblyId, Caller, CallerKind, ClassId, ClassKind, Code, Convention, Form, Layout,
    Method, MethodId, Signature, Site, SiteId, Type,
};

/// The class whose slot a method is called through, or that has it.
pub(super) fn receiver_class(layout: &Layout, method: MethodId) -> Option<ClassId> {
    layout.method(slot_of(layout, method)).class
}

/// The assemblies that a site's code refers to.
pub(super) fn referred(program: &Source<'_>, site: &Site, variants: &[Variant]) -> Vec<AssemblyId> {
    let layout = program.layout;
    let home = |method: MethodId| {
        let shared = layout.method(method).class.is_some_and(|c| program.homes.is_shared(c));
        (!shared).then_some(layout.method(method).assembly)
    };
    let named = match site.action {
        Action::PInvoke { suppress_gc_transition: true, .. } => None,
        Action::NewDelegate { method, .. } => home(slot_of(layout, method)),
        Action::Direct { callee: method, .. }
        | Action::PInvoke { callee: method, .. }
        | Action::Virtual { method, .. }
        | Action::Ldftn(method)
        | Action::Ldvirtftn(method)
        | Action::Runtime { callee: method, .. } => home(method),
        Action::ManagedCalli(_) | Action::UnmanagedCalli(_) | Action::Invoke(_) => None,
    };
    let used = variants.iter().filter_map(|variant| match *variant {
        Variant::Plain => None,
        Variant::Open(method) => home(method),
        Variant::ByReference(class) => Some(layout.class(class).assembly),
    });
    named.into_iter().chain(used).collect()
}

/// The parts of a site's method.
struct SiteCode {
    result: String,
    parameters: Vec<String>,
    expression: String,
}

impl Source<'_> {
    /// The methods of a site, as members of the type where it stands.
    pub fn site(&self, id: SiteId) -> String {
        let site = self.layout.site(id);
        if site.caller == Caller::Native {
            return self.native_site(id, site);
        }
        let home = self.home_owner(id);
        let mut out = self.site_comment(id, site);
        for &variant in &self.variants[id] {
            if let Action::PInvoke { callee, suppress_gc_transition: true } = site.action {
                out.push_str(&self.suppressing(id, callee));
                continue;
            }
            let code = self.code(site, variant, home);
            let kind = match site.caller.kind() {
                CallerKind::Interpreter => Code::Interpreted,
                CallerKind::ReadyToRun | CallerKind::Native => Code::ReadyToRun,
            };
            let head = format!(
                "{}\npublic static {} {}(",
                attribute(kind),
                code.result,
                self.names.sites[id]
            );
            out.push_str(&arrow(&list(&head, &code.parameters, ")"), &code.expression));
        }
        out
    }

    fn site_comment(&self, id: SiteId, site: &Site) -> String {
        let name = &site.name;
        let notes = self.notes(&site.action).into_iter().filter(|(holds, _)| *holds);
        let mut out: String = notes.map(|(_, note)| format!("// {name}: {note}.\n")).collect();
        if let (Some(assembly), Home::Application) = (site.caller.assembly(), self.site_homes[id]) {
            let assembly = &self.layout.assemblies[assembly].name;
            out.push_str(&format!(
                "// {name}: stands in {assembly}, whose project cannot refer to what it calls, as \
                 that refers back to it.\n"
            ));
        }
        out
    }

    /// What is to be said of an action, and whether it holds.
    fn notes(&self, action: &Action) -> [(bool, &'static str); 8] {
        let named = action.named().map(|id| self.layout.method(id));
        let instance = named.is_some_and(|method| method.signature.instance);
        let Parts { kind, chosen, gives, .. } = action.parts();
        let direct = kind == ActionKind::Direct;
        let calli = kind == ActionKind::ManagedCalli && action.stated().is_some_and(|s| s.instance);
        [
            (
                direct && chosen,
                "its import cell is resolved when the method is prepared; C# does not choose that",
            ),
            (
                kind == ActionKind::Virtual && chosen,
                "dispatched by a thunk of the image's; C# does not choose that",
            ),
            (
                direct && named.is_some_and(Method::is_virtual),
                "called without dispatch; C# says callvirt, on a receiver that has no override",
            ),
            (
                direct && named.is_some_and(is_real_string_constructor),
                "the runtime's own constructor; the characters tell what it was given",
            ),
            (
                calli || gives == Some(Given::PointerOfReceiver),
                "C# has no instance function pointers: a dynamic method has the instruction",
            ),
            (
                instance && gives == Some(Given::Pointer),
                "C# takes no address of an instance method: a dynamic method does",
            ),
            (
                !instance && gives == Some(Given::Delegate { closed: true }),
                "closed over the first argument of a static method",
            ),
            (
                instance && gives == Some(Given::Delegate { closed: false }),
                "open over an instance method",
            ),
        ]
    }

    fn suppressing(&self, id: SiteId, callee: MethodId) -> String {
        let method = self.layout.method(callee);
        let head = format!(
            "[SuppressGCTransition]\n[DllImport(\"calliper\", EntryPoint = \"{}\")]\npublic static extern \
             {} {}(",
            entry(method),
            self.spell_result(&method.signature),
            self.names.sites[id]
        );
        list(&head, &self.parameters(&method.signature), ");\n")
    }

    /// A site in C code, as managed code calls it.
    fn native_site(&self, id: SiteId, site: &Site) -> String {
        let Some(signature) = site.signature(self.layout).filter(|_| has_code(site)) else {
            return String::new();
        };
        let head = format!(
            "[DllImport(\"calliper\", EntryPoint = \"site_{}\")]\npublic static extern {} {}(",
            site.name,
            self.spell_result(signature),
            self.names.sites[id]
        );
        let mut parameters = vec![format!("{} function", self.spell_pointer(signature, true))];
        parameters.extend(self.parameters(signature));
        list(&head, &parameters, ");\n")
    }

    fn code(&self, site: &Site, variant: Variant, home: Option<&Owner>) -> SiteCode {
        let layout = self.layout;
        match &site.action {
            Action::Direct { callee, .. } | Action::PInvoke { callee, .. } => {
                self.named_call(*callee, home)
            }
            Action::Virtual { method, .. } => self.named_call(*method, home),
            Action::ManagedCalli(signature) => self.managed_calli(signature, variant),
            Action::UnmanagedCalli(signature) => {
                self.pointer_call(self.spell_pointer(signature, true), signature)
            }
            Action::Invoke(signature) => self.invoke(signature, variant),
            Action::Ldftn(method) => self.ldftn(*method, home),
            Action::Ldvirtftn(method) => SiteCode {
                result: "nint".into(),
                parameters: vec![format!("{} target", self.receiver_type(*method))],
                expression: format!(
                    "Il.LoadVirtualFunction({}, target)",
                    self.method_info(*method)
                ),
            },
            Action::NewDelegate { method, closed } => self.new_delegate(*method, *closed, home),
            Action::Runtime { callee, .. } => {
                unreachable!("the runtime runs {} itself", layout.method(*callee).name)
            }
        }
    }

    fn receiver_type(&self, method: MethodId) -> String {
        match receiver_class(self.layout, method) {
            Some(class) => self.class(class).to_owned(),
            None => self.names.methods[method].owner.path(),
        }
    }

    /// A call that C# spells with the method's name.
    fn named_call(&self, callee: MethodId, home: Option<&Owner>) -> SiteCode {
        let method = self.layout.method(callee);
        let signature = &method.signature;
        if is_real_string_constructor(method) {
            return SiteCode {
                result: "object".into(),
                parameters: self.parameters(signature),
                expression: format!("Strings.Answer({}, new string(Strings.Chars(a)))", callee.0),
            };
        }
        let mut parameters = Vec::new();
        let function = if signature.instance {
            let owner = &self.names.methods[callee].owner;
            parameters.push(format!("{} self", owner.path()));
            format!("self.{}", self.names.methods[callee].member)
        } else {
            self.names.method(callee, home)
        };
        parameters.extend(self.parameters(signature));
        let function = format!("{function}{}", self.instantiation(callee));
        let call = list(&format!("{function}("), &arguments(signature), ")");
        self.awaited(signature, parameters, call)
    }

    /// A site whose expression is a call with this signature; a task's result is taken.
    fn awaited(&self, signature: &Signature, parameters: Vec<String>, call: String) -> SiteCode {
        let plain = Signature {
            continuation: false,
            ret: signature
                .ret
                .map(|ty| if signature.continuation { without_pointer(ty) } else { ty }),
            ..signature.clone()
        };
        let result = self.spell_result(&plain);
        let expression = match (signature.continuation, signature.ret) {
            (false, _) => call,
            (true, Some(_)) => format!("Suspension.Result({call})"),
            (true, None) => format!("Suspension.Done({call})"),
        };
        SiteCode { result, parameters, expression }
    }

    fn pointer_call(&self, pointer: String, signature: &Signature) -> SiteCode {
        let mut parameters = vec![format!("{pointer} function")];
        parameters.extend(self.parameters(signature));
        let call = list("function(", &arguments(signature), ")");
        self.awaited(signature, parameters, call)
    }

    fn managed_calli(&self, signature: &Signature, variant: Variant) -> SiteCode {
        if !signature.instance {
            return self.pointer_call(self.spell_pointer(signature, false), signature);
        }
        let by_reference = match variant {
            Variant::ByReference(class) => Some(class),
            Variant::Plain | Variant::Open(_) => None,
        };
        let name = self.delegates.instance_calli(signature, by_reference);
        let (ty, pass) = match by_reference {
            Some(class) => (self.class(class), "ref self"),
            None => ("object", "self"),
        };
        let mut parameters = vec!["nint function".to_owned(), format!("{ty} self")];
        parameters.extend(self.parameters(signature));
        let passed: Vec<String> =
            ["function", pass].map(str::to_owned).into_iter().chain(arguments(signature)).collect();
        let call = list(&format!("InstanceCalli<{name}>.Call("), &passed, ")");
        self.awaited(signature, parameters, call)
    }

    fn invoke(&self, signature: &Signature, variant: Variant) -> SiteCode {
        let Variant::Open(method) = variant else {
            return self.pointer_call(self.delegates.plain(signature).to_owned(), signature);
        };
        let own = &self.layout.method(method).signature;
        let mut parameters = vec![
            format!("{} function", self.names.opens[method]),
            format!("{} self", self.receiver_type(method)),
        ];
        parameters.extend(self.parameters(own));
        let receiver = if self.is_struct(method) { "ref self" } else { "self" };
        let passed: Vec<String> =
            std::iter::once(receiver.to_owned()).chain(arguments(own)).collect();
        let call = list("function(", &passed, ")");
        self.awaited(signature, parameters, call)
    }

    /// The method is one of a value type.
    pub fn is_struct(&self, method: MethodId) -> bool {
        let class = receiver_class(self.layout, method);
        class.is_some_and(|class| self.layout.class(class).kind == ClassKind::Struct)
    }

    fn ldftn(&self, id: MethodId, home: Option<&Owner>) -> SiteCode {
        let method = self.layout.method(id);
        if method.signature.instance {
            return SiteCode {
                result: "nint".into(),
                parameters: Vec::new(),
                expression: format!("Il.LoadFunction({})", self.method_info(id)),
            };
        }
        let unmanaged = method.convention == Convention::UnmanagedCallersOnly;
        SiteCode {
            result: self.spell_pointer(&method.signature, unmanaged),
            parameters: Vec::new(),
            expression: format!("&{}{}", self.names.method(id, home), self.instantiation(id)),
        }
    }

    fn new_delegate(&self, id: MethodId, closed: bool, home: Option<&Owner>) -> SiteCode {
        let method = self.layout.method(id);
        let first = slot_of(self.layout, id);
        let result = self.delegate_type(id, closed);
        let member = &self.names.methods[first].member;
        let instantiation = self.instantiation(id);
        let (parameters, expression) = match (method.signature.instance, closed) {
            (true, true) => (
                vec![format!("{} target", self.receiver_type(id))],
                format!("new {result}(target.{member}{instantiation})"),
            ),
            (true, false) => {
                (Vec::new(), format!("{}.CreateDelegate<{result}>()", self.method_info(first)))
            }
            (false, true) => (
                vec!["object target".to_owned()],
                format!("{}.CreateDelegate<{result}>(target)", self.method_info(id)),
            ),
            (false, false) => (
                Vec::new(),
                format!("new {result}({}{instantiation})", self.names.method(id, home)),
            ),
        };
        SiteCode { result, parameters, expression }
    }

    /// The type of a delegate over a method.
    pub fn delegate_type(&self, id: MethodId, closed: bool) -> String {
        if self.layout.method(id).signature.instance && !closed {
            return self.names.opens[slot_of(self.layout, id)].clone();
        }
        self.delegates.plain(&self.layout.invoke_signature(id, closed)).to_owned()
    }

    /// The declaration of the type of a method's open delegates.
    pub fn open_delegate(&self, id: MethodId) -> String {
        let signature = &self.layout.method(id).signature;
        let reference = if self.is_struct(id) { "ref " } else { "" };
        let mut parameters = vec![format!("{reference}{} self", self.receiver_type(id))];
        parameters.extend(self.parameters(signature));
        let name = &self.names.opens[id];
        let result = self.spell_result(signature);
        list(&format!("public unsafe delegate {result} {name}("), &parameters, ");\n")
    }
}

/// C# can say it: `new string(char*)`, with characters that tell the argument.
fn is_real_string_constructor(method: &Method) -> bool {
    method.form == Form::StringConstructor && method.signature.params == [Type::Pointer]
}

/// The arguments with which a site's method calls on.
fn arguments(signature: &Signature) -> Vec<String> {
    let count = signature.params.len();
    (0..count).map(|i| parameter(i, count)).collect()
}
