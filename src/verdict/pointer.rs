//! What a word that is handed out must be.

use super::value::{SlotOwner, Value, classify};
use crate::image::emission::Role;
use crate::image::words::FunctionPointer;
use crate::loader::callee::StubKind;
use crate::loader::{MethodAddresses, Vm};
use crate::reference;
use crate::scenario::targets::{Held, HeldKind};
use crate::scenario::{Convention, Layout, MethodId};

/// Why the word that was handed out is no pointer to this, or no delegate.
pub(super) fn wrong_pointer(vm: &Vm, held: Held, word: FunctionPointer) -> Option<String> {
    let value = classify(vm, word, vm.observation.finals.table_len);
    let meant = Meant::by(&vm.scenario.layout, held);
    (!meant.is(vm, word, &value)).then(|| {
        let value = value.describe(&vm.scenario.layout);
        format!("{word} is {value}; expected {}", meant.describe(&vm.scenario.layout))
    })
}

/// What a word that is handed out must be.
enum Meant {
    Delegate,
    /// The method's own unmanaged entry.
    Unmanaged(MethodId),
    /// The entry point of a stub.
    Stub(StubKind),
    /// The method's own entry point.
    EntryPoint(MethodId),
}

impl Meant {
    fn by(layout: &Layout, Held { method, kind }: Held) -> Self {
        let data = layout.method(method);
        let boxed = layout.is_boxed(method);
        let of_box = match kind {
            HeldKind::Delegate { .. } => return Meant::Delegate,
            HeldKind::Pointer { boxed } => boxed,
        };
        match data.convention {
            Convention::UnmanagedCallersOnly => Meant::Unmanaged(method),
            Convention::Managed | Convention::PInvoke => {
                if of_box && boxed {
                    Meant::Stub(StubKind::Unboxing(method))
                } else if data.signature.context {
                    Meant::Stub(StubKind::Instantiating(method))
                } else {
                    Meant::EntryPoint(method)
                }
            }
        }
    }

    fn is(&self, vm: &Vm, word: FunctionPointer, value: &Value<'_>) -> bool {
        match *self {
            Meant::Delegate => *value == Value::Delegate,
            Meant::Unmanaged(method) => {
                matches!(value, Value::TableIndex(owner) if is_own_code(vm, method, owner))
            }
            Meant::Stub(kind) => *value == Value::Stub(kind),
            Meant::EntryPoint(method) => {
                let was = |(m, at): &(MethodId, MethodAddresses)| {
                    *m == method && at.pep == word.assume_pep()
                };
                *value == Value::EntryPoint(method) || vm.recycled().iter().any(was)
            }
        }
    }

    fn describe(&self, layout: &Layout) -> String {
        let name = |method: MethodId| &layout.method(method).name;
        match *self {
            Meant::Delegate => "a delegate".to_owned(),
            Meant::Unmanaged(method) => {
                let ty = reference::pointer_type(layout, method);
                format!("{}'s own unmanaged entry, type {ty}", name(method))
            }
            Meant::Stub(kind) => {
                format!("the entry point of {}'s {}", name(kind.method()), kind.name())
            }
            Meant::EntryPoint(method) => format!("{}'s portable entry point", name(method)),
        }
    }
}

/// A slot holds the method's own code, of the type that the reference gives it.
pub(super) fn is_own_code(vm: &Vm, method: MethodId, owner: &SlotOwner) -> bool {
    matches!(owner.role, Role::Body(m) | Role::ReverseThunk(m) if *m == method)
        && *owner.ty == reference::body_type(&vm.scenario.layout, method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::text;

    const PROGRAM: &str = r#"
calliper = 1
title = "what pointers lead to"
[assemblies]
A = {}
[classes]
Point = { in = "A", struct = true }
[methods]
Add = { in = "A", code = "interpreted", signature = "int (int, long)" }
Uco = { in = "A", code = "r2r", signature = "int (int, long)", uco = true }
Shared = { in = "A", code = "r2r", signature = "generic int (int)" }
Area = { in = "A", code = "r2r", signature = "instance int (int)", class = "Point" }
"#;

    const ADD: MethodId = MethodId(0);
    const UCO: MethodId = MethodId(1);
    const SHARED: MethodId = MethodId(2);
    const AREA: MethodId = MethodId(3);

    #[test]
    fn what_a_pointer_is_meant_to_be() {
        let scenario = text::parse("test.toml", PROGRAM.as_bytes()).expect("it is valid");
        let layout = &scenario.layout;
        let meant = |method, kind| Meant::by(layout, Held { method, kind }).describe(layout);
        let plain = HeldKind::Pointer { boxed: false };
        assert_eq!(meant(ADD, HeldKind::Delegate { on: None }), "a delegate");
        assert_eq!(meant(ADD, plain), "Add's portable entry point");
        assert_eq!(meant(UCO, plain), "Uco's own unmanaged entry, type (i32 i64)->i32");
        let shared = "the entry point of Shared's instantiating stub";
        assert_eq!(meant(SHARED, plain), shared);
        let boxed = HeldKind::Pointer { boxed: true };
        assert_eq!(meant(AREA, boxed), "the entry point of Area's unboxing stub");
        assert_eq!(meant(AREA, plain), "Area's portable entry point");
        assert_eq!(meant(ADD, boxed), "Add's portable entry point", "no struct's method");
    }
}
