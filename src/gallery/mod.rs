//! Upstream bugs, each put back by overriding decisions of the loader or of its compiler.
//!
//! A file holds one fault: its story, and the decisions that it gets wrong. `gallery!` at the foot
//! of this page lists them.

mod compose;
mod fault;
#[cfg(test)]
mod tests;

use crate::loader::{Fixed, Loader as _};
use crate::scenario::validate::names;

pub use compose::{LoaderError, loader};
use fault::fault;
pub use fault::{Family, Fault};

impl Fault {
    /// Every fault, in the order of the gallery.
    pub fn all() -> &'static [&'static Fault] {
        ALL
    }

    /// The fault with this id.
    pub fn find(id: &str) -> Option<&'static Fault> {
        ALL.iter().copied().find(|fault| fault.id() == id)
    }
}

/// What is said of an id that no loader has: the nearest ones.
pub fn unknown(kind: &str, id: &str) -> String {
    let ids: Vec<&str> =
        std::iter::once(Fixed.id()).chain(ALL.iter().map(|fault| fault.id())).collect();
    // A scenario names faults alone.
    let known = if kind == "fault" { &ids[1..] } else { &ids };
    names::unknown(kind, id, known)
}

/// Declares the files of the gallery.
macro_rules! gallery {
    ($($file:ident,)+) => {
        $(mod $file;)+

        static ALL: &[&Fault] = &[$(&$file::FAULT),+];

        /// The file of each.
        #[cfg(test)]
        const FILES: &[&str] = &[$(stringify!($file)),+];
    };
}

gallery! {
    pr_126973,
    pr_130386,
    pr_130386_default_constructor,
    issue_130634,
    pr_130841,
    pr_131217,
    pr_119217,
    issue_124221,
    issue_128234,
    issue_129850_qcall,
    issue_129857,
    issue_129857_native_code,
    issue_129857_virtual_ip,
    pr_130384,
    issue_131886,
    issue_134355_convention,
    pr_126199,
    pr_129766,
    pr_129808,
    issue_134355,
    issue_120319,
    pr_128275,
    pr_129356,
    issue_129850_this,
    issue_129861,
    pr_129903,
    issue_130840,
    issue_133627,
    pr_134108,
    issue_134200,
    pr_120153,
    issue_129850_string_constructor,
    pr_130104,
    issue_131298,
    issue_127361,
    pr_131246,
    pr_131328,
    pr_131421,
    issue_131639,
    pr_125455,
    pr_127483,
    issue_129622,
    pr_132926,
    pr_132965,
    issue_129821,
    pr_131167,
    pr_134312,
    issue_128181,
    pr_129173,
    issue_130739,
    pr_130740,
    pr_130384_stack_pointer,
    pr_133894,
}
