//! Delegate types that all assemblies share: one for each signature.

use super::Source;
use super::names::Names;
use super::wrap::list;
use crate::scenario::{ClassId, Signature};

/// Every shared delegate type.
#[derive(Debug, Default)]
pub(super) struct Delegates(Vec<(Key, String)>);

/// What a delegate type is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A delegate with this `Invoke`.
    Plain(Signature),
    /// A call of an instance function pointer: the receiver is an object, or a value of this class.
    InstanceCalli(Signature, Option<ClassId>),
}

impl Delegates {
    /// Adds a type, unless it is there.
    pub fn add(&mut self, key: Key, names: &mut Names) {
        if self.0.iter().any(|(other, _)| *other == key) {
            return;
        }
        let prefix = match key {
            Key::Plain(_) => "Delegate",
            Key::InstanceCalli(..) => "InstanceCall",
        };
        let name = names.take(&format!("{prefix}{}", self.0.len()), "Type");
        self.0.push((key, name));
    }

    fn name(&self, key: &Key) -> &str {
        let found = self.0.iter().find(|(other, _)| other == key);
        found.map_or("Delegate", |(_, name)| name)
    }

    /// The delegate type with this `Invoke`.
    pub fn plain(&self, signature: &Signature) -> &str {
        self.name(&Key::Plain(signature.clone()))
    }

    /// The delegate type that calls an instance function pointer.
    pub fn instance_calli(&self, signature: &Signature, by_reference: Option<ClassId>) -> &str {
        self.name(&Key::InstanceCalli(signature.clone(), by_reference))
    }

    /// All declarations that do not refer to a class of an assembly's, or all that refer to this
    /// one.
    pub fn declarations(&self, program: &Source<'_>, class: Option<ClassId>) -> String {
        let mut out = String::new();
        for (key, name) in &self.0 {
            let (signature, mut parameters) = match key {
                Key::Plain(signature) if class.is_none() => (signature, Vec::new()),
                Key::InstanceCalli(signature, by_reference) if *by_reference == class => {
                    let receiver = by_reference
                        .map_or("object".into(), |class| format!("ref {}", program.class(class)));
                    (signature, vec!["nint function".into(), format!("{receiver} self")])
                }
                Key::Plain(_) | Key::InstanceCalli(..) => continue,
            };
            parameters.extend(program.parameters(signature));
            let result = program.spell_result(signature);
            out.push_str(&list(
                &format!("public unsafe delegate {result} {name}("),
                &parameters,
                ");\n",
            ));
        }
        out
    }
}
