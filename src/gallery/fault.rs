//! What a fault is, and `fault!`, which declares one.

use std::fmt;

use crate::image::decisions::CompilerDecision;
use crate::loader::{Decision, Loader};
use crate::verdict::FindingClass;

/// A defect that can be put back, with what people want to know of it.
#[derive(Debug)]
pub struct Fault {
    /// The loader with the defect.
    pub loader: &'static dyn Loader,
    /// The loader's decisions that it overrides.
    pub decisions: &'static [Decision],
    /// The decisions that its compiler overrides.
    pub compiler_decisions: &'static [CompilerDecision],
    /// What is wrong.
    pub family: Family,
    /// The class of finding that it shows.
    pub class: FindingClass,
    /// dotnet/runtime issues and pull requests.
    pub upstream: &'static [u32],
    /// One line.
    pub title: &'static str,
    /// The bug's story, in Markdown, as its doc comment has it.
    pub(super) story: &'static str,
}

impl Fault {
    /// The name that `--loader` takes.
    pub fn id(&self) -> &'static str {
        self.loader.id()
    }

    /// The names of all decisions that it overrides.
    pub fn overridden(&self) -> impl Iterator<Item = &'static str> {
        let loader = self.decisions.iter().map(|decision| decision.name());
        loader.chain(self.compiler_decisions.iter().map(|decision| decision.name()))
    }

    /// The bug's story, in Markdown.
    pub fn story(&self) -> String {
        self.story.lines().map(str::trim).collect::<Vec<_>>().join("\n")
    }
}

/// A fault: its story, what is known of it, and the decisions that it overrides, as
/// `impl Loader`, `impl Compiler` or both have them.
///
/// What it says that it overrides comes from these methods, so that it cannot say anything else.
macro_rules! fault {
    (
        $(#[doc = $story:literal])+
        id: $id:literal,
        title: $title:literal,
        family: $family:ident,
        class: $class:ident,
        upstream: [$($upstream:literal),+ $(,)?],

        $(impl Loader {
            $(fn $decision:ident($($asked:tt)*) -> $Answer:ty $answer:block)+
        })?
        $(impl Compiler {
            $(fn $compiled:ident($($given:tt)*) -> $Emitted:ty $emitted:block)+
        })?
    ) => {
        pub(super) static FAULT: $crate::gallery::Fault = $crate::gallery::Fault {
            loader: &Defect,
            decisions: &[$($($crate::loader::Decision::$decision),+)?],
            compiler_decisions:
                &[$($($crate::image::decisions::CompilerDecision::$compiled),+)?],
            family: $crate::gallery::Family::$family,
            class: $crate::verdict::FindingClass::$class,
            upstream: &[$($upstream),+],
            title: $title,
            story: concat!($($story, "\n"),+),
        };

        #[derive(Debug)]
        struct Defect;

        impl $crate::loader::Loader for Defect {
            fn id(&self) -> &'static str {
                $id
            }

            fn compiler(&self) -> &'static dyn $crate::image::decisions::Compiler {
                fault!(@compiler $($($compiled)+)?)
            }

            $($(fn $decision($($asked)*) -> $Answer $answer)+)?
        }

        $(impl $crate::image::decisions::Compiler for Defect {
            fn name(&self) -> &'static str {
                $id
            }

            $(fn $compiled($($given)*) -> $Emitted $emitted)+
        })?
    };
    (@compiler) => {
        &$crate::image::decisions::FixedCompiler
    };
    (@compiler $($compiled:ident)+) => {
        &Defect
    };
}

pub(super) use fault;

/// What is wrong in an upstream bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A cold slot is handed to a typed call.
    ColdSlot,
    /// The unmanaged and the managed convention disagree, or their kinds of pointer.
    CallingConvention,
    /// Byte code is run that is not there.
    NoByteCode,
    /// `this`, return buffer, context or continuation are skewed.
    HiddenArguments,
    /// A callee's real shape is not what its metadata declares.
    DeclaredShape,
    /// Keys or layouts differ between crossgen2 and the VM.
    KeyOrLayout,
    /// A thunk is absent.
    MissingThunk,
    /// An import or fixup cell is wrong.
    ImportCell,
    /// The wrapper by which native code enters a method is wrong, or another's.
    ReverseThunk,
    /// The shadow stack pointer is wrong at a boundary.
    ShadowStack,
}

impl Family {
    /// Every family, with its name and what is wrong in it.
    const NAMES: [(Family, &'static str, &'static str); 10] = [
        (Family::ColdSlot, "cold-slot", "cold slot handed to a typed call"),
        (
            Family::CallingConvention,
            "calling-convention",
            "unmanaged and managed convention disagree",
        ),
        (Family::NoByteCode, "no-byte-code", "null interpreter byte code"),
        (Family::HiddenArguments, "hidden-arguments", "hidden arguments skewed"),
        (
            Family::DeclaredShape,
            "declared-shape",
            "a callee whose real shape is not its metadata's",
        ),
        (
            Family::KeyOrLayout,
            "key-or-layout",
            "keys or layouts differ between crossgen2 and the VM",
        ),
        (Family::MissingThunk, "missing-thunk", "a thunk is absent"),
        (Family::ImportCell, "import-cell", "an import or fixup cell is wrong"),
        (Family::ReverseThunk, "reverse-thunk", "reverse thunks"),
        (Family::ShadowStack, "shadow-stack", "the shadow stack pointer at a boundary"),
    ];

    /// All of them, in the order of the gallery.
    pub fn all() -> impl Iterator<Item = Family> {
        Self::NAMES.into_iter().map(|(family, ..)| family)
    }

    /// What is wrong.
    pub fn title(self) -> &'static str {
        Self::NAMES[self as usize].2
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize].1)
    }
}
