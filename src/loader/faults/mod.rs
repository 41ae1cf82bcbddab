//! Upstream bugs, each put back by overriding one decision of the [`Loader`] or
//! of its [`Compiler`](crate::image::decisions::Compiler).

mod issue_120319;
mod issue_124221;
mod issue_127361;
mod issue_128181;
mod issue_128234;
mod issue_129622;
mod issue_129821;
mod issue_129850_qcall;
mod issue_129850_string_constructor;
mod issue_129850_this;
mod issue_129857;
mod issue_129857_native_code;
mod issue_129857_virtual_ip;
mod issue_129861;
mod issue_130634;
mod issue_130739;
mod issue_130840;
mod issue_131298;
mod issue_131639;
mod issue_131886;
mod issue_133627;
mod issue_134200;
mod issue_134355;
mod issue_134355_convention;
mod pr_119217;
mod pr_120153;
mod pr_125455;
mod pr_126199;
mod pr_126973;
mod pr_127483;
mod pr_128275;
mod pr_129173;
mod pr_129356;
mod pr_129766;
mod pr_129808;
mod pr_129903;
mod pr_130104;
mod pr_130384;
mod pr_130384_stack_pointer;
mod pr_130386;
mod pr_130386_default_constructor;
mod pr_130740;
mod pr_130841;
mod pr_131167;
mod pr_131217;
mod pr_131246;
mod pr_131328;
mod pr_131421;
mod pr_132926;
mod pr_132965;
mod pr_133894;
mod pr_134108;
mod pr_134312;

use std::fmt;

use super::{Decision, Fixed, Loader};
use crate::scenario::validate::names;
use crate::verdict::Class;

/// A defect that can be put back, with what people want to know of it. Its story
/// is the doc comment of its loader.
#[derive(Debug)]
pub struct Fault {
    /// The loader with the defect.
    pub loader: &'static dyn Loader,
    /// What kind of bug it is.
    pub family: Family,
    /// The class of finding that it shows.
    pub class: Class,
    /// The decision that it gets wrong: none of the loader's if it is the compiler's.
    pub decision: Option<Decision>,
    /// dotnet/runtime issues and pull requests.
    pub upstream: &'static [u32],
    /// One line.
    pub title: &'static str,
    /// The file that it stands in: what is right and what is wrong differ in just that.
    pub source: &'static str,
}

impl Fault {
    /// The name that `--loader` takes.
    pub fn id(&self) -> &'static str {
        self.loader.id()
    }

    /// The bug's story: the doc comment of its loader, in Markdown.
    pub fn story(&self) -> String {
        let lines: Vec<&str> = self.source.lines().collect();
        let end = lines.iter().position(|line| line.starts_with("#[derive(Debug)]"));
        let before = &lines[..end.unwrap_or(0)];
        let start = before.iter().rposition(|line| !line.starts_with("///")).map_or(0, |i| i + 1);
        let text = before[start..].iter().map(|line| line.trim_start_matches("///").trim());
        text.collect::<Vec<_>>().join("\n")
    }
}

/// The classes of the upstream bugs, by what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Cold slot handed to a typed call.
    C1,
    /// Unmanaged and managed convention disagree.
    C2,
    /// Null interpreter byte code.
    C3,
    /// Hidden arguments skewed.
    C4,
    /// A callee whose real shape is not its metadata's.
    C5,
    /// Keys or layouts differ between crossgen2 and the VM.
    C6,
    /// A thunk is absent.
    C7,
    /// An import or fixup cell is wrong.
    C8,
    /// Reverse thunks.
    C9,
    /// The shadow stack pointer at a boundary.
    C10,
}

impl Family {
    /// All of them, with what is wrong.
    pub const ALL: [(Family, &'static str); 10] = [
        (Family::C1, "cold slot handed to a typed call"),
        (Family::C2, "unmanaged and managed convention disagree"),
        (Family::C3, "null interpreter byte code"),
        (Family::C4, "hidden arguments skewed"),
        (Family::C5, "a callee whose real shape is not its metadata's"),
        (Family::C6, "keys or layouts differ between crossgen2 and the VM"),
        (Family::C7, "a thunk is absent"),
        (Family::C8, "an import or fixup cell is wrong"),
        (Family::C9, "reverse thunks"),
        (Family::C10, "the shadow stack pointer at a boundary"),
    ];

    /// What is wrong.
    pub fn title(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Every fault, in gallery order.
pub static ALL: [&Fault; 53] = [
    &pr_126973::FAULT,
    &pr_130386::FAULT,
    &pr_130386_default_constructor::FAULT,
    &issue_130634::FAULT,
    &pr_130841::FAULT,
    &pr_131217::FAULT,
    &pr_119217::FAULT,
    &issue_124221::FAULT,
    &issue_128234::FAULT,
    &issue_129850_qcall::FAULT,
    &issue_129857::FAULT,
    &issue_129857_native_code::FAULT,
    &issue_129857_virtual_ip::FAULT,
    &pr_130384::FAULT,
    &issue_131886::FAULT,
    &issue_134355_convention::FAULT,
    &pr_126199::FAULT,
    &pr_129766::FAULT,
    &pr_129808::FAULT,
    &issue_134355::FAULT,
    &issue_120319::FAULT,
    &pr_128275::FAULT,
    &pr_129356::FAULT,
    &issue_129850_this::FAULT,
    &issue_129861::FAULT,
    &pr_129903::FAULT,
    &issue_130840::FAULT,
    &issue_133627::FAULT,
    &pr_134108::FAULT,
    &issue_134200::FAULT,
    &pr_120153::FAULT,
    &issue_129850_string_constructor::FAULT,
    &pr_130104::FAULT,
    &issue_131298::FAULT,
    &issue_127361::FAULT,
    &pr_131246::FAULT,
    &pr_131328::FAULT,
    &pr_131421::FAULT,
    &issue_131639::FAULT,
    &pr_125455::FAULT,
    &pr_127483::FAULT,
    &issue_129622::FAULT,
    &pr_132926::FAULT,
    &pr_132965::FAULT,
    &issue_129821::FAULT,
    &pr_131167::FAULT,
    &pr_134312::FAULT,
    &issue_128181::FAULT,
    &pr_129173::FAULT,
    &issue_130739::FAULT,
    &pr_130740::FAULT,
    &pr_130384_stack_pointer::FAULT,
    &pr_133894::FAULT,
];

/// The fault with this id.
pub fn find(id: &str) -> Option<&'static Fault> {
    ALL.iter().copied().find(|fault| fault.id() == id)
}

/// What is said of an id that no loader has: the nearest ones.
pub fn unknown(kind: &str, id: &str) -> String {
    let ids: Vec<&str> =
        std::iter::once(Fixed.id()).chain(ALL.iter().map(|fault| fault.id())).collect();
    // A scenario names faults alone.
    let known = if kind == "fault" { &ids[1..] } else { &ids };
    names::unknown(kind, id, known)
}

/// The loader with this id: `fixed`, or a fault's.
pub fn loader(id: &str) -> Option<&'static dyn Loader> {
    if id == Fixed.id() {
        return Some(&Fixed);
    }
    find(id).map(|fault| fault.loader)
}
