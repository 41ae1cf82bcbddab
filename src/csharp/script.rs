//! The script as `Main`.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fmt::Write as _;

use super::assembly::USINGS;
use super::names::Names;
use super::types::{digest, innermost, is_empty, without_pointer};
use super::wrap::{indent, list};
use super::{Home, Source};
use crate::index::IndexVec;
use crate::scenario::action::{Action, ActionKind, Given, Receiver, Subject, VariableKind};
use crate::scenario::targets::{Held, Target, Variables, dispatch, has_slot, slot_of};
use crate::scenario::{
    Call, Caller, ClassKind, Convention, Event, Layout, MethodId, RuntimePath, Signature, SiteId,
    VariableId, meaning,
};

/// Writes the statements of `Main`.
pub(super) struct Writer<'p, 's> {
    pub program: &'p Source<'s>,
    pub layout: &'s Layout,
    variables: Variables<'s>,
    names: Names,
    /// The C# variable for each variable of the scenario and each type that it had, and the
    /// one that it has now.
    locals: IndexVec<VariableId, Vec<(String, String)>>,
    current: IndexVec<VariableId, usize>,
    /// How many calls have been written.
    calls: usize,
    /// How many types have been constructed.
    pub constructed: usize,
}

impl Source<'_> {
    /// The application's source.
    pub fn script(&self) -> String {
        let mut out = format!("// {}\n", self.scenario.title);
        for number in &self.scenario.upstream {
            let _ = writeln!(out, "// https://github.com/dotnet/runtime/issues/{number}");
        }
        if self.scenario.interpreter_only {
            out.push_str("// ReadyToRun is off in the scenario: run with DOTNET_ReadyToRun=0.\n");
        }
        let _ = write!(out, "\n{USINGS}\n[assembly: DisableRuntimeMarshalling]\n");
        let mut members = vec![self.main()];
        let (native, managed): (Vec<_>, Vec<_>) = (self.sites_at(Home::Application).into_iter())
            .partition(|code| code.contains("EntryPoint = \"site_"));
        members.extend(managed);
        let members = indent(&members.join("\n"), 1);
        let _ = write!(out, "\npublic static unsafe class Script\n{{\n{members}}}\n");
        if self.is_native() {
            let members = indent(&super::native::declarations(&native), 1);
            let _ = write!(
                out,
                "\n// What is in native/calliper.c.\npublic static unsafe class Native\n{{\n{members}}}\n"
            );
        }
        out
    }

    fn main(&self) -> String {
        let mut writer = Writer {
            program: self,
            layout: self.layout,
            variables: Variables::new(self.scenario),
            names: self.names.clone(),
            locals: self.scenario.variables.map(|_| Vec::new()),
            current: self.scenario.variables.map(|_| 0),
            calls: 0,
            constructed: 0,
        };
        let mut body = String::new();
        for event in &self.scenario.script {
            writer.variables.step(event);
            body.push_str(&writer.event(event));
        }
        body.push_str("return Report.End();\n");
        format!("public static int Main()\n{{\n{}}}\n", indent(&body, 1))
    }
}

impl Writer<'_, '_> {
    fn event(&mut self, event: &Event) -> String {
        let method = |id: MethodId| &self.layout.method(id).name;
        let comment = |what: String| {
            format!("// {what}: an event of the loader's own; nothing to do in C#.\n")
        };
        match event {
            Event::Load(id) => {
                let name = &self.layout.assemblies[*id].name;
                format!(
                    "// load {name}: an event of the loader's own; C# loads an assembly when it first needs it.\n"
                )
            }
            Event::Prepare(id) => comment(format!("prepare {}", method(*id))),
            Event::Touch(id) => comment(format!("touch {}", method(*id))),
            Event::Reset(id) => comment(format!("reset {}", method(*id))),
            Event::Recycle { from, to } => {
                comment(format!("recycle {} as {}", method(*from), method(*to)))
            }
            Event::Take { site, into, on } => self.take(*site, *into, *on),
            Event::Call(call) => self.call(call),
        }
    }

    /// A site, as the script names it.
    fn site(&self, site: SiteId) -> String {
        let name = &self.program.names.sites[site];
        match self.program.home_owner(site) {
            Some(owner) => format!("{}.{name}", owner.path()),
            None if self.layout.site(site).caller == Caller::Native => {
                format!("Native.{name}")
            }
            None => name.clone(),
        }
    }

