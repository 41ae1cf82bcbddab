//! The one vocabulary of traps, whatever an engine calls them.

use std::fmt;

/// Why a process died. Compared as values, never as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trap {
    /// `call_indirect` found a function of another type.
    SignatureMismatch,
    /// `call_indirect` found a null slot.
    NullElement,
    /// `call_indirect`'s index is past the end of the table.
    TableOutOfBounds,
    /// A load, store, copy or fill past the end of memory, in wasm or in VM code.
    MemoryOutOfBounds,
    /// `unreachable`, which is also how an assertion of the VM ends the process.
    Unreachable,
    /// Too deep a recursion.
    StackExhausted,
    /// The run's instruction budget is used up.
    OutOfFuel,
}

impl Trap {
    /// The engine's own limit ended the run: where exactly depends on the
    /// engine, so nothing after it is comparable.
    pub fn is_resource_limit(self) -> bool {
        matches!(self, Trap::StackExhausted | Trap::OutOfFuel)
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trap::SignatureMismatch => "indirect call signature mismatch",
            Trap::NullElement => "indirect call to null",
            Trap::TableOutOfBounds => "table index is out of bounds",
            Trap::MemoryOutOfBounds => "memory access out of bounds",
            Trap::Unreachable => "unreachable (the runtime aborted)",
            Trap::StackExhausted => "call stack exhausted",
            Trap::OutOfFuel => "out of fuel",
        })
    }
}

impl std::error::Error for Trap {}
