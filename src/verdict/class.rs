//! The classes of findings.

use std::fmt;
use std::str::FromStr;

use crate::engine::Trap;

/// What kind of wrong a run is, gravest first: a run's headline is its first class in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Two engines disagree about the same modules: a defect of an engine or of Calliper.
    EngineDivergence,
    /// `call_indirect` found a function of another type.
    SignatureMismatch,
    /// `call_indirect` found a null slot.
    NullSlot,
    /// A table index or an address past the end.
    OutOfBounds,
    /// The VM gave up: an assertion or a fail-fast.
    Abort,
    /// A limit on instructions or stack ended the run.
    ResourceLimit,
    /// The call reached a body that it does not mean, or none.
    WrongCallee,
    /// The right body saw other arguments than the caller passed, hidden ones included.
    WrongArguments,
    /// The caller saw another result than the body gave.
    WrongResult,
    /// A byte was written that nothing may write to.
    StrayWrite,
    /// `__stack_pointer` is not what it was before the call.
    StackPointer,
    /// A pointer, cell or entry point holds the wrong thing, whether or not a call noticed.
    Resolution,
}

impl Class {
    /// Every class, gravest first.
    pub const ALL: [Class; 12] = [
        Class::EngineDivergence,
        Class::SignatureMismatch,
        Class::NullSlot,
        Class::OutOfBounds,
        Class::Abort,
        Class::ResourceLimit,
        Class::WrongCallee,
        Class::WrongArguments,
        Class::WrongResult,
        Class::StrayWrite,
        Class::StackPointer,
        Class::Resolution,
    ];

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Class::EngineDivergence => "engine-divergence",
            Class::SignatureMismatch => "signature-mismatch",
            Class::NullSlot => "null-slot",
            Class::OutOfBounds => "out-of-bounds",
            Class::Abort => "abort",
            Class::ResourceLimit => "resource-limit",
            Class::WrongCallee => "wrong-callee",
            Class::WrongArguments => "wrong-arguments",
            Class::WrongResult => "wrong-result",
            Class::StrayWrite => "stray-write",
            Class::StackPointer => "stack-pointer",
            Class::Resolution => "resolution",
        }
    }

    /// The class of a run that ended in this trap.
    pub fn of_trap(trap: Trap) -> Class {
        match trap {
            Trap::SignatureMismatch => Class::SignatureMismatch,
            Trap::NullElement => Class::NullSlot,
            Trap::TableOutOfBounds | Trap::MemoryOutOfBounds => Class::OutOfBounds,
            Trap::Unreachable => Class::Abort,
            Trap::StackExhausted | Trap::OutOfFuel => Class::ResourceLimit,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a class: says which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown finding class `{0}`; expected one of {known}", known = Class::ALL.map(Class::name).join(", "))]
pub struct UnknownClass(pub String);

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Class::ALL.into_iter().find(|c| c.name() == name);
        found.ok_or_else(|| UnknownClass(name.to_owned()))
    }
}
