//! The wasm modules of a layout: the runtime module, which owns memory and
//! table, and one R2R module per assembly.
//!
//! A [`Program`] depends on the layout alone, never on the script, so that
//! engines can keep compiled modules (`docs/architecture.md`, "Layout and script").

pub mod bodies;
mod callers;
pub mod code;
pub mod decisions;
pub(crate) mod declare;
pub(crate) mod delegate;
pub mod emission;
mod emit;
pub mod encode;
pub mod facts;
mod frames;
mod function;
pub mod helpers;
pub mod host;
pub mod map;
pub mod payload;
pub mod pep;
pub mod runtime_module;
pub mod thunks;
mod values;
pub mod words;

use crate::abi::{FuncType, ValType};
use crate::index::{IndexVec, ids};
use crate::scenario::AssemblyId;
use code::{Op, TypeId};
use words::TableIndex;

ids! {
    /// Position of an assembly's image in [`Program::images`].
    pub struct ModuleId(u16);

    /// Position of a function in [`Module::functions`], and so of its slot in the module's slice of
    /// the table.
    pub struct FunctionId(u32);
}

impl From<AssemblyId> for ModuleId {
    /// The image of this assembly: there is one for each, in their order.
    fn from(assembly: AssemblyId) -> Self {
        Self(assembly.0)
    }
}

/// Everything that is emitted for a layout.
#[derive(Debug)]
pub struct Program {
    /// All function types, each once.
    pub types: IndexVec<TypeId, FuncType>,
    /// The runtime module: defines memory, table and `__stack_pointer`, and
    /// fills slots [`Program::host_base`]`..HOST_SLOTS` of the table.
    pub runtime: Module,
    /// One an assembly.
    pub images: IndexVec<ModuleId, Module>,
    /// Linear memory at the start, whole 64 KiB pages. Also its maximum.
    pub memory: Vec<u8>,
    /// `__stack_pointer` at the start.
    pub stack_pointer: u32,
}

/// Slots of the table before the first image is loaded, slot 0 (always null)
/// included: 5922, as measured on the published browser build.
pub const HOST_SLOTS: u32 = 5922;

impl Program {
    /// Whether both have the same types, code and data.
    pub fn is_same(&self, other: &Program) -> bool {
        self.types == other.types && self.runtime == other.runtime && self.images == other.images
    }

    /// First table slot of the runtime module's functions, which lie at the end of the host's
    /// slots.
    pub fn host_base(&self) -> TableIndex {
        TableIndex::new(HOST_SLOTS - self.runtime.functions.len() as u32)
    }
}

/// One wasm module. Function `i` is element `i` of its table slice.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// Assembly name, or `runtime`.
    pub name: String,
    /// Functions in index order.
    pub functions: IndexVec<FunctionId, Function>,
    /// The webcil payload: active data segment at `__memory_base`. Empty for the runtime.
    pub payload: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Export (symbol) name, unique in its module.
    pub name: String,
    pub ty: TypeId,
    /// Locals after the parameters.
    pub locals: Vec<ValType>,
    /// The body; falls off its end with the result on the stack.
    pub code: Vec<Op>,
}
