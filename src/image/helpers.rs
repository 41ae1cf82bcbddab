//! The functions of the runtime that emitted code reaches by table index, with their types.

use strum::VariantArray;

use super::HOST_SLOTS;
use super::words::TableIndex;
use crate::abi::{FuncType, ValType};

/// A function of the runtime that R2R images and bodies reach by table index.
/// They are in table order: the last of the host's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum Helper {
    /// Calliper's own: a body reports what it sees and is told its result.
    Probe,
    /// `DelayLoad_MethodCall` (0x08), `vm/wasm/helpers.cpp`.
    DelayLoadMethodCall,
    /// `READYTORUN_HELPER_R2RToInterpreter` (0x118).
    R2RToInterpreter,
    /// `JIT_PInvokeBegin` (0x42).
    PInvokeBegin,
    /// `JIT_PInvokeEnd` (0x43).
    PInvokeEnd,
    /// `JIT_ReversePInvokeEnter` (0x45).
    ReversePInvokeEnter,
    /// `JIT_ReversePInvokeExit` (0x46).
    ReversePInvokeExit,
    /// `CORINFO_HELP_VIRTUAL_FUNC_PTR`.
    VirtualFunctionPointer,
    /// The constructor of delegates.
    DelegateConstruct,
    /// A generic lookup's helper (`DelayLoad_Helper`).
    GenericLookup,
}

impl Helper {
    /// Those that the JIT calls, through a portable entry point of their own.
    pub const JIT: [Helper; 6] = [
        Helper::PInvokeBegin,
        Helper::PInvokeEnd,
        Helper::ReversePInvokeEnter,
        Helper::ReversePInvokeExit,
        Helper::VirtualFunctionPointer,
        Helper::DelegateConstruct,
    ];

    /// Its table index.
    pub fn slot(self) -> TableIndex {
        TableIndex::new(HOST_SLOTS - Self::VARIANTS.len() as u32 + self as u32)
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Helper::Probe => "calliper_probe",
            Helper::DelayLoadMethodCall => "DelayLoad_MethodCall",
            Helper::R2RToInterpreter => "R2RToInterpreter",
            Helper::PInvokeBegin => "JIT_PInvokeBegin",
            Helper::PInvokeEnd => "JIT_PInvokeEnd",
            Helper::ReversePInvokeEnter => "JIT_ReversePInvokeEnter",
            Helper::ReversePInvokeExit => "JIT_ReversePInvokeExit",
            Helper::VirtualFunctionPointer => "JIT_VirtualFunctionPointer",
            Helper::DelegateConstruct => "DelegateConstruct",
            Helper::GenericLookup => "DelayLoad_Helper_GenericLookup",
        }
    }

    pub fn func_type(self) -> FuncType {
        let i = ValType::I32;
        match self {
            // (method token, block)
            Helper::Probe => FuncType::new([i, i], None),
            // (argsPtr, importThunkPEP, imageBase, rvaOfModuleCell) -> PEP
            Helper::DelayLoadMethodCall => FuncType::new([i, i, i, i], Some(i)),
            // (pep, transitionBlock, argsSize, retBuf)
            Helper::R2RToInterpreter => FuncType::new([i, i, i, i], None),
            // (sp, object, slot token, pep) -> PEP
            Helper::VirtualFunctionPointer => FuncType::new([i; 4], Some(i)),
            // (sp, variable, object, function pointer, closed, pep)
            Helper::DelegateConstruct => FuncType::new([i; 6], None),
            // (context source, record) -> context
            Helper::GenericLookup => FuncType::new([i, i], Some(i)),
            // (sp, frame, pep)
            Helper::PInvokeBegin
            | Helper::PInvokeEnd
            | Helper::ReversePInvokeEnter
            | Helper::ReversePInvokeExit => FuncType::new([i, i, i], None),
        }
    }
}

/// The type by which the VM enters callers and interpreter stubs:
/// `(i32 i32 i32)->()`, upstream's `viii`.
pub fn driver_type() -> FuncType {
    FuncType::new([ValType::I32; 3], None)
}
