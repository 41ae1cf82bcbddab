//! The kinds of 32-bit values that a function pointer can be confused with.
//!
//! At run time nothing tells them apart: which one a word is, is decided by
//! the kind of call that consumes it (`docs/fidelity.md`, "Kinds of values"). Here they are different types,
//! and turning one into a bare word is a visible step.

use std::fmt;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

word! {
    /// An index into `__indirect_function_table`; 0 is none.
    TableIndex
}
word! {
    /// The linear-memory address of a portable entry point, or of a look-alike
    /// whose word 0 is a table index.
    PepAddress
}
word! {
    /// The linear-memory address of a MethodDesc.
    MethodDescAddress
}
word! {
    /// A virtual IP: top bit and bit 0 both set. For stack walks and the method map, never for calls.
    VirtualIp
}
word! {
    /// A function pointer as C# sees it: whatever the loader handed out.
    FunctionPointer
}

impl TableIndex {
    /// Nothing there: calling it traps.
    pub const NONE: TableIndex = TableIndex(0);
}

impl From<TableIndex> for FunctionPointer {
    fn from(index: TableIndex) -> Self {
        FunctionPointer(index.0)
    }
}

impl From<PepAddress> for FunctionPointer {
    fn from(pep: PepAddress) -> Self {
        FunctionPointer(pep.0)
    }
}

impl FunctionPointer {
    /// `IsVirtualIP`: top bit and bit 0 both set.
    pub fn as_virtual_ip(self) -> Option<VirtualIp> {
        (self.0 & 0x8000_0001 == 0x8000_0001).then_some(VirtualIp(self.0))
    }
}
