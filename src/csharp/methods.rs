//! Methods: their declarations and their bodies.

use super::names::{entry, parameter};
use super::types::see;
use super::wrap::{arrow, chain, list};
use super::{Source, exported};
use crate::scenario::{
    ClassKind, Code, Convention, Form, Method, MethodId, Signature, Slot, Type, meaning,
};

/// The attribute that keeps code where a scenario has it: out of its callers, and out of the
/// image if the interpreter is to run it.
pub(super) fn attribute(code: Code) -> &'static str {
    if excluded(code) {
        "[MethodImpl(NoInlining | AggressiveOptimization)]"
    } else {
        "[MethodImpl(NoInlining)]"
    }
}

/// The method must have no compiled body that is used.
fn excluded(code: Code) -> bool {
    matches!(code, Code::Interpreted | Code::Rejected)
}

/// Which code the method has, for a comment.
fn describe(method: &Method) -> &'static str {
    match (method.code, method.convention) {
        (_, Convention::PInvoke) => "a P/Invoke; its target is in native/calliper.c",
        (Code::ReadyToRun, _) => "compiled into the R2R image",
        (Code::Interpreted, _) => {
            "interpreted only: AggressiveOptimization keeps it out of the image"
        }
        (Code::Both, _) => {
            "compiled into the R2R image, and interpreted byte code once it is prepared, for which \
             C# has no word"
        }
        (Code::Rejected, _) => {
            "a compiled body that a failing fixup rejects, which C# cannot ask for: kept out of \
             the image, as byte code is all that is left"
        }
        (Code::Native, _) => {
            "an FCall, C++ code of the runtime, which C# cannot add: a managed method stands for it"
        }
    }
}

/// What a form is in C#.
fn describe_form(form: Form) -> Option<&'static str> {
    match form {
        Form::Ordinary => None,
        Form::StringConstructor => Some(
            "a constructor of System.String, which a program cannot add to: the static method that it \
             really is stands for it",
        ),
        Form::Dynamic => Some(
            "a DynamicMethod, whose MethodDesc is used again: C# cannot ask for that, and an \
             interpreted method stands for it",
        ),
    }
}

