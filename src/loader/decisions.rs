//! The decisions of the loader that a fault can get wrong.
//!
//! Each method of [`Loader`] is one decision point with the right behaviour
//! as its default; [`Fixed`] overrides none. A fault overrides one, so that the
//! difference between right and wrong is the fault's file. What crossgen2 and the
//! native build decide is in [`Compiler`].

use std::fmt::Debug;

use super::callee::Callee;
use super::interpreter::Arguments;
use super::words::{FunctionPointer, PepAddress, TableIndex};
use super::{Vm, entry};
use crate::abi::vm::{MetadataConvention, signature_key};
use crate::engine::{Process, Trap};
use crate::image::decisions::{Compiler, Right};
use crate::image::facts::Role;
use crate::image::runtime::Helper;
use crate::scenario::{Layout, MethodId, Signature};

/// Where VM code hands out an entry point that R2R code will call with a typed
/// `call_indirect`, and must make it callable first (the sites that #130841 lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnsureSite {
    /// `GetMultiCallableAddrOfCode`: `ldftn`, eager cells.
    MultiCallableAddress,
    /// The tail of `ExternalMethodFixupWorker`.
    LazyCall,
    /// The same, for a slot.
    VirtualCall,
    /// `CORINFO_HELP_VIRTUAL_FUNC_PTR`.
    VirtualFunctionPointer,
    /// The constructor of delegates.
    Delegate,
    /// `RunClassInitEx`.
    ClassConstructor,
    /// `CallDefaultConstructor`.
    DefaultConstructor,
    /// `RunMainInternal`.
    EntryPoint,
    /// `RunFinalizers`.
    Finalizer,
}

/// What an exported wrapper of a UCO method does when that has an R2R body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportDispatch {
    /// Calls the body, by its own convention.
    Native,
    /// Interprets byte code that is not there.
    Interpret,
    /// `InvokeManagedMethod`: a managed call of the native-signature body.
    Managed,
}

/// A decision, for telling whether a run came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// [`Loader::ensures`], for one site.
    Ensures(EnsureSite),
    /// [`Loader::uco_method_entry`].
    UcoMethodEntry,
    /// [`Loader::key`].
    Key,
    /// [`Loader::replays_pending`].
    ReplaysPending,
    /// [`Loader::prefers_unmanaged_body`].
    PrefersUnmanagedBody,
    /// [`Loader::reverse_thunk`].
    ReverseThunk,
    /// [`Loader::dispatches_exports`].
    DispatchesExports,
    /// [`Loader::reflected_call`].
    ReflectedCall,
    /// [`Loader::reflection_skips_return_buffer`].
    ReflectionSkipsReturnBuffer,
    /// [`Loader::jit_helper_cell`].
    JitHelperCell,
    /// [`Loader::patches_table_base`].
    PatchesTableBase,
    /// [`Loader::fills_generic_lookups`].
    FillsGenericLookups,
    /// [`Loader::relocates_resumption_stubs`].
    RelocatesResumptionStubs,
    /// [`Loader::marshals_pinvokes`].
    MarshalsPInvokes,
    /// [`Loader::unboxes`].
    Unboxes,
    /// [`Loader::instantiates`].
    Instantiates,
    /// [`Loader::virtual_function_pointer`].
    VirtualFunctionPointer,
    /// [`Loader::open_virtual_aux`].
    OpenVirtualAux,
    /// [`Loader::open_virtual_method_ptr`].
    OpenVirtualMethodPtr,
    /// [`Loader::open_receiver`].
    OpenReceiver,
    /// [`Loader::open_virtual_call`].
    OpenVirtualCall,
    /// [`Loader::swaps_return_buffer`].
    SwapsReturnBuffer,
    /// One of [`Compiler`]'s: taken when the modules are emitted.
    Compilation,
}

impl Decision {
    /// A bit of its own.
    pub(super) fn bit(self) -> u64 {
        let number = match self {
            Decision::Ensures(site) => site as u32,
            Decision::UcoMethodEntry => 16,
            Decision::Key => 17,
            Decision::ReplaysPending => 18,
            Decision::PrefersUnmanagedBody => 19,
            Decision::ReverseThunk => 20,
            Decision::DispatchesExports => 21,
            Decision::ReflectedCall => 22,
            Decision::ReflectionSkipsReturnBuffer => 23,
            Decision::JitHelperCell => 24,
            Decision::PatchesTableBase => 25,
            Decision::FillsGenericLookups => 26,
            Decision::RelocatesResumptionStubs => 27,
            Decision::MarshalsPInvokes => 28,
            Decision::Unboxes => 29,
            Decision::Instantiates => 30,
            Decision::VirtualFunctionPointer => 31,
            Decision::OpenVirtualAux => 32,
            Decision::OpenVirtualMethodPtr => 33,
            Decision::OpenReceiver => 34,
            Decision::OpenVirtualCall => 35,
            Decision::SwapsReturnBuffer => 36,
            Decision::Compilation => 37,
        };
        1 << number
    }
}

/// A signature whose thunk the VM looks up.
#[derive(Clone, Copy, Debug)]
pub struct KeyRequest<'a> {
    /// `I`: R2R code calls the interpreter. `M`: the interpreter calls out.
    pub prefix: char,
    /// The scenario.
    pub layout: &'a Layout,
    /// Who is called, if it is known.
    pub callee: Option<Callee>,
    /// Its signature.
    pub signature: &'a Signature,
    /// The convention that it declares.
    pub convention: MetadataConvention,
}

