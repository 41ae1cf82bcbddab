//! What happens, in order, in the program that a layout describes.

#![expect(clippy::too_many_arguments, reason = "constructors of derived mutators")]

use std::cell::Cell;
use strum::EnumCount;

use mutatis::Mutate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::layout::{AssemblyId, MethodId, SiteId};
use crate::index::ids;

ids! {
    /// Position of a pointer variable in [`Scenario::variables`](super::Scenario::variables).
    #[derive(Serialize, Deserialize, Mutate)]
    pub struct VariableId(u16);
}

/// One step of the script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Event {
    /// The host fetches and instantiates the assembly's image, and the loader
    /// relocates and registers it.
    Load(AssemblyId),
    /// The prestub runs for the method: R2R code if there is any, else byte code.
    Prepare(MethodId),
    /// Managed code of the VM makes the method's portable entry point callable
    /// from R2R code without saying that it may be `[UnmanagedCallersOnly]`
    /// (`MethodDesc::EnsurePortableEntryPointIsCallableFromR2R`).
    Touch(MethodId),
    /// The method's entry point is reset (`MethodDesc::ResetCodeEntryPoint`).
    Reset(MethodId),
    /// The MethodDesc and entry point of a dynamic method that nobody
    /// needs any more are given to another one.
    Recycle {
        /// Whose they were.
        from: MethodId,
        /// Whose they are now.
        to: MethodId,
    },
    /// A site that takes a pointer or makes a delegate runs, and what it got is stored.
    Take {
        /// A site whose action [takes](super::Action::takes).
        site: SiteId,
        /// Where the pointer goes.
        into: VariableId,
        /// The object that `ldvirtftn` looks at, or that a closed delegate is bound to.
        on: Option<u32>,
    },
    /// A call site runs.
    Call(Call),
}

/// An [`Event`] without what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumCount)]
pub enum EventKind {
    Load,
    Prepare,
    Touch,
    Reset,
    Recycle,
    Take,
    Call,
}

impl EventKind {
    pub const ALL: [EventKind; EventKind::COUNT] = [
        EventKind::Load,
        EventKind::Prepare,
        EventKind::Touch,
        EventKind::Reset,
        EventKind::Recycle,
        EventKind::Take,
        EventKind::Call,
    ];

    /// The word that the text form and findings have for it.
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Load => "load",
            EventKind::Prepare => "prepare",
            EventKind::Touch => "touch",
            EventKind::Reset => "reset",
            EventKind::Recycle => "recycle",
            EventKind::Take => "take",
            EventKind::Call => "call",
        }
    }
}

impl Event {
    /// What it is, without what it is about.
    pub fn kind(&self) -> EventKind {
        match self {
            Event::Load(_) => EventKind::Load,
            Event::Prepare(_) => EventKind::Prepare,
            Event::Touch(_) => EventKind::Touch,
            Event::Reset(_) => EventKind::Reset,
            Event::Recycle { .. } => EventKind::Recycle,
            Event::Take { .. } => EventKind::Take,
            Event::Call(_) => EventKind::Call,
        }
    }

    /// The site that runs, if it is an event in which one does.
    pub fn site(&self) -> Option<SiteId> {
        match self {
            Event::Load(_)
            | Event::Prepare(_)
            | Event::Touch(_)
            | Event::Reset(_)
            | Event::Recycle { .. } => None,
            Event::Take { site, .. } => Some(*site),
            Event::Call(call) => Some(call.site),
        }
    }
}

/// One execution of a call site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Call {
    /// Any site but one that takes.
    pub site: SiteId,
    /// For a `calli` or an `Invoke`: the variable that holds the function pointer or delegate.
    pub pointer: Option<VariableId>,
    /// For an instance method: the receiver, an object reference or by-ref. Dispatch on it
    /// needs the [address](super::meaning::object_address) of a class's instance.
    pub this: Option<u32>,
    /// One word a parameter; `meaning` says which bytes it stands for.
    pub args: Vec<u64>,
    /// What the callee calls before it returns, in order.
    #[mutatis(ignore)]
    #[serde(deserialize_with = "nested")]
    pub inside: Vec<Call>,
}

/// The deepest nesting of calls that is read at all. More than
/// [`MAX_DEPTH`](super::MAX_DEPTH) is not valid, but can be repaired; what has no
/// end would take all of the native stack.
const MAX_NESTING: usize = 16;

/// Reads the calls inside a call.
fn nested<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Call>, D::Error> {
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    let depth = DEPTH.get() + 1;
    if depth > MAX_NESTING {
        return Err(D::Error::custom("calls are nested too deeply"));
    }
    DEPTH.set(depth);
    let calls = Vec::deserialize(from);
    DEPTH.set(depth - 1);
    calls
}
