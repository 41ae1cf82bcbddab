//! Methods: how they are declared, entered and compiled.

#![expect(clippy::too_many_arguments, reason = "constructors of derived mutators")]

use mutatis::Mutate;
use serde::{Deserialize, Serialize};
use strum::EnumCount;

use super::layout::{AssemblyId, ClassId, MethodId};
use super::types::{Signature, Type};

/// A method that call sites can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Method {
    /// The scenario's name for it, unique; the C# name unless [`symbol`](Self::symbol) says
    /// otherwise.
    #[mutatis(ignore)]
    pub name: String,
    /// The assembly that defines it.
    pub assembly: AssemblyId,
    /// The class that it is a method of. Its receivers are instances of that.
    pub class: Option<ClassId>,
    /// How calls find its code.
    pub slot: Slot,
    /// How it is entered.
    pub convention: Convention,
    /// Which code exists for it.
    pub code: Code,
    /// What is special about it.
    pub form: Form,
    /// For a UCO method: whether the generator compiled a C reverse thunk for
    /// it (`callhelpers-reverse.cpp`). An interpreted UCO method needs one.
    pub reverse_thunk: bool,
    /// Parameters and result.
    pub signature: Signature,
    /// `Namespace.Type+Nested.Method`, where metadata names it otherwise than
    /// `Program.<name>`: what reverse-thunk keys are made of (`helpers.cpp`, `g_ReverseThunks`).
    #[mutatis(ignore)]
    pub symbol: Option<String>,
}

/// How calls find a method's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Slot {
    /// It is called as itself.
    #[default]
    None,
    /// It is virtual, and the first in its slot.
    Virtual,
    /// It overrides this method, of a base class or an interface.
    Overrides(MethodId),
}

/// What is special about a method.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate, EnumCount,
)]
pub enum Form {
    /// Nothing.
    #[default]
    Ordinary,
    /// A constructor of `System.String`: declared `instance void .ctor(args)`, but
    /// really `static string Ctor(args)`, which is the signature that it has here.
    StringConstructor,
    /// A `DynamicMethod`: its MethodDesc and entry point are used again for another one.
    Dynamic,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; Form::COUNT] = [Form::Ordinary, Form::StringConstructor, Form::Dynamic];

    /// The word that the text form has for it.
    pub fn word(self) -> &'static str {
        match self {
            Form::Ordinary => "ordinary",
            Form::StringConstructor => "string-constructor",
            Form::Dynamic => "dynamic",
        }
    }
}

/// How a method is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Convention {
    /// The managed convention: `(sp, [this], [retbuf], [context], [continuation], args..., pep)`.
    #[default]
    Managed,
    /// `[UnmanagedCallersOnly]`: `([retbuf], args...)`.
    UnmanagedCallersOnly,
    /// A P/Invoke: its target is a C function, `([retbuf], args...)`; managed
    /// callers reach that through a marshalling stub.
    PInvoke,
}

/// Which code a method has.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate, EnumCount,
)]
pub enum Code {
    /// Only a body in the R2R image; its interpreter byte code stays NULL.
    #[default]
    ReadyToRun,
    /// No body in the image: only interpreter byte code.
    Interpreted,
    /// A body in the image, and interpreter byte code once prepared.
    Both,
    /// A body in the image that is rejected when it is published, as one of its
    /// fixups fails: byte code is all that is left.
    Rejected,
    /// C++ code of the runtime: an FCall, or a P/Invoke's target.
    Native,
}

impl Code {
    /// Every kind of code.
    pub const ALL: [Code; Code::COUNT] =
        [Code::ReadyToRun, Code::Interpreted, Code::Both, Code::Rejected, Code::Native];

    /// The word that the text form has for it.
    pub fn word(self) -> &'static str {
        match self {
            Code::ReadyToRun => "r2r",
            Code::Interpreted => "interpreted",
            Code::Both => "both",
            Code::Rejected => "rejected",
            Code::Native => "native",
        }
    }

    /// The image holds a compiled body.
    pub fn has_r2r_body(self) -> bool {
        matches!(self, Code::ReadyToRun | Code::Both | Code::Rejected)
    }

    /// The interpreter can run it.
    pub fn has_byte_code(self) -> bool {
        matches!(self, Code::Interpreted | Code::Both | Code::Rejected)
    }
}

/// How callers come into a method, as far as methods differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumCount)]
pub enum EntryKind {
    /// By its portable entry point, as an ordinary managed method.
    Managed,
    /// By its own code, `[UnmanagedCallersOnly]`, without a reverse thunk.
    Unmanaged,
    /// By a reverse thunk, `[UnmanagedCallersOnly]`.
    ReverseThunk,
    /// By a marshalling stub, or inlined: a P/Invoke.
    PInvoke,
    /// By `newobj` alone: a string constructor.
    StringConstructor,
    /// By an entry point that is used again: a dynamic method.
    Dynamic,
}

impl EntryKind {
    pub const ALL: [EntryKind; EntryKind::COUNT] = [
        EntryKind::Managed,
        EntryKind::Unmanaged,
        EntryKind::ReverseThunk,
        EntryKind::PInvoke,
        EntryKind::StringConstructor,
        EntryKind::Dynamic,
    ];

    /// A short name.
    pub fn word(self) -> &'static str {
        match self {
            EntryKind::Managed => "managed",
            EntryKind::Unmanaged => "uco",
            EntryKind::ReverseThunk => "uco-with-reverse-thunk",
            EntryKind::PInvoke => "p-invoke-target",
            EntryKind::StringConstructor => "string-constructor",
            EntryKind::Dynamic => "dynamic",
        }
    }
}

impl Method {
    /// How callers come into it.
    pub fn entry(&self) -> EntryKind {
        match (self.convention, self.form, self.reverse_thunk) {
            (Convention::Managed, Form::Ordinary, _) => EntryKind::Managed,
            (Convention::Managed, Form::StringConstructor, _) => EntryKind::StringConstructor,
            (Convention::Managed, Form::Dynamic, _) => EntryKind::Dynamic,
            (Convention::UnmanagedCallersOnly, _, false) => EntryKind::Unmanaged,
            (Convention::UnmanagedCallersOnly, _, true) => EntryKind::ReverseThunk,
            (Convention::PInvoke, _, _) => EntryKind::PInvoke,
        }
    }

    /// Calls of it are dispatched on the receiver.
    pub fn is_virtual(&self) -> bool {
        self.slot != Slot::None
    }

    /// It is a C++ function of the runtime that managed code calls. Such a function calls nothing.
    pub fn is_fcall(&self) -> bool {
        self.code == Code::Native && self.convention == Convention::Managed
    }

    /// A delegate can be bound to its first argument.
    pub fn is_closable(&self) -> bool {
        self.signature.instance || self.signature.params.first() == Some(&Type::Object)
    }
}