    fn take(&mut self, site: SiteId, into: VariableId, on: Option<u32>) -> String {
        let Some(held) = self.variables.held(into) else {
            return String::new();
        };
        let target = on.map(|object| self.bound(held, object));
        let arguments: Vec<String> = target.into_iter().collect();
        let code = list(&format!("{}(", self.site(site)), &arguments, ")");
        let ty = self.held_type(held, site);
        let locals = &mut self.locals[into];
        if let Some(known) = locals.iter().position(|(other, _)| *other == ty) {
            self.current[into] = known;
            return format!("{} = {code};\n", locals[known].1);
        }
        let name = self.names.take_local(&self.program.scenario.variables[into], "2");
        self.current[into] = locals.len();
        locals.push((ty.clone(), name.clone()));
        format!("{ty} {name} = {code};\n")
    }

    /// The object that `ldvirtftn` looks at, or that a delegate is closed over.
    fn bound(&self, held: Held, object: u32) -> String {
        if !self.layout.method(held.method).signature.instance {
            return self.program.object(object);
        }
        self.receiver(held.method, meaning::receiver(self.layout, held.method, object))
    }

    fn held_type(&self, held: Held, site: SiteId) -> String {
        let method = self.layout.method(held.method);
        let parts = self.layout.site(site).action.parts();
        match (parts.subject, parts.gives) {
            (Subject::Method(method), Some(Given::Delegate { closed })) => {
                self.program.delegate_type(method, closed)
            }
            _ if method.signature.instance => "nint".into(),
            _ => {
                let unmanaged = method.convention == Convention::UnmanagedCallersOnly;
                self.program.spell_pointer(&method.signature, unmanaged)
            }
        }
    }

    fn call(&mut self, call: &Call) -> String {
        let Some(target) = self.variables.target(call) else { return String::new() };
        let index = self.calls;
        self.calls += 1;
        let code = self.expression(call, target, index);
        let name = self.layout.site(call.site).name.clone();
        let what = format!("{name}: {}", self.describe(call, target));
        let inside: String = call.inside.iter().map(|inner| self.call(inner)).collect();
        let mut out = self.note(call);
        let mut after = String::new();
        if inside.is_empty() {
            let _ = writeln!(out, "Report.Call(\"{what}\");");
        } else if self.suppresses(call) {
            let _ = writeln!(out, "Report.Call(\"{what}\");");
            let _ = writeln!(
                after,
                "// With [SuppressGCTransition] C code may not call back: what it calls is called behind it."
            );
            after.push_str(&inside);
        } else {
            let body = indent(&inside, 1);
            let _ = write!(out, "Report.Call(\"{what}\", inside: () =>\n{{\n{body}}});\n");
            if self.layout.method(target.method).convention == Convention::PInvoke {
                out.push_str("Native.CallInside(&Native.Inside);\n");
            }
        }
        out + &self.check(call, target.method, index, &code) + &after
    }

    fn suppresses(&self, call: &Call) -> bool {
        let parts = self.layout.site(call.site).action.parts();
        parts.kind == ActionKind::PInvoke && parts.chosen
    }

    /// What the call is, for people.
    fn describe(&self, call: &Call, target: Target) -> String {
        let name = &self.layout.method(target.method).name;
        let parts = self.layout.site(call.site).action.parts();
        match parts.subject {
            Subject::Variable(VariableKind::ManagedPointer, s) if s.instance => {
                format!("managed instance calli of {name}")
            }
            Subject::Variable(VariableKind::ManagedPointer, s) => {
                format!("managed calli of {name}{}", self.pointer(s, false))
            }
            Subject::Variable(VariableKind::UnmanagedPointer, s) => {
                format!("unmanaged calli of {name}{}", self.pointer(s, true))
            }
            Subject::Variable(VariableKind::Delegate, _) => {
                format!("delegate invocation of {name}")
            }
            Subject::Method(_) => match (parts.kind.runtime_path(), parts.receiver) {
                (Some(path), _) => format!("{} of {name}", path.word()),
                (None, Receiver::Dispatched(first)) if first == target.method => {
                    format!("virtual call of {name}")
                }
                (None, Receiver::Dispatched(first)) => {
                    let first = &self.layout.method(first).name;
                    format!("virtual call of {first}, which is {name} here")
                }
                (None, Receiver::Passed) if parts.kind.is_unmanaged() => {
                    format!("P/Invoke of {name}")
                }
                (None, Receiver::Passed) => format!("direct call of {name}"),
            },
        }
    }

