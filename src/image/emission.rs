//! What the emitter makes of a layout: the modules, the facts that the loader
//! is told of them, and what each function is, for whoever looks at a run.

use std::sync::Arc;

use super::facts::{Facts, RuntimeFacts};
use super::helpers::Helper;
use super::words::TableIndex;
use super::{FunctionId, Module, Program};
use crate::abi::FuncType;
use crate::index::IndexVec;
use crate::scenario::{AssemblyId, Layout, MethodId, SiteId};

/// A program with what is known of it.
#[derive(Debug)]
pub struct Emission {
    /// The modules.
    pub program: Arc<Program>,
    /// What the loader is told.
    pub facts: Arc<Facts>,
    /// What each function is.
    pub roles: Roles,
    /// Where each site's code is, if it has code of its own.
    callers: IndexVec<SiteId, Option<CallerCode>>,
}

/// What each function is.
#[derive(Debug, Default)]
pub struct Roles {
    /// Of the runtime module; function 0 lies at [`Program::host_base`].
    pub runtime: IndexVec<FunctionId, Role>,
    /// Of each image.
    pub images: IndexVec<AssemblyId, IndexVec<FunctionId, Role>>,
}

/// Whose function a table slot holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The compiled body of a method: R2R code, or C++ code of the runtime.
    Body(MethodId),
    /// The compiled method that holds a call site.
    Caller(SiteId),
    /// C code, or managed code of the runtime's own, that holds a call site.
    NativeCaller(SiteId),
    /// `WasmDelayLoadHelper->...(Sig:key)`.
    ImportThunk(String),
    /// `WasmR2RToInterpreterThunk(key)`.
    R2RToInterpreter(String),
    /// `WasmInterpreterToR2RThunk(key)`.
    InterpreterToR2R(String),
    /// `WasmVirtualDispatchThunk(key)`, by the key that its `V` entry has.
    VirtualThunk(String),
    /// A thunk for delegates closed over a static method with a return buffer (#134108).
    ClosedStaticThunk(String),
    /// Where a suspended runtime-async method is resumed.
    ResumptionStub(MethodId),
    /// The interpreter's C stub for an unmanaged signature (`CallFunc_*`).
    InterpreterToNative(String),
    /// The generated C wrapper of a UCO method.
    ReverseThunk(MethodId),
    /// A helper of the runtime.
    Helper(Helper),
}

/// The function that holds a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerCode {
    /// A compiled method.
    Compiled {
        /// Whose image it is in.
        image: AssemblyId,
        /// Which function it is there.
        function: FunctionId,
        /// Bytes of shadow stack it takes.
        frame_size: u32,
    },
    /// Code of the runtime module.
    Runtime(TableIndex),
}

impl Emission {
    /// Puts together what was emitted. `frames` has the compiled methods that hold sites, with
    /// the shadow stack that each takes.
    pub(super) fn of(
        layout: &Layout,
        program: Program,
        facts: Facts,
        roles: Roles,
        frames: Vec<(SiteId, CallerCode)>,
    ) -> Self {
        let native = slots(&program).zip(&roles.runtime).filter_map(|(slot, role)| match role {
            Role::NativeCaller(site) => Some((*site, CallerCode::Runtime(slot))),
            _ => None,
        });
        let mut callers = layout.sites.map(|_| None);
        for (site, code) in frames.into_iter().chain(native) {
            callers[site] = Some(code);
        }
        Self { program: Arc::new(program), facts: Arc::new(facts), roles, callers }
    }

    /// The code that holds a site.
    pub fn caller(&self, site: SiteId) -> Option<CallerCode> {
        *self.callers.get(site)?
    }

    /// The table slot of a function of the runtime module.
    pub fn runtime_slot(&self, role: &Role) -> Option<TableIndex> {
        let mut known = slots(&self.program).zip(&self.roles.runtime);
        known.find(|(_, known)| *known == role).map(|(slot, _)| slot)
    }
}

/// The table slots of the runtime module's functions, in order.
fn slots(program: &Program) -> impl Iterator<Item = TableIndex> {
    program.host_base().onwards()
}

impl RuntimeFacts {
    /// What the VM looks up, of functions with these roles.
    pub(super) fn of(program: &Program, roles: &IndexVec<FunctionId, Role>) -> Self {
        let mut facts = Self::default();
        for (slot, role) in slots(program).zip(roles) {
            match role {
                Role::Body(method) => drop(facts.native_code.insert(*method, slot)),
                Role::ReverseThunk(method) => drop(facts.reverse_thunks.insert(*method, slot)),
                Role::InterpreterToNative(key) => {
                    facts.interpreter_to_native.insert(key.clone(), slot);
                }
                Role::R2RToInterpreter(key) => {
                    facts.transition_thunks.push((format!("I{key}"), slot));
                }
                Role::InterpreterToR2R(key) => {
                    facts.transition_thunks.push((format!("M{key}"), slot));
                }
                Role::Caller(_)
                | Role::NativeCaller(_)
                | Role::ImportThunk(_)
                | Role::VirtualThunk(_)
                | Role::ClosedStaticThunk(_)
                | Role::ResumptionStub(_)
                | Role::Helper(_) => {}
            }
        }
        facts
    }
}

/// The type of a function of a module.
pub fn function_type<'a>(program: &'a Program, module: &Module, id: FunctionId) -> &'a FuncType {
    &program.types[module.functions[id].ty]
}
