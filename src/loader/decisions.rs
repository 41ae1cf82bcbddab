//! The decisions of the loader that a fault can get wrong.
//!
//! Each method of [`Loader`] is one decision point with the right behaviour
//! as its default; [`Fixed`] overrides none. A fault overrides one, so that the
//! difference between right and wrong is the fault's file. What crossgen2 and the
//! native build decide is in [`Compiler`].

use std::cell::Cell;

use super::callee::Callee;
use super::interpreter::Arguments;
use super::{Vm, VmProcess, entry};
use crate::abi::vm::{MetadataConvention, signature_key};
use crate::engine::Trap;
use crate::image::decisions::{Compiler, FixedCompiler};
use crate::image::declare;
use crate::image::helpers::Helper;
use crate::image::words::{Address, FunctionPointer, ObjectAddress, PepAddress, TableIndex};
use crate::scenario::{Layout, MethodId, Signature};

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

/// A signature whose thunk the VM looks up.
#[derive(Clone, Copy, Debug)]
pub struct KeyRequest<'a> {
    /// `I`: R2R code calls the interpreter. `M`: the interpreter calls out.
    pub prefix: char,
    pub layout: &'a Layout,
    /// Who is called, if it is known.
    pub callee: Option<Callee>,
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

/// The decisions as [declared](declare::decisions), and for each a method of [`Vm`] that records
/// that the run came to it and asks the loader. Where the loader is given the process, or the VM in
/// it, that is what the method is called on.
macro_rules! decisions {
    (
        $(#[$about:meta])*
        pub trait $Trait:ident: $Decision:ident $fixed:tt
        impl $Same:ident for $Composed:ident $composed:tt
        $(
            $(#[$doc:meta])*
            $Name:ident: fn $method:ident($($argument:ident: $Type:ty),* $(,)?) -> $Answer:ty
                $default:block
        )*
    ) => {
        declare::decisions! {
            $(#[$about])*
            pub trait $Trait: $Decision $fixed
            impl $Same for $Composed $composed
            $(
                $(#[$doc])*
                $Name: fn $method($($argument: $Type),*) -> $Answer $default
            )*
        }

        /// What the VM decides, recorded.
        impl Vm {
            $(recorder! { $Name: fn $method($($argument: $Type),*) -> $Answer })*
        }
    };
}

macro_rules! recorder {
    ($Name:ident: fn $method:ident(process: $Process:ty $(, $argument:ident: $Type:ty)*)
        -> $Answer:ty) => {
        pub(super) fn $method(process: $Process $(, $argument: $Type)*) -> $Answer {
            let loader = process.vm().comes_to(Decision::$Name);
            loader.$method(process $(, $argument)*)
        }
    };
    ($Name:ident: fn $method:ident(vm: $Vm:ty $(, $argument:ident: $Type:ty)*) -> $Answer:ty) => {
        pub(super) fn $method(&self $(, $argument: $Type)*) -> $Answer {
            self.comes_to(Decision::$Name).$method(self $(, $argument)*)
        }
    };
    ($Name:ident: fn $method:ident($($argument:ident: $Type:ty),*) -> $Answer:ty) => {
        pub(super) fn $method(&self $(, $argument: $Type)*) -> $Answer {
            self.comes_to(Decision::$Name).$method($($argument),*)
        }
    };
}

/// A recorder of [`Vm`]: whether an entry point is made callable from R2R code before VM code hands
/// it out.
pub type Ensures = fn(&Vm) -> bool;

/// Decisions that a run came to.
#[derive(Debug, Default)]
pub(super) struct Decided(Cell<u64>);

impl Decided {
    fn bit(decision: Decision) -> u64 {
        const { assert!(Decision::ALL.len() <= 64, "`Decided` has a bit for each decision") };
        1 << decision as u32
    }
}

impl Vm {
    /// Who decides this; the run has come to it.
    fn comes_to(&self, decision: Decision) -> &'static dyn Loader {
        let decided = &self.decided.0;
        decided.set(decided.get() | Decided::bit(decision));
        self.loader
    }

    /// Whether the run came to this decision.
    pub fn has_decided(&self, decision: Decision) -> bool {
        self.decided.0.get() & Decided::bit(decision) != 0
    }
}

decisions! {
    /// A loader: the fixed one, or one with a defect put back.
    pub trait Loader: Decision {
        /// The name that `--loader` takes.
        fn id(&self) -> &'static str;

        /// What crossgen2 and the native build decide.
        fn compiler(&self) -> &'static dyn Compiler {
            &FixedCompiler
        }
    }

    impl Loader for ComposedLoader {
        fn id(&self) -> &'static str {
            self.id
        }

        fn compiler(&self) -> &'static dyn Compiler {
            self.compiler
        }
    }

    // Whether VM code that hands out an entry point, which R2R code will call with a typed
    // `call_indirect`, makes it callable first: the sites that #130841 lists.

    /// `GetMultiCallableAddrOfCode`: whether `ldftn` and eager cells make an entry point callable.
    EnsuresMultiCallableAddress: fn ensures_multi_callable_address() -> bool { true }

    /// Whether the tail of `ExternalMethodFixupWorker` makes the callee of a lazy cell callable.
    EnsuresLazyCall: fn ensures_lazy_call() -> bool { true }

    /// The same, for a slot.
    EnsuresVirtualCall: fn ensures_virtual_call() -> bool { true }

    /// Whether `CORINFO_HELP_VIRTUAL_FUNC_PTR` makes what it gives callable.
    EnsuresVirtualFunctionPointer: fn ensures_virtual_function_pointer() -> bool { true }

    /// Whether the constructor of delegates makes the target callable.
    EnsuresDelegate: fn ensures_delegate() -> bool { true }

    /// Whether `RunClassInitEx` makes the class constructor callable.
    EnsuresClassConstructor: fn ensures_class_constructor() -> bool { true }

    /// Whether `CallDefaultConstructor` makes the constructor callable.
    EnsuresDefaultConstructor: fn ensures_default_constructor() -> bool { true }

    /// Whether `RunMainInternal` makes the program's entry point callable.
    EnsuresEntryPoint: fn ensures_entry_point() -> bool { true }

    /// Whether `RunFinalizers` makes the Finalize slot callable.
    EnsuresFinalizer: fn ensures_finalizer() -> bool { true }

    /// What a `MethodEntry` fixup hands out for an `[UnmanagedCallersOnly]` method when the caller
    /// said that it may be one (`jitinterface.cpp` `LoadDynamicInfoEntry`, `method.cpp`
    /// `TryGetMultiCallableAddrOfCode`).
    ///
    /// The right answer, as #129857 proposes it: the method's own unmanaged table index, published
    /// apart from `_pActualCode`, whatever was touched first.
    UcoMethodEntry: fn uco_method_entry(
        process: &mut VmProcess<'_>,
        method: MethodId,
    ) -> Result<FunctionPointer, Trap> {
        entry::publish_unmanaged_entry(process, method).map(FunctionPointer::from)
    }

    /// The key that a thunk is looked up by (`GetSignatureKey`,
    /// `GetPortableEntryPointToInterpreterThunk`, `GetCookieForCalliSig`).
    Key: fn key(request: &KeyRequest<'_>) -> String { request.key() }

    /// Whether the pending list is replayed when an image brings thunks (#127483).
    ReplaysPending: fn replays_pending() -> bool { true }

    /// Whether `GetUnmanagedCallersOnlyThunk` prefers an R2R body to the reverse thunk (#129766).
    PrefersUnmanagedBody: fn prefers_unmanaged_body() -> bool { true }

    /// The reverse thunk that `g_ReverseThunks` has for a method.
    ReverseThunk: fn reverse_thunk(vm: &Vm, method: MethodId) -> Option<TableIndex> {
        vm.facts.runtime.reverse_thunks.get(&method).copied()
    }

    /// What an exported wrapper does when its method has an R2R body (#134355).
    DispatchesExports: fn dispatches_exports() -> ExportDispatch { ExportDispatch::Native }

    /// What reflection does before it runs a method; true if that was all (#129766, #129808).
    ReflectedCall: fn reflected_call(
        process: &mut VmProcess<'_>,
        target: PepAddress,
        arguments: &Arguments,
        ret: Address,
    ) -> Result<bool, Trap> {
        Ok(false)
    }

    /// Whether reflection's walk over the arguments leaves the return buffer out (#128275).
    ReflectionSkipsReturnBuffer: fn reflection_skips_return_buffer() -> bool { true }

    /// What the cell of a JIT helper holds: an entry point, which the JIT dereferences (#119217).
    JitHelperCell: fn jit_helper_cell(entry_point: PepAddress, helper: Helper) -> FunctionPointer {
        entry_point.into()
    }

    /// Whether the host patches `TableBase` into the payload's header before relocations are
    /// applied (#134312).
    PatchesTableBase: fn patches_table_base() -> bool { true }

    /// Whether the records of generic lookups get their helper (#129825).
    FillsGenericLookups: fn fills_generic_lookups() -> bool { true }

    /// Whether a resumption stub's function index is made a table index (#131167).
    RelocatesResumptionStubs: fn relocates_resumption_stubs() -> bool { true }

    /// Whether a P/Invoke's entry point leads to its marshalling stub, and not straight to the C
    /// function (#129850).
    MarshalsPInvokes: fn marshals_pinvokes() -> bool { true }

    /// Whether slots of boxed receivers hold unboxing stubs (#120153).
    Unboxes: fn unboxes() -> bool { true }

    /// Whether `ldftn` of shared generic code gives an instantiating stub (#120319).
    Instantiates: fn instantiates() -> bool { true }

    /// What `CORINFO_HELP_VIRTUAL_FUNC_PTR` gives for an entry point (#128234).
    VirtualFunctionPointer: fn virtual_function_pointer(
        process: &mut VmProcess<'_>,
        entry_point: PepAddress,
    ) -> Result<FunctionPointer, Trap> {
        Ok(entry_point.into())
    }

    /// What `_methodPtrAux` of an open virtual delegate is (#131886).
    OpenVirtualAux: fn open_virtual_aux(entry_point: PepAddress) -> FunctionPointer {
        entry_point.into()
    }

    /// What the interpreter takes for the entry point of an open virtual delegate's stub (#124221).
    OpenVirtualMethodPtr: fn open_virtual_method_ptr(
        process: &mut VmProcess<'_>,
        method_ptr: FunctionPointer,
    ) -> Result<FunctionPointer, Trap> {
        Ok(method_ptr)
    }

    /// Takes an open instance delegate's receiver out of the arguments: the first (#130840).
    OpenReceiver: fn open_receiver(arguments: &mut Arguments) -> ObjectAddress {
        ObjectAddress::new(arguments.take_first())
    }

    /// A last look at the arguments of an open virtual delegate's target (#126199).
    OpenVirtualCall: fn open_virtual_call(
        process: &mut VmProcess<'_>,
        target: PepAddress,
        arguments: &mut Arguments,
    ) -> Result<(), Trap> {
        Ok(())
    }

    /// Whether a delegate closed over a static method with a return buffer gets a thunk that swaps
    /// the two (#134108).
    SwapsReturnBuffer: fn swaps_return_buffer() -> bool { true }
}

/// Several loaders in one: each decision is taken by the one that was named for it, else by
/// [`Fixed`].
#[derive(Debug)]
pub struct ComposedLoader {
    id: &'static str,
    compiler: &'static dyn Compiler,
    deciders: [&'static dyn Loader; Decision::ALL.len()],
}

impl ComposedLoader {
    /// The fixed loader, under another id and with this compiler.
    pub fn new(id: &'static str, compiler: &'static dyn Compiler) -> Self {
        Self { id, compiler, deciders: [&Fixed; Decision::ALL.len()] }
    }

    /// This decision is taken by `decider` from now on.
    pub fn ask(&mut self, decision: Decision, decider: &'static dyn Loader) {
        self.deciders[decision as usize] = decider;
    }

    fn asked(&self, decision: Decision) -> &'static dyn Loader {
        self.deciders[decision as usize]
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
