//! The test case as plain data.
//!
//! A [`Scenario`] is a [`Layout`] (assemblies, types, methods, call sites),
//! which decides the modules that are emitted, and a script of [`Event`]s,
//! which decides what happens in them and in which order. It has a
//! [text form](text) for people, a [binary form](binary) for fuzzers, and is
//! checked by [`validate`] before anything runs it.

pub mod action;
pub mod binary;
pub mod generate;
pub mod ids;
pub mod layout;
pub mod meaning;
pub mod method;
pub mod mutate;
pub(crate) mod rules;
pub mod script;
pub mod site;
pub mod spell;
mod state;
pub mod targets;
pub mod text;
pub mod types;
pub mod validate;

use serde::{Deserialize, Serialize};

use crate::index::IndexVec;

pub use action::{Action, ActionKind, Binding, Dispatch, RuntimePath};
pub use layout::{
    Assembly, AssemblyId, ClassId, ClassKind, Layout, MethodId, ObjectClass, SiteId, Struct,
    StructId,
};
pub use method::{Code, Convention, EntryKind, Form, Method, Slot};
pub use script::{Call, Event, EventKind, VariableId};
pub use site::{Caller, CallerKind, Site};
pub use types::{Signature, StructShape, Type};

/// The largest value type, in bytes. Upstream's continuous integration reported thunks
/// missing for structs of up to 304 bytes (`IvTiiiS304p`, dotnet/runtime#132965).
pub const MAX_STRUCT_SIZE: u32 = 1024;
/// The most parameters of a signature, `this` not counted.
pub const MAX_PARAMS: usize = 400;
/// The most assemblies, structs, methods, sites and variables, each.
pub const MAX_ITEMS: usize = 256;
/// The deepest nesting of calls: one, what its callee calls, and what that one's callee calls.
pub const MAX_DEPTH: usize = 3;
/// The most events in a script.
pub const MAX_EVENTS: usize = 4096;

/// One test case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scenario {
    /// One line for people.
    pub title: String,
    /// dotnet/runtime issue and pull-request numbers that it stands for.
    pub upstream: Vec<u32>,
    /// The faults that it shows, and the class of finding each must give.
    pub shows: Shows,
    /// ReadyToRun is switched off: images are loaded for their metadata and
    /// byte code, and everything is interpreted.
    pub interpreter_only: bool,
    /// What modules are emitted.
    pub layout: Layout,
    /// Names of the function-pointer variables.
    pub variables: IndexVec<VariableId, String>,
    /// What happens.
    pub script: Vec<Event>,
}

/// Fault id to finding class, both by name, in the order written.
pub type Shows = Vec<(String, String)>;
