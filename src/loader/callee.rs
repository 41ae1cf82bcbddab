//! What a portable entry point belongs to: a method, or a stub that the VM generates.

use crate::index::ids;
use crate::scenario::{Layout, MethodId, Signature};

/// Whoever owns a MethodDesc and a portable entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Callee {
    /// A method of the program.
    Method(MethodId),
    /// An IL stub of the VM's.
    Stub(StubId),
}

ids! {
    /// Position of a stub among the VM's.
    pub struct StubId(u16);
}

/// What an IL stub does. All of them are interpreted, as measured on a published build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StubKind {
    /// Supplies the generic context of a shared method.
    Instantiating(MethodId),
    /// Replaces a boxed receiver by the value inside its box, and supplies the context if the
    /// method is shared (`CreateUnboxingILStubForSharedGenericValueTypeMethods`).
    Unboxing(MethodId),
    /// Drops an open delegate's own `this` and calls `_methodPtrAux`; this is
    /// the stub for delegates over this method.
    Shuffle(MethodId),
}

/// An IL stub, with a MethodDesc of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    /// What it does.
    pub kind: StubKind,
    /// How it is called.
    pub signature: Signature,
}

impl StubKind {
    /// The method that it leads to.
    pub fn method(self) -> MethodId {
        match self {
            StubKind::Instantiating(method)
            | StubKind::Unboxing(method)
            | StubKind::Shuffle(method) => method,
        }
    }

    /// How such a stub is called.
    pub(super) fn signature(self, layout: &Layout) -> Signature {
        match self {
            StubKind::Instantiating(method) | StubKind::Unboxing(method) => {
                layout.pointer_signature(method)
            }
            StubKind::Shuffle(method) => layout.invoke_signature(method, false).as_instance(),
        }
    }

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            StubKind::Instantiating(_) => "instantiating stub",
            StubKind::Unboxing(_) => "unboxing stub",
            StubKind::Shuffle(_) => "shuffle thunk",
        }
    }
}

impl From<MethodId> for Callee {
    fn from(method: MethodId) -> Self {
        Callee::Method(method)
    }
}