    /// A function pointer's type behind a comma, if it is of a readable length.
    fn pointer(&self, signature: &Signature, unmanaged: bool) -> String {
        let ty = self.program.spell_pointer(signature, unmanaged);
        if ty.len() <= 60 { format!(", {ty}") } else { String::new() }
    }

    /// The call itself, and what it must give.
    fn check(&self, call: &Call, method: MethodId, index: usize, code: &str) -> String {
        let signature = &self.layout.method(method).signature;
        let expected = &self.program.expectation.calls[index];
        match signature.ret {
            Some(ty) if !is_empty(self.layout, ty) => {
                let bytes = &self.program.expectation.bytes[expected.result.clone()];
                let value = digest(self.layout, method, bytes);
                let field = ".Value".repeat(innermost(self.layout, ty).1);
                list(&format!("Report.Result({value:#x}, "), &[format!("{code}{field}")], ");\n")
            }
            _ => {
                let seen = self.program.seen_hash(index);
                let native = self.layout.method(method).convention == Convention::PInvoke;
                let told = if native { ", Native.Seen()" } else { "" };
                let discard =
                    if signature.ret.is_some() && self.is_value(call) { "_ = " } else { "" };
                format!("{discard}{code};\nReport.Done({seen:#x}{told});\n")
            }
        }
    }

    /// The call's code is no statement.
    fn is_value(&self, call: &Call) -> bool {
        self.layout.site(call.site).action.kind().runtime_path().is_none()
    }

    fn expression(&mut self, call: &Call, target: Target, index: usize) -> String {
        let site = self.layout.site(call.site);
        if let Action::Runtime { path, callee } = site.action
            && path != RuntimePath::Export
        {
            return self.runtime(path, callee, call, target);
        }
        let expected = &self.program.expectation.calls[index];
        debug_assert_eq!(expected.callee, target.method);
        let mut arguments = Vec::new();
        let parts = site.action.parts();
        match parts.subject {
            Subject::Method(callee) if parts.kind.runtime_path().is_some() => {
                arguments.push(format!("&{}", self.program.names.method(callee, None)));
            }
            Subject::Method(_) => {}
            Subject::Variable(..) => {
                let variable = call.pointer.unwrap_or(VariableId(0));
                arguments.push(self.locals[variable][self.current[variable]].1.clone());
            }
        }
        if let Some(this) = target.this
            && (call.this.is_some() || target.skipped == 1)
        {
            arguments.push(self.receiver(target.method, this));
        }
        let own = self.arguments(self.layout.call_signature(call.site), &call.args);
        arguments.extend(own.into_iter().skip(target.skipped));
        list(&format!("{}(", self.site(call.site)), &arguments, ")")
    }

    fn arguments(&self, signature: &Signature, words: &[u64]) -> Vec<String> {
        let plain = |ty| if signature.continuation { without_pointer(ty) } else { ty };
        let values = signature.params.iter().zip(words);
        values.map(|(&ty, &word)| self.program.value(plain(ty), word)).collect()
    }

    /// An object on which the method runs, and sees this word for itself.
    pub fn receiver(&self, method: MethodId, seen: u32) -> String {
        let program = self.program;
        let Some(class) = self.layout.method(method).class else {
            let owner = program.names.methods[method].owner.path();
            return format!("Objects.Of<{owner}>({seen:#x})");
        };
        let kind = self.layout.class(class).kind;
        if kind == ClassKind::Struct {
            let word = seen.wrapping_sub(4);
            return format!("Objects.Of<{}>({word:#x})", program.class(class));
        }
        let suits = |object| {
            let of_it = match kind {
                ClassKind::Interface => has_slot(self.layout, object, method),
                ClassKind::Class | ClassKind::Struct => {
                    self.layout.ancestry(object).any(|ancestor| ancestor == class)
                }
            };
            of_it && dispatch(self.layout, object, slot_of(self.layout, method)) == method
        };
        let known = meaning::class_at(self.layout, seen).filter(|&object| suits(object));
        let name = match (known, kind) {
            (Some(object), _) => program.class(object),
            (None, ClassKind::Interface) => &program.names.defaults[class],
            (None, _) => program.class(class),
        };
        format!("Objects.Of<{name}>({seen:#x})")
    }
}
