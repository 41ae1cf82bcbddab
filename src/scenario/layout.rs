//! The part of a scenario that decides what modules are emitted.
//!
//! Everything here is fixed before the program starts; compiled modules are
//! cached by it. What happens in which order is the [script](super::script).

use mutatis::Mutate;
use serde::{Deserialize, Serialize};

use super::types::{Signature, StructShape, Type};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Hash,
            PartialOrd,
            Ord,
            Serialize,
            Deserialize,
            Mutate,
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

/// A method that call sites can reach.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub struct Method {
    /// C# name, unique in the scenario.
    #[mutatis(ignore)]
    pub name: String,
    /// The assembly that defines it.
    pub assembly: AssemblyId,
    /// Managed, or `[UnmanagedCallersOnly]`.
    pub convention: Convention,
    /// Which code exists for it.
    pub code: Code,
    /// For a UCO method: whether the generator compiled a C reverse thunk for
    /// it (facts section 4.4). An interpreted UCO method needs one.
    pub reverse_thunk: bool,
    /// Parameters and result.
    pub signature: Signature,
}

/// How a method is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Convention {
    /// The managed convention: `(sp, [this], [retbuf], args..., pep)`.
    Managed,
    /// `[UnmanagedCallersOnly]`: `([retbuf], args...)`.
    UnmanagedCallersOnly,
}

/// Which code a method has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Mutate)]
pub enum Code {
    /// Only a body in the R2R image; its interpreter byte code stays NULL.
    ReadyToRun,
    /// No body in the image: only interpreter byte code.
    Interpreted,
    /// A body in the image, and interpreter byte code once prepared.
    Both,
}

impl Code {
    /// The image holds a compiled body.
    pub fn has_r2r_body(self) -> bool {
        self != Code::Interpreted
    }

    /// The interpreter can run it.
    pub fn has_byte_code(self) -> bool {
        self != Code::ReadyToRun
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
    /// `delegate*<...>`: the value is a portable entry point's address.
    ManagedCalli(Signature),
    /// `delegate* unmanaged<...>`, or a C function pointer when the caller is
    /// native: the value is a table index.
    UnmanagedCalli(Signature),
    /// `ldftn`: takes the method's address for later.
    Ldftn(MethodId),
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
            Type::Struct(id) => match self.structs[id.index()].shape {
                StructShape::Opaque { size, align } => (size, align),
                StructShape::Wraps(inner) => self.size_align(inner),
            },
        }
    }
}
