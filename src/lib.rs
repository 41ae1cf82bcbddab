//! Does the pointer fit the call?
//!
//! A differential fuzzing harness for function-pointer resolution in CoreCLR's ReadyToRun (R2R)
//! WebAssembly loader, where a function pointer can be a table index, the address of a portable
//! entry point or a virtual IP, and all three are an `i32`.
//!
//! A [`Scenario`] is a small program: a *layout* of assemblies, methods and call sites, from which
//! wasm modules are emitted, and a *script* of loads, takes of pointers and calls. Three parties
//! say what becomes of it, and any two that differ are a [`Finding`]:
//!
//! * the *reference* works out what every call must do, from the scenario's meaning alone;
//! * the *loader*, a model of the VM, writes linear memory and the table as upstream does:
//!   [`Fixed`] is the repaired one, and a [`Fault`] puts one upstream bug back;
//! * the *engines* run the modules, so that what the loader handed out reaches a real
//!   `call_indirect`; one is plain Rust, the others are optional features.
//!
//! A [`Judge`] runs a scenario and compares. Compiled code takes the address of an
//! `[UnmanagedCallersOnly]` method here and calls it, as in the README:
//!
//! ```
//! use std::sync::Arc;
//!
//! use calliper::{EngineKind, Fault, FindingClass, Fixed, Judge, parse_text};
//!
//! let text = r#"
//! calliper = 1
//! title = "a UCO pointer that is taken and called"
//! upstream = [129857]
//!
//! [shows]
//! issue-129857 = "signature-mismatch"
//!
//! [assemblies]
//! A = {}
//!
//! [methods]
//! Add = { in = "A", code = "r2r", signature = "int (int, int)", uco = true }
//! Managed = { in = "A", code = "r2r", signature = "int (int, int)" }
//!
//! [sites]
//! Take = { in = "A", ldftn = "Add" }
//! Call = { in = "A", unmanaged = "int (int, int)" }
//! Direct = { in = "A", direct = "Managed" }
//!
//! [script]
//! events = [
//!     { load = "A" },
//!     { take = "Take", into = "pointer" },
//!     { call = "Call", through = "pointer", args = [0x11223344, 0x55667788] },
//! ]
//! "#;
//! let scenario = Arc::new(parse_text("readme.toml", text.as_bytes())?);
//! let mut judge = Judge::new(&EngineKind::available());
//! for verdict in judge.judge(&scenario, &Fixed)? {
//!     assert_eq!(verdict.headline(), None, "{} agrees", verdict.engine);
//! }
//! let fault = Fault::find("issue-129857").expect("it is in the gallery");
//! for verdict in judge.judge(&scenario, fault.loader)? {
//!     assert_eq!(verdict.headline(), Some(FindingClass::SignatureMismatch));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`generate`] makes scenarios from random bytes, `run_campaign` looks for those that go wrong,
//! and [`replay()`] runs files again. This is the inside of a program: no name here is stable.

// The program uses what the targets do not: with it, the compiler says what nobody uses.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

mod abi;
#[cfg(feature = "campaign")]
mod campaign;
#[cfg(feature = "cli")]
mod cli;
mod csharp;
mod engine;
#[cfg(feature = "campaign")]
mod files;
mod gallery;
mod image;
mod index;
mod judge;
mod loader;
mod random;
mod reference;
mod replay;
mod report;
mod scenario;
#[cfg(test)]
mod tests;
mod verdict;

#[cfg(feature = "campaign")]
pub use campaign::{CampaignPlan, run as run_campaign};
#[cfg(feature = "cli")]
pub use cli::{Exit, run_command_line};
pub use engine::EngineKind;
pub use gallery::{Fault, loader as find_loader};
pub use judge::{EngineVerdict, Judge};
pub use loader::{Fixed, Loader};
pub use replay::{Expected, Loaders, ReplayOutcome, ReplayPlan, collect, replay};
pub use scenario::Scenario;
pub use scenario::binary::{
    decode as decode_binary, decode_any as decode_any_binary, encode as encode_binary,
};
pub use scenario::generate::{fixup, generate};
pub use scenario::mutate::{crossover, mutate};
pub use scenario::text::{parse as parse_text, print as print_text};
pub use scenario::validate::validate;
pub use verdict::{Finding, FindingClass};

/// What fuzz targets and benchmarks of this repository need of the inside, name by name. Nothing
/// else should.
#[doc(hidden)]
pub mod inside {
    // Targets that judge scenarios, and seeds for them: bytes that a seed decides, further scripts
    // for a layout, and the words of the text form.
    pub use crate::random::{Dice, XorShift};
    pub use crate::replay::{Case, DEFAULT_PATH};
    pub use crate::scenario::generate::regenerate_script;
    pub use crate::scenario::meaning::mix;
    pub use crate::scenario::text::words;

    // Benchmarks: what a row is called and made of.
    #[cfg(feature = "campaign")]
    pub use crate::campaign::CampaignStatus;
    pub use crate::engine::names;
    pub use crate::replay::read;

    // The targets `image`, `bodies` and `text`: scenarios of one's own, and what is emitted for
    // them.
    pub use crate::image::emission::Emission;
    pub use crate::image::words::TableIndex;
    pub use crate::scenario::binary::MAX_BYTES as MAX_BINARY_BYTES;
    pub use crate::scenario::{
        Action, AssemblyId, Call, Caller, Event, Layout, Signature, Site, SiteId,
    };

    // `image`: payloads to be spoilt, a process that watches what their load writes, and where that
    // may be.
    pub use crate::engine::paper::Paper;
    pub use crate::engine::{Engine, Memory, MemoryView, Process, Trap};
    pub use crate::image::facts::Facts;
    pub use crate::image::map::HEAP_ALIGNMENT;
    pub use crate::image::payload::{HEADERS, TABLE_BASE, relocation_section};
    pub use crate::image::pep::{CODE_DATA_SIZE, METHOD_DESC_SIZE, PEP_GUARD, PEP_SIZE};
    pub use crate::image::words::{ImageBase, Rva};
    pub use crate::image::{Module, ModuleId, Program};
    pub use crate::loader::script::run as run_script;
    pub use crate::loader::{Vm, VmProcess, host_call};
    pub use crate::scenario::meaning::{OBJECT_SIZE, object_address};

    // `bodies`: the types of callees, the module that calls them, and how engines are set up and
    // say that a call trapped.
    pub use crate::abi::crossgen::lower as crossgen_lower;
    pub use crate::abi::{FuncType, Shape, ValType};
    #[cfg(feature = "wasmi")]
    pub use crate::engine::wasmi::trap as wasmi_trap;
    #[cfg(feature = "wasmtime")]
    pub use crate::engine::wasmtime::{settings as wasmtime_settings, trap as wasmtime_trap};
    pub use crate::image::emission::Role;
    pub use crate::image::encode::{HOST_IMPORT, MEMORY, TABLE, encode_runtime};
    pub use crate::image::map::FRAME_ARGUMENTS;
}
