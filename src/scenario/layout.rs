//! The part of a scenario that decides what modules are emitted.
//!
//! Everything here is fixed before the program starts; compiled modules are
//! cached by it. What happens in which order is the [script](super::script).

#![expect(clippy::too_many_arguments, reason = "constructors of derived mutators")]

use mutatis::Mutate;
use serde::{Deserialize, Serialize};

use super::types::{Signature, StructShape, Type};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize,
            Deserialize, Mutate,
        )]
        pub struct $name(pub u16);

        impl $name {
            /// The position in the scenario's list, for indexing.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    };
}

id! {
    /// Position of an assembly in [`Layout::assemblies`].
    AssemblyId
}
id! {
    /// Position of a value type in [`Layout::structs`].
    StructId
}
id! {
    /// Position of a class in [`Layout::classes`].
    ClassId
}
id! {
    /// Position of a method in [`Layout::methods`].
    MethodId
}
id! {
    /// Position of a call site in [`Layout::sites`].
    SiteId
}

/// Assemblies, types, methods and call sites: everything that modules are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Each becomes one R2R module with its own table slice.
    pub assemblies: Vec<Assembly>,
    /// Value types; a wrapper may only wrap a struct declared before it.
    pub structs: Vec<Struct>,
    /// Types that methods are dispatched on. Each has one instance, an
    /// [object](super::meaning::object_address) that exists once its assembly is loaded.
    pub classes: Vec<Class>,
    /// Methods, of all assemblies.
    pub methods: Vec<Method>,
    /// Call sites, of all assemblies and of native code.
    pub sites: Vec<Site>,
}

/// One assembly, compiled to one R2R image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Assembly {
    /// Simple name.
    #[mutatis(ignore)]
    pub name: String,
}

/// A value type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Struct {
    /// C# name.
    #[mutatis(ignore)]
    pub name: String,
    /// Size and alignment, or the single field.
    pub shape: StructShape,
}

/// A type that methods are dispatched on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Class {
    /// C# name.
    #[mutatis(ignore)]
    pub name: String,
    /// The assembly that defines it.
    pub assembly: AssemblyId,
    /// The class that it extends, one declared before it; `None` is `System.Object`.
    pub base: Option<ClassId>,
    /// What it is.
    pub kind: ClassKind,
}

/// What a [`Class`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum ClassKind {
    /// A reference type.
    Class,
    /// An interface: has no instance; classes override its methods.
    Interface,
    /// A value type. Its instance is boxed, so that dispatch on it goes
    /// through unboxing stubs.
    Struct,
}

/// A method that call sites can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Method {
    /// The scenario's name for it, unique; the C# name unless [`symbol`](Self::symbol) says otherwise.
    #[mutatis(ignore)]
    pub name: String,
    /// The assembly that defines it.
    pub assembly: AssemblyId,
    /// The class that it is a method of. Its receivers are instances of that.
    pub class: Option<ClassId>,
    /// How calls find its code.
    pub slot: Slot,
    /// How it is entered.
    pub convention: Convention,
    /// Which code exists for it.
    pub code: Code,
    /// What is special about it.
    pub form: Form,
    /// For a UCO method: whether the generator compiled a C reverse thunk for
    /// it (`callhelpers-reverse.cpp`). An interpreted UCO method needs one.
    pub reverse_thunk: bool,
    /// Parameters and result.
    pub signature: Signature,
    /// `Namespace.Type+Nested.Method`, where metadata names it otherwise than
    /// `Program.<name>`: what reverse-thunk keys are made of (`helpers.cpp`, `g_ReverseThunks`).
    #[mutatis(ignore)]
    pub symbol: Option<String>,
}

/// How calls find a method's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Slot {
    /// It is called as itself.
    #[default]
    None,
    /// It is virtual, and the first in its slot.
    Virtual,
    /// It overrides this method, of a base class or an interface.
    Overrides(MethodId),
}

