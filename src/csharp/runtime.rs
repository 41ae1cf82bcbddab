//! What the runtime does by itself, as far as C# can ask for it.

#![deny(clippy::wildcard_enum_match_arm)]

use super::script::Writer;
use super::types::is_empty;
use super::wrap::list;
use crate::scenario::targets::{Target, slot_of};
use crate::scenario::{Call, MethodId, RuntimePath, Type};

/// The constructor that a type is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constructor {
    Class,
    Default,
}

impl Constructor {
    pub fn of(path: RuntimePath) -> Option<Self> {
        match path {
            RuntimePath::ClassConstructor => Some(Constructor::Class),
            RuntimePath::DefaultConstructor => Some(Constructor::Default),
            RuntimePath::Reflection
            | RuntimePath::EntryPoint
            | RuntimePath::Finalizer
            | RuntimePath::Export
            | RuntimePath::Resume => None,
        }
    }
}

impl Writer<'_, '_> {
    /// What C# cannot ask the runtime for, as a comment.
    pub(super) fn note(&self, call: &Call) -> String {
        let note = match self.layout.site(call.site).action.kind().runtime_path() {
            Some(RuntimePath::EntryPoint) => {
                "the runtime runs an entry point once, at the start; reflection is the nearest thing"
            }
            Some(RuntimePath::Finalizer) => {
                "a finalizer of the support code calls the method, so that it runs once and now"
            }
            Some(
                RuntimePath::Reflection
                | RuntimePath::ClassConstructor
                | RuntimePath::DefaultConstructor
                | RuntimePath::Export
                | RuntimePath::Resume,
            )
            | None => return String::new(),
        };
        format!("// {}: {note}.\n", self.layout.site(call.site).name)
    }

    /// What the runtime does by itself, as far as C# can ask for it.
    pub(super) fn runtime(
        &mut self,
        path: RuntimePath,
        callee: MethodId,
        call: &Call,
        target: Target,
    ) -> String {
        let program = self.program;
        let mut construct = || {
            self.constructed += 1;
            program.constructed[self.constructed - 1].name.clone()
        };
        match path {
            RuntimePath::ClassConstructor => {
                format!("RuntimeHelpers.RunClassConstructor(typeof({}).TypeHandle)", construct())
            }
            RuntimePath::DefaultConstructor => {
                let (name, word) = (construct(), target.this.unwrap_or(0));
                format!("Objects.Next = {word:#x};\nActivator.CreateInstance(typeof({name}))")
            }
            RuntimePath::Finalizer => {
                let object = self.receiver(target.method, target.this.unwrap_or(0));
                let slot = &program.names.methods[slot_of(self.layout, callee)];
                let owner = slot.owner.path();
                format!("Finalization.Run(() => (({owner}){object}).{}())", slot.member)
            }
            RuntimePath::Resume => {
                let method = program.names.method(callee, None);
                match self.layout.method(callee).signature.ret {
                    Some(_) => format!("Suspension.Result(Suspension.Resume({method}))"),
                    None => format!("Suspension.Done(Suspension.Resume({method}))"),
                }
            }
            RuntimePath::Reflection | RuntimePath::EntryPoint => {
                self.reflection(callee, call, target)
            }
            RuntimePath::Export => String::new(),
        }
    }

    /// `MethodBase.Invoke`, which is also the nearest thing to a second run of an entry point.
    fn reflection(&self, callee: MethodId, call: &Call, target: Target) -> String {
        let signature = &self.layout.method(callee).signature;
        let object = target.this.map_or("null".into(), |this| self.receiver(target.method, this));
        let boxed = |(&ty, &word): (&Type, &u64)| {
            let value = self.program.value(ty, word);
            if ty == Type::Pointer { format!("Pointer.Box({value}, typeof(void*))") } else { value }
        };
        let arguments: Vec<String> = signature.params.iter().zip(&call.args).map(boxed).collect();
        let head =
            format!("{}.Invoke({object}, new object[] {{ ", self.program.method_info(callee));
        let invoke = match arguments.is_empty() {
            true => format!("{}.Invoke({object}, null)", self.program.method_info(callee)),
            false => list(&head, &arguments, " })"),
        };
        match signature.ret {
            Some(ty) if is_empty(self.layout, ty) => invoke,
            Some(Type::Pointer) => format!("Pointer.Unbox({invoke})"),
            Some(Type::Object) | None => invoke,
            Some(ty) => format!("(({}){invoke})", self.program.spell(ty)),
        }
    }
}
