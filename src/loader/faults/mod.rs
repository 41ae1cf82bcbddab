//! Upstream bugs, each put back by overriding one decision of the [`Loader`].

mod issue_129857;
mod issue_129857_native_code;
mod issue_129857_virtual_ip;

use super::{Fixed, Loader};
use crate::verdict::Class;

/// A defect that can be put back, with what people want to know of it.
pub trait Fault: Loader {
    /// The class of finding that it shows.
    fn class(&self) -> Class;

    /// dotnet/runtime issues and pull requests.
    fn upstream(&self) -> &'static [u32];

    /// One line.
    fn title(&self) -> &'static str;
}

/// Every fault, in gallery order.
pub static ALL: [&dyn Fault; 3] = [
    &issue_129857::Issue129857,
    &issue_129857_virtual_ip::VirtualIp,
    &issue_129857_native_code::NativeCode,
];

/// The fault with this id.
pub fn find(id: &str) -> Option<&'static dyn Fault> {
    ALL.iter().copied().find(|fault| fault.id() == id)
}

/// The loader with this id: `fixed`, or a fault's.
pub fn loader(id: &str) -> Option<&'static dyn Loader> {
    if id == Fixed.id() {
        return Some(&Fixed);
    }
    find(id).map(|fault| fault as &dyn Loader)
}