/// What is special about a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Form {
    /// Nothing.
    #[default]
    Ordinary,
    /// A constructor of `System.String`: declared `instance void .ctor(args)`, but
    /// really `static string Ctor(args)`, which is the signature that it has here.
    StringConstructor,
    /// A `DynamicMethod`: its MethodDesc and entry point are used again for another one.
    Dynamic,
}

/// How a method is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Convention {
    /// The managed convention: `(sp, [this], [retbuf], [context], [continuation], args..., pep)`.
    #[default]
    Managed,
    /// `[UnmanagedCallersOnly]`: `([retbuf], args...)`.
    UnmanagedCallersOnly,
    /// A P/Invoke: its target is a C function, `([retbuf], args...)`; managed
    /// callers reach that through a marshalling stub.
    PInvoke,
}

/// Which code a method has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Code {
    /// Only a body in the R2R image; its interpreter byte code stays NULL.
    #[default]
    ReadyToRun,
    /// No body in the image: only interpreter byte code.
    Interpreted,
    /// A body in the image, and interpreter byte code once prepared.
    Both,
    /// A body in the image that is rejected when it is published, as one of its
    /// fixups fails: byte code is all that is left.
    Rejected,
    /// C++ code of the runtime: an FCall, or a P/Invoke's target.
    Native,
}

impl Code {
    /// The image holds a compiled body.
    pub fn has_r2r_body(self) -> bool {
        matches!(self, Code::ReadyToRun | Code::Both | Code::Rejected)
    }

    /// The interpreter can run it.
    pub fn has_byte_code(self) -> bool {
        matches!(self, Code::Interpreted | Code::Both | Code::Rejected)
    }
}

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

/// What a call site does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Action {
    /// A managed call of a known method, through an import cell.
    Direct {
        /// The callee.
        callee: MethodId,
        /// When the import cell is resolved.
        binding: Binding,
    },
    /// A call through the receiver's virtual or interface slot.
    Virtual {
        /// The first method of the slot.
        method: MethodId,
        /// How compiled code finds the receiver's code.
        dispatch: Dispatch,
    },
    /// `delegate*<...>`: the value is a portable entry point's address.
    ManagedCalli(Signature),
    /// `delegate* unmanaged<...>`, or a C function pointer when the caller is
    /// native: the value is a table index.
    UnmanagedCalli(Signature),
    /// A delegate's `Invoke`, with this static signature: the value is the delegate.
    Invoke(Signature),
    /// An inlined P/Invoke.
    PInvoke {
        /// The P/Invoke.
        callee: MethodId,
        /// `[SuppressGCTransition]`: no transition frame.
        suppress_gc_transition: bool,
    },
    /// `ldftn`: takes the method's address for later.
    Ldftn(MethodId),
    /// `ldvirtftn`: takes the address of the receiver's override for later.
    Ldvirtftn(MethodId),
    /// `newobj` of a delegate, for later.
    NewDelegate {
        /// What it calls.
        method: MethodId,
        /// Whether it is bound to its first argument.
        closed: bool,
    },
    /// The runtime itself runs the method.
    Runtime {
        /// Why.
        path: RuntimePath,
        /// What it runs.
        callee: MethodId,
    },
}

impl Action {
    /// It gives a pointer or a delegate, and calls nothing.
    pub fn takes(&self) -> bool {
        matches!(self, Action::Ldftn(_) | Action::Ldvirtftn(_) | Action::NewDelegate { .. })
    }
}

/// How compiled code finds a receiver's code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Mutate,
)]
pub enum Dispatch {
    /// Each call goes through the import thunk, which asks the VM. Interfaces always do.
    ImportThunk,
    /// A thunk of the image's reads the slot from the receiver's MethodTable (#133146).
    VirtualThunk,
}

/// Why the runtime runs a method by itself.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Mutate,
)]
pub enum RuntimePath {
    /// `MethodBase.Invoke`.
    Reflection,
    /// A class constructor (`RunClassInitEx`).
    ClassConstructor,
    /// A default constructor (`CallDefaultConstructor`).
    DefaultConstructor,
    /// The program's entry point (`RunMainInternal`).
    EntryPoint,
    /// The finalizer of the receiver's class (`RunFinalizers`).
    Finalizer,
    /// C code calls the exported wrapper of a UCO method by name.
    Export,
    /// A suspended runtime-async method goes on, through its resumption stub.
    Resume,
}

