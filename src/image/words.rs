//! The kinds of 32-bit values that a function pointer can be confused with, and the addresses that
//! lead to one.
//!
//! At run time nothing tells them apart: which one a word is, is decided by the kind of call that
//! consumes it (`docs/fidelity.md`, "Kinds of values"). Here they are different types. A word of
//! one kind becomes one of another by `From` where that is always right, by a conversion with a
//! name where upstream takes it for one blindly, and else by its bare word, for which it has to be
//! asked.

use std::fmt;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// This bare word, as one.
            pub const fn new(word: u32) -> Self {
                Self(word)
            }

            /// The bare word.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

/// A word that leads to something in linear memory.
macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        word! { $(#[$doc])* $name }

        impl $name {
            /// The address so many bytes further on. One past 32 bits wraps, and is most likely
            /// out of bounds again.
            pub const fn at(self, offset: u32) -> Address {
                Address(self.0.wrapping_add(offset))
            }

            /// What lies at this address is one of these: it was made there.
            pub const fn made_at(address: Address) -> Self {
                Self(address.0)
            }
        }
    };
}

word! {
    /// An index into `__indirect_function_table`; 0 is none.
    TableIndex
}
word! {
    /// A virtual IP: top bit and bit 0 both set. For stack walks and the method map, never for
    /// calls.
    VirtualIp
}
word! {
    /// A function pointer as C# sees it: whatever the loader handed out.
    FunctionPointer
}
word! {
    /// Where something lies in an image's payload: an offset from its [`ImageBase`].
    Rva
}
word! {
    /// The linear-memory address that an image's payload was put to.
    ImageBase
}
address! {
    /// The linear-memory address of a portable entry point, or of a look-alike that holds a table
    /// index in the same place.
    PepAddress
}
address! {
    /// The linear-memory address of a MethodDesc.
    MethodDescAddress
}
address! {
    /// The linear-memory address of an object: a receiver, or a delegate. 0 is none.
    ObjectAddress
}
address! {
    /// The linear-memory address of the slots in which the interpreter finds a call's arguments.
    ArgsAddress
}
address! {
    /// Any other linear-memory address.
    Address
}

impl TableIndex {
    /// Nothing there: calling it traps.
    pub const NONE: TableIndex = TableIndex(0);

    /// The index so many slots further on. One past 32 bits wraps, as upstream's does.
    pub const fn plus(self, slots: u32) -> TableIndex {
        TableIndex(self.0.wrapping_add(slots))
    }

    /// The indices of a table's slots.
    pub fn of_table(len: u32) -> impl DoubleEndedIterator<Item = TableIndex> {
        (0..len).map(TableIndex)
    }

    /// This index and those behind it.
    pub fn onwards(self) -> impl Iterator<Item = TableIndex> {
        (self.0..).map(TableIndex)
    }

    /// How many slots it lies behind `base`, if it does not lie in front of it.
    pub const fn behind(self, base: TableIndex) -> Option<u32> {
        self.0.checked_sub(base.0)
    }
}

impl Rva {
    /// The RVA so many bytes further on; one past 32 bits stays at the last, outside of every
    /// image.
    pub const fn plus(self, bytes: u32) -> Rva {
        Rva(self.0.saturating_add(bytes))
    }
}

impl VirtualIp {
    /// The virtual IP so many further on. One past 32 bits wraps.
    pub const fn plus(self, ips: u32) -> VirtualIp {
        VirtualIp(self.0.wrapping_add(ips))
    }

    /// How many virtual IPs it lies behind `start`, if it does not lie in front of it.
    pub const fn behind(self, start: VirtualIp) -> Option<u32> {
        self.0.checked_sub(start.0)
    }
}

impl Address {
    /// How many bytes it lies behind an image's base, if it does not lie in front of it.
    pub const fn behind(self, base: ImageBase) -> Option<u32> {
        self.0.checked_sub(base.0)
    }
}

impl ImageBase {
    /// The payload was put to this address.
    pub const fn made_at(address: Address) -> Self {
        ImageBase(address.0)
    }

    /// The address of what lies at an RVA.
    pub const fn at(self, rva: Rva) -> Address {
        Address(self.0.wrapping_add(rva.0))
    }
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
    /// No function.
    pub const NULL: FunctionPointer = FunctionPointer(0);

    /// What managed code does with any function pointer: takes it for the address of an entry
    /// point, unasked.
    pub const fn assume_pep(self) -> PepAddress {
        PepAddress(self.0)
    }

    /// What `Invoke` does with the word that a variable holds: takes it for a delegate, unasked.
    pub const fn assume_delegate(self) -> ObjectAddress {
        ObjectAddress(self.0)
    }

    /// `IsVirtualIP`: top bit and bit 0 both set.
    // mutants: a table index is no virtual IP, and no index that is asked for lies past the image's
    pub fn as_virtual_ip(self) -> Option<VirtualIp> {
        (self.0 & 0x8000_0001 == 0x8000_0001).then_some(VirtualIp(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_wrap_and_rvas_stay_outside() {
        assert_eq!(Address::new(0xffff_fffc).at(8), Address::new(4));
        assert_eq!(ImageBase::new(0xffff_fff0).at(Rva::new(0x20)), Address::new(0x10));
        assert_eq!(Rva::new(0xffff_fff0).plus(0x20), Rva::new(u32::MAX));
        assert_eq!(TableIndex::new(u32::MAX).plus(2), TableIndex::new(1));
        assert_eq!(VirtualIp::new(u32::MAX).plus(2), VirtualIp::new(1));
    }

    #[test]
    fn what_lies_in_front_is_behind_nothing() {
        let base = TableIndex::new(10);
        assert_eq!(TableIndex::new(12).behind(base), Some(2));
        assert_eq!(TableIndex::new(9).behind(base), None);
        assert_eq!(Address::new(9).behind(ImageBase::new(10)), None);
        assert_eq!(VirtualIp::new(9).behind(VirtualIp::new(10)), None);
    }

    #[test]
    fn one_word_can_be_taken_for_each_kind() {
        let pep = PepAddress::made_at(Address::new(0x81c0));
        let pointer = FunctionPointer::from(pep);
        assert_eq!(pointer.assume_pep(), pep);
        assert_eq!(pointer, FunctionPointer::from(TableIndex::new(0x81c0)));
        assert_eq!(pointer.as_virtual_ip(), None);
        let both = FunctionPointer::new(0x8000_0001);
        assert_eq!(both.as_virtual_ip(), Some(VirtualIp::new(0x8000_0001)));
        let one = [0x8000_0000, 1].map(|word| FunctionPointer::new(word).as_virtual_ip());
        assert_eq!(one, [None, None]);
    }
}
