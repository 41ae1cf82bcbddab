//! The part of a scenario that decides what modules are emitted.
//!
//! Everything here is fixed before the program starts; compiled modules are
//! cached by it. What happens in which order is the [script](super::script).

use mutatis::Mutate;
use serde::{Deserialize, Serialize};

use super::method::Method;
use super::site::{Caller, Site};
use super::types::{Signature, StructShape, Type};
use crate::index::{IndexVec, ids};

ids! {
    /// Position of an assembly in [`Layout::assemblies`].
    #[derive(Default, Serialize, Deserialize, Mutate)]
    pub struct AssemblyId(u16);

    /// Position of a value type in [`Layout::structs`].
    #[derive(Default, Serialize, Deserialize, Mutate)]
    pub struct StructId(u16);

    /// Position of a class in [`Layout::classes`].
    #[derive(Default, Serialize, Deserialize, Mutate)]
    pub struct ClassId(u16);

    /// Position of a method in [`Layout::methods`].
    #[derive(Default, Serialize, Deserialize, Mutate)]
    pub struct MethodId(u16);

    /// Position of a call site in [`Layout::sites`].
    #[derive(Default, Serialize, Deserialize, Mutate)]
    pub struct SiteId(u16);
}

/// Assemblies, types, methods and call sites: everything that modules are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Each becomes one R2R module with its own table slice.
    pub assemblies: IndexVec<AssemblyId, Assembly>,
    /// Value types; a wrapper may only wrap a struct declared before it.
    pub structs: IndexVec<StructId, Struct>,
    /// Types that methods are dispatched on. Each has one instance, an
    /// [object](super::meaning::object_address) that exists once its assembly is loaded.
    pub classes: IndexVec<ClassId, ObjectClass>,
    /// Methods, of all assemblies.
    pub methods: IndexVec<MethodId, Method>,
    /// Call sites, of all assemblies and of native code.
    pub sites: IndexVec<SiteId, Site>,
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
pub struct ObjectClass {
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

/// What an [`ObjectClass`] is.
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

impl Layout {
    /// The method with this id.
    pub fn method(&self, id: MethodId) -> &Method {
        &self.methods[id]
    }

    /// The call site with this id.
    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id]
    }

    /// The signature whose parameters a call there gives. The site must be one that calls, as in
    /// each call of a valid scenario.
    pub fn call_signature(&self, site: SiteId) -> &Signature {
        self.site(site).signature(self).expect("a call is of a site that calls")
    }

    /// The class with this id.
    pub fn class(&self, id: ClassId) -> &ObjectClass {
        &self.classes[id]
    }

    /// The method is one of a value type: its receivers, as objects, are boxes.
    pub fn is_boxed(&self, method: MethodId) -> bool {
        let class = self.method(method).class;
        class.is_some_and(|class| self.class(class).kind == ClassKind::Struct)
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
        self.methods.enumerated().filter(move |(_, m)| m.assembly == assembly)
    }

    /// Sites whose code stands in `assembly`'s R2R image, in order.
    pub fn compiled_sites_of(&self, assembly: AssemblyId) -> impl Iterator<Item = (SiteId, &Site)> {
        self.sites.enumerated().filter(move |(_, s)| s.caller == Caller::ReadyToRun(assembly))
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
            Type::Struct(id) => match self.structs[id].shape {
                StructShape::Opaque { size, align } => (size, align),
                StructShape::Wraps(inner) => self.size_align(inner),
                StructShape::Empty => (1, 1),
            },
        }
    }
}