impl RuntimePath {
    /// All of them, with the word that the text form has for each.
    pub const ALL: [(RuntimePath, &'static str); 7] = [
        (RuntimePath::Reflection, "reflection"),
        (RuntimePath::ClassConstructor, "class-constructor"),
        (RuntimePath::DefaultConstructor, "default-constructor"),
        (RuntimePath::EntryPoint, "entry-point"),
        (RuntimePath::Finalizer, "finalizer"),
        (RuntimePath::Export, "export"),
        (RuntimePath::Resume, "resume"),
    ];

    /// The word that the text form has for it.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// When an import cell gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Binding {
    /// At the first call, through the import thunk.
    Lazy,
    /// When the method that holds the site is prepared.
    Eager,
}

impl Layout {
    /// The method with this id.
    pub fn method(&self, id: MethodId) -> &Method {
        &self.methods[id.index()]
    }

    /// The call site with this id.
    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id.index()]
    }

    /// The class with this id.
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.index()]
    }

    /// A class and what it extends, most derived first.
    pub fn ancestry(&self, class: ClassId) -> impl Iterator<Item = ClassId> {
        std::iter::successors(Some(class), |&id| self.class(id).base)
    }

    /// What a managed function pointer to the method is called with: an
    /// instantiating stub supplies a context argument.
    pub fn pointer_signature(&self, method: MethodId) -> Signature {
        self.method(method).signature.without_context()
    }

    /// The signature of a delegate type over the method, as its `Invoke` has it.
    pub fn invoke_signature(&self, method: MethodId, closed: bool) -> Signature {
        let Signature { instance, ret, params, continuation, .. } = &self.method(method).signature;
        let params = match (instance, closed) {
            (true, true) | (false, false) => params.clone(),
            (true, false) => std::iter::once(Type::Object).chain(params.iter().copied()).collect(),
            (false, true) => params.get(1..).unwrap_or_default().to_vec(),
        };
        let (ret, continuation) = (*ret, *continuation);
        Signature { ret, params, continuation, ..Signature::default() }
    }

    /// Methods that `assembly` defines, in order.
    pub fn methods_of(&self, assembly: AssemblyId) -> impl Iterator<Item = (MethodId, &Method)> {
        (0u16..).map(MethodId).zip(&self.methods).filter(move |(_, m)| m.assembly == assembly)
    }

    /// Sites whose code stands in `assembly`'s R2R image, in order.
    pub fn compiled_sites_of(&self, assembly: AssemblyId) -> impl Iterator<Item = (SiteId, &Site)> {
        (0u16..)
            .map(SiteId)
            .zip(&self.sites)
            .filter(move |(_, s)| s.caller == Caller::ReadyToRun(assembly))
    }

    /// Size and alignment in memory, in bytes, as the C# type has them.
    pub fn size_align(&self, ty: Type) -> (u32, u32) {
        match ty {
            Type::Bool | Type::I8 | Type::U8 => (1, 1),
            Type::Char | Type::I16 | Type::U16 => (2, 2),
            Type::I32
            | Type::U32
            | Type::NInt
            | Type::NUInt
            | Type::Pointer
            | Type::Object
            | Type::F32 => (4, 4),
            Type::I64 | Type::U64 | Type::F64 => (8, 8),
            Type::Int128 | Type::Vector128 => (16, 16),
            // Aligned as the largest wasm type is.
            Type::Vector256 => (32, 16),
            Type::Vector512 => (64, 16),
            Type::Struct(id) => match self.structs[id.index()].shape {
                StructShape::Opaque { size, align } => (size, align),
                StructShape::Wraps(inner) => self.size_align(inner),
                StructShape::Empty => (1, 1),
            },
        }
    }
}
