//! Call sites, and the code that holds them.

#![deny(clippy::wildcard_enum_match_arm)]

use mutatis::Mutate;
use serde::{Deserialize, Serialize};
use strum::EnumCount;

use super::action::{Action, ActionKind};
use super::layout::{AssemblyId, Layout};
use super::types::Signature;

/// A place in a program that calls a method or takes its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Site {
    /// Name, unique in the scenario.
    #[mutatis(ignore)]
    pub name: String,
    /// Who executes it, and where its code stands.
    pub caller: Caller,
    /// What it does.
    pub action: Action,
}

/// The code that holds a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Caller {
    /// A method compiled into this assembly's R2R image.
    ReadyToRun(AssemblyId),
    /// A method of this assembly that the interpreter runs.
    Interpreter(AssemblyId),
    /// C code of the runtime or of a native library.
    Native,
}

/// A [`Caller`] without the place where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumCount)]
pub enum CallerKind {
    /// Compiled code.
    ReadyToRun,
    /// Interpreted code.
    Interpreter,
    /// C code.
    Native,
}

impl CallerKind {
    pub const ALL: [CallerKind; CallerKind::COUNT] =
        [CallerKind::ReadyToRun, CallerKind::Interpreter, CallerKind::Native];

    /// The word that the text form and findings have for it.
    pub fn word(self) -> &'static str {
        match self {
            CallerKind::ReadyToRun => "r2r",
            CallerKind::Interpreter => "interpreter",
            CallerKind::Native => "native",
        }
    }

    /// What accounts of findings call it.
    pub fn describe(self) -> &'static str {
        match self {
            CallerKind::ReadyToRun => "R2R code",
            CallerKind::Interpreter => "interpreted code",
            CallerKind::Native => "native code",
        }
    }

    /// Such code in this assembly, if it is code that stands in one.
    pub fn in_assembly(self, assembly: AssemblyId) -> Caller {
        match self {
            CallerKind::ReadyToRun => Caller::ReadyToRun(assembly),
            CallerKind::Interpreter => Caller::Interpreter(assembly),
            CallerKind::Native => Caller::Native,
        }
    }
}

impl Caller {
    /// What it is, without the place where it stands.
    pub fn kind(self) -> CallerKind {
        match self {
            Caller::ReadyToRun(_) => CallerKind::ReadyToRun,
            Caller::Interpreter(_) => CallerKind::Interpreter,
            Caller::Native => CallerKind::Native,
        }
    }

    /// The assembly whose image or byte code it is part of; native code is part of none.
    pub fn assembly(self) -> Option<AssemblyId> {
        match self {
            Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) => Some(assembly),
            Caller::Native => None,
        }
    }

    /// The same, to be changed.
    pub fn assembly_mut(&mut self) -> Option<&mut AssemblyId> {
        match self {
            Caller::ReadyToRun(assembly) | Caller::Interpreter(assembly) => Some(assembly),
            Caller::Native => None,
        }
    }
}

/// The key of the text form for an unmanaged call in C code.
const NATIVE_CALL: &str = "native";

/// The key of the text form for an action in native code or in an assembly.
fn word(kind: ActionKind, native: bool) -> &'static str {
    match native && kind == ActionKind::UnmanagedCalli {
        true => NATIVE_CALL,
        false => kind.word(),
    }
}

impl Site {
    /// The key that the text form has for what it does.
    pub fn word(&self) -> &'static str {
        word(self.action.kind(), self.caller == Caller::Native)
    }

    /// The signature whose parameters its calls give; `None` for a site that takes.
    pub fn signature<'a>(&'a self, layout: &'a Layout) -> Option<&'a Signature> {
        self.action.signature(layout)
    }
}

/// Every key of the text form that says what a site does, with what that is and whether native code
/// does it: first what code in an assembly does.
pub(crate) fn words() -> impl Iterator<Item = (&'static str, ActionKind, bool)> {
    [false, true].into_iter().flat_map(|native| {
        let holds = move |&caller: &CallerKind| (caller == CallerKind::Native) == native;
        let kinds = ActionKind::ALL.into_iter().filter(move |k| k.callers().iter().any(holds));
        kinds.map(move |kind| (word(kind, native), kind, native))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn callers_and_their_kinds_correspond() {
        for (i, kind) in CallerKind::ALL.into_iter().enumerate() {
            let mut caller = kind.in_assembly(AssemblyId(2));
            let assembly = (kind != CallerKind::Native).then_some(AssemblyId(2));
            assert_eq!((kind as usize, caller.kind(), caller.assembly()), (i, kind, assembly));
            assert_eq!(caller.assembly_mut().copied(), assembly);
        }
    }

    #[test]
    fn every_key_means_one_action() {
        let all: BTreeSet<_> = words().map(|(word, ..)| word).collect();
        assert_eq!(all.len(), words().count(), "{all:?}");
        let one_word = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(all.iter().all(one_word) && all.contains("ldftn"), "{all:?}");
    }
}