impl KeyRequest<'_> {
    /// The key for another signature.
    pub fn key_of(&self, signature: &Signature) -> String {
        signature_key(self.prefix, self.layout, signature, self.convention)
    }

    /// The right key.
    pub fn key(&self) -> String {
        self.key_of(self.signature)
    }
}

/// A loader: the fixed one, or one with a defect put back.
pub trait Loader: Debug + Send + Sync {
    /// The name that `--loader` takes.
    fn id(&self) -> &'static str;

    /// What crossgen2 and the native build decide.
    fn compiler(&self) -> &'static dyn Compiler {
        &Right
    }

    /// What a `MethodEntry` fixup hands out for an `[UnmanagedCallersOnly]`
    /// method when the caller said that it may be one
    /// (`jitinterface.cpp` `LoadDynamicInfoEntry`, `method.cpp`
    /// `TryGetMultiCallableAddrOfCode`).
    ///
    /// The right answer, as #129857 proposes it: the method's own unmanaged
    /// table index, published apart from `_pActualCode`, whatever was touched first.
    fn uco_method_entry(
        &self,
        process: &mut dyn Process,
        method: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        entry::publish_unmanaged_entry(process, method).map(FunctionPointer::from)
    }

    /// Whether the entry point is made callable from R2R code there.
    fn ensures(&self, _: EnsureSite) -> bool {
        true
    }

    /// The key that a thunk is looked up by (`GetSignatureKey`,
    /// `GetPortableEntryPointToInterpreterThunk`, `GetCookieForCalliSig`).
    fn key(&self, request: &KeyRequest<'_>) -> String {
        request.key()
    }

    /// Whether the pending list is replayed when an image brings thunks (#127483).
    fn replays_pending(&self) -> bool {
        true
    }

    /// Whether `GetUnmanagedCallersOnlyThunk` prefers an R2R body to the
    /// reverse thunk (#129766).
    fn prefers_unmanaged_body(&self) -> bool {
        true
    }

    /// The reverse thunk that `g_ReverseThunks` has for a method.
    fn reverse_thunk(&self, vm: &Vm, method: MethodId) -> Option<TableIndex> {
        vm.emission.runtime_slot(&Role::ReverseThunk(method)).map(TableIndex)
    }

    /// What an exported wrapper does when its method has an R2R body (#134355).
    fn dispatches_exports(&self) -> ExportDispatch {
        ExportDispatch::Native
    }

    /// What reflection does before it runs a method; true if that was all
    /// (#129766, #129808).
    fn reflected_call(
        &self,
        _: &mut dyn Process,
        _: PepAddress,
        _: &Arguments,
        _: u32,
    ) -> Result<bool, Trap> {
        Ok(false)
    }

    /// Whether reflection's walk over the arguments leaves the return buffer out (#128275).
    fn reflection_skips_return_buffer(&self) -> bool {
        true
    }

    /// What the cell of a JIT helper holds: an entry point, which the JIT
    /// dereferences (#119217).
    fn jit_helper_cell(&self, entry_point: PepAddress, _: Helper) -> u32 {
        entry_point.0
    }

    /// Whether the host patches `TableBase` into the payload's header before
    /// relocations are applied (#134312).
    fn patches_table_base(&self) -> bool {
        true
    }

    /// Whether the records of generic lookups get their helper (#129825).
    fn fills_generic_lookups(&self) -> bool {
        true
    }

    /// Whether a resumption stub's function index is made a table index (#131167).
    fn relocates_resumption_stubs(&self) -> bool {
        true
    }

    /// Whether a P/Invoke's entry point leads to its marshalling stub, and not
    /// straight to the C function (#129850).
    fn marshals_pinvokes(&self) -> bool {
        true
    }

    /// Whether slots of boxed receivers hold unboxing stubs (#120153).
    fn unboxes(&self) -> bool {
        true
    }

    /// Whether `ldftn` of shared generic code gives an instantiating stub (#120319).
    fn instantiates(&self) -> bool {
        true
    }

    /// What `CORINFO_HELP_VIRTUAL_FUNC_PTR` gives for an entry point (#128234).
    fn virtual_function_pointer(
        &self,
        _: &mut dyn Process,
        entry_point: PepAddress,
    ) -> Result<FunctionPointer, Trap> {
        Ok(entry_point.into())
    }

    /// What `_methodPtrAux` of an open virtual delegate is (#131886).
    fn open_virtual_aux(&self, entry_point: PepAddress) -> FunctionPointer {
        entry_point.into()
    }

    /// What the interpreter takes for the entry point of an open virtual
    /// delegate's stub (#124221).
    fn open_virtual_method_ptr(
        &self,
        _: &mut dyn Process,
        method_ptr: FunctionPointer,
    ) -> Result<FunctionPointer, Trap> {
        Ok(method_ptr)
    }

    /// Takes an open instance delegate's receiver out of the arguments: the first (#130840).
    fn open_receiver(&self, arguments: &mut Arguments) -> u32 {
        arguments.take_first()
    }

    /// A last look at the arguments of an open virtual delegate's target (#126199).
    fn open_virtual_call(
        &self,
        _: &mut dyn Process,
        _: PepAddress,
        _: &mut Arguments,
    ) -> Result<(), Trap> {
        Ok(())
    }

    /// Whether a delegate closed over a static method with a return buffer gets
    /// a thunk that swaps the two (#134108).
    fn swaps_return_buffer(&self) -> bool {
        true
    }
}

/// The repaired loader: every decision is the right one.
#[derive(Debug)]
pub struct Fixed;

impl Loader for Fixed {
    fn id(&self) -> &'static str {
        "fixed"
    }
}