impl Source<'_> {
    /// A method's declaration, as a member of its type.
    pub fn method(&self, id: MethodId) -> String {
        let method = self.layout.method(id);
        let mut out = self.method_comment(id, method);
        match method.convention {
            Convention::PInvoke => {
                let head = format!(
                    "[DllImport(\"calliper\", EntryPoint = \"{}\")]\npublic static extern ",
                    entry(method)
                );
                out.push_str(&self.head(id, &head));
                out.push_str(";\n");
                return out;
            }
            Convention::UnmanagedCallersOnly if exported(self.layout, id) => {
                let name = entry(method);
                out.push_str(&format!("[UnmanagedCallersOnly(EntryPoint = \"{name}\")]\n"));
            }
            Convention::UnmanagedCallersOnly => out.push_str("[UnmanagedCallersOnly]\n"),
            Convention::Managed => {}
        }
        if method.convention == Convention::Managed || excluded(method.code) {
            out.push_str(attribute(method.code));
            out.push('\n');
        }
        let head = self.head(id, &self.modifiers(id));
        out + &self.with_body(id, &head)
    }

    fn method_comment(&self, id: MethodId, method: &Method) -> String {
        let name = &method.name;
        let mut lines = vec![format!("// {name}: {}.", describe(method))];
        lines.extend(describe_form(method.form).map(|form| format!("// {name}: {form}.")));
        if let Some(symbol) = &method.symbol {
            let path = self.names.method(id, None).replace('@', "");
            if path != symbol.replace('+', ".") {
                lines
                    .push(format!("// {name}: metadata has it as {symbol}, which C# cannot here."));
            }
        }
        let unmanaged = method.convention != Convention::Managed;
        let wide = |&ty: &Type| {
            matches!(
                super::types::innermost(self.layout, ty).0,
                Type::Int128 | Type::Vector128 | Type::Vector256 | Type::Vector512
            )
        };
        if unmanaged && method.signature.params.iter().chain(&method.signature.ret).any(wide) {
            let text = "the VM may refuse Int128 and vectors at an unmanaged boundary \
                        (MarshalDirectiveException)";
            lines.push(format!("// {name}: {text}."));
        }
        lines.join("\n") + "\n"
    }

    /// Everything before the body, from the modifiers on.
    fn head(&self, id: MethodId, modifiers: &str) -> String {
        let signature = &self.layout.method(id).signature;
        let result = self.spell_result(signature);
        let member = &self.names.methods[id].member;
        let (generic, constraint) =
            if signature.context { ("<T>", " where T : class") } else { ("", "") };
        let tail = format!("){constraint}");
        list(&format!("{modifiers}{result} {member}{generic}("), &self.parameters(signature), &tail)
    }

    /// Parameters with their types.
    pub fn parameters(&self, signature: &Signature) -> Vec<String> {
        let types = self.spell_params(signature);
        let count = types.len();
        let named = types.into_iter().enumerate();
        named.map(|(i, ty)| format!("{ty} {}", parameter(i, count))).collect()
    }

    fn modifiers(&self, id: MethodId) -> String {
        let method = self.layout.method(id);
        let kind = method.class.map(|class| self.layout.class(class).kind);
        let mut out = String::new();
        if kind != Some(ClassKind::Interface) {
            out.push_str("public ");
        }
        match method.slot {
            _ if !method.signature.instance => out.push_str("static "),
            Slot::None => {}
            Slot::Virtual if kind == Some(ClassKind::Interface) => {}
            Slot::Virtual => out.push_str("virtual "),
            Slot::Overrides(first) => out.push_str(self.overriding(method, first)),
        }
        if method.signature.continuation {
            out.push_str("async ");
        }
        out
    }

    /// What an override is marked with: nothing, if it implements an interface's method for the
    /// first time.
    fn overriding(&self, method: &Method, first: MethodId) -> &'static str {
        let layout = self.layout;
        let declaring = layout.method(first).class.map(|class| layout.class(class).kind);
        if declaring != Some(ClassKind::Interface) {
            return "override ";
        }
        let above = |class| layout.ancestry(class).skip(1);
        let hides = method.class.is_some_and(|class| {
            above(class).any(|ancestor| {
                layout.methods.iter().any(|m| m.class == Some(ancestor) && m.slot == method.slot)
            })
        });
        if hides { "new " } else { "" }
    }

    fn with_body(&self, id: MethodId, head: &str) -> String {
        let method = self.layout.method(id);
        let answer = self.answer(&self.seen(id), &method.signature);
        if method.signature.continuation {
            let ret = if method.signature.ret.is_some() { "return " } else { "" };
            let answer = answer.replace('\n', "\n    ");
            return format!(
                "{head}\n{{\n    uint continuation = await new Suspension();\n    {ret}{answer};\n}}\n"
            );
        }
        arrow(head, &answer)
    }

    /// The chain that looks at everything that the method is given.
    pub fn seen(&self, id: MethodId) -> String {
        let method = self.layout.method(id);
        let signature = &method.signature;
        let boxed = method.class.map(|class| self.layout.class(class).kind);
        let mut links = Vec::new();
        if signature.instance {
            // A boxed value lies behind the word of its box.
            let value = boxed == Some(ClassKind::Struct);
            links.push(if value { ".See(Word + 4)" } else { ".See(Word)" }.to_owned());
        }
        if signature.context {
            let context = &self.names.contexts[id];
            let word = meaning::context_address(id);
            links.push(format!(".See(typeof(T) == typeof({context}) ? {word:#x}u : 0u)"));
        }
        if signature.continuation {
            links.push(".See(continuation)".into());
        }
        let count = signature.params.len();
        for (i, &ty) in signature.params.iter().enumerate() {
            let ty = if signature.continuation { super::types::without_pointer(ty) } else { ty };
            links.push(see(self.layout, ty, &parameter(i, count), signature.continuation));
        }
        chain(&format!("Body.Of({})", id.0), links)
    }

    /// `<Context>` of a method that is generic.
    pub fn instantiation(&self, id: MethodId) -> String {
        match self.layout.method(id).signature.context {
            true => format!("<{}>", self.names.contexts[id]),
            false => String::new(),
        }
    }

    /// A `MethodInfo` of a method.
    pub fn method_info(&self, id: MethodId) -> String {
        let super::names::MethodName { owner, member } = &self.names.methods[id];
        let owner = owner.path();
        let context = match self.layout.method(id).signature.context {
            true => format!(", typeof({})", self.names.contexts[id]),
            false => String::new(),
        };
        format!("Il.Method(typeof({owner}), nameof({owner}.{member}){context})")
    }
}
