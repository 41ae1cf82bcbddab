//! Signatures that collide: the same wasm type with another meaning, the same
//! key with another layout.

use super::super::{
    Convention, Layout, Method, MethodId, Signature, Struct, StructId, StructShape, Type,
};
use super::layout::Builder;
use super::weights::{self, Kinship, Pattern};

impl Builder<'_, '_, '_> {
    /// A static signature without hidden arguments, of a method that will be
    /// entered this way; often one that has to do with an earlier method's.
    pub(super) fn signature(&mut self, convention: Convention) -> Signature {
        if self.layout.methods.is_empty() {
            return self.fresh();
        }
        let kin = self.dice.id_of(&self.layout.methods);
        match self.dice.weighted(&weights::KINSHIP) {
            Kinship::Fresh => self.fresh(),
            Kinship::Same => plain(&self.layout.methods[kin].signature),
            Kinship::Padded => padded(&self.layout.methods[kin], convention),
            Kinship::Respelled => self.respelled(kin),
        }
    }

    pub(super) fn fresh(&mut self) -> Signature {
        let pattern = self.dice.weighted(&weights::PATTERN);
        let params = self.params(pattern);
        let ret = self.result(pattern);
        Signature { ret, params, ..Signature::default() }
    }

    fn params(&mut self, pattern: Pattern) -> Vec<Type> {
        let count = self.dice.weighted(&weights::PARAMS);
        let mut params = Vec::with_capacity(count + 2);
        match pattern {
            Pattern::Any => {}
            Pattern::Words => {
                params.resize(count, Type::I32);
                return params;
            }
            Pattern::Closable => params.push(Type::Object),
            Pattern::Odd => {
                params.resize(1 + count.min(4) / 2 * 2, Type::I32);
                params.push(self.wide());
                return params;
            }
            Pattern::Vectors => {
                for _ in 0..2 + count % 3 {
                    params.push(self.dice.weighted(&weights::VECTOR));
                }
                return params;
            }
            Pattern::Struct => {
                params.resize(count % 4, Type::I32);
                params.push(self.any_struct().unwrap_or(Type::Int128));
                return params;
            }
        }
        for _ in 0..count {
            params.push(self.any_type());
        }
        params
    }

    fn result(&mut self, pattern: Pattern) -> Option<Type> {
        match pattern {
            Pattern::Words => self.dice.percent(weights::RESULT).then_some(Type::I32),
            Pattern::Closable if self.dice.percent(weights::CLOSABLE_BUFFER) => {
                let buffered = self.dice.weighted(&weights::BUFFERED);
                Some(self.any_struct().unwrap_or(buffered))
            }
            _ => self.dice.percent(weights::RESULT).then(|| self.any_type()),
        }
    }

    fn any_type(&mut self) -> Type {
        let primitive = self.dice.weighted(&weights::PRIMITIVE);
        match self.dice.percent(weights::STRUCT_TYPE) {
            true => self.any_struct().unwrap_or(primitive),
            false => primitive,
        }
    }

    /// A type that is aligned to two slots.
    fn wide(&mut self) -> Type {
        let over_aligned = |ty: &Type| self.layout.size_align(*ty).1 > 8;
        let mut structs = self.layout.structs.ids().map(Type::Struct);
        let found = structs.rfind(over_aligned);
        match found.filter(|_| self.dice.percent(50)) {
            Some(ty) => ty,
            None => self.dice.weighted(&weights::WIDE),
        }
    }

    /// The signature with its types replaced by ones that look alike to wasm.
    fn respelled(&mut self, kin: MethodId) -> Signature {
        let mut signature = plain(&self.layout.methods[kin].signature);
        for ty in signature.params.iter_mut().chain(&mut signature.ret) {
            *ty = self.lookalike(*ty);
        }
        signature
    }

    fn lookalike(&mut self, ty: Type) -> Type {
        const WORDS: [Type; 10] = [
            Type::I32,
            Type::U32,
            Type::NInt,
            Type::NUInt,
            Type::Pointer,
            Type::Object,
            Type::Bool,
            Type::Char,
            Type::I8,
            Type::U16,
        ];
        match ty {
            Type::I64 => Type::U64,
            Type::U64 => Type::I64,
            Type::F32
            | Type::F64
            | Type::Int128
            | Type::Vector128
            | Type::Vector256
            | Type::Vector512 => wrapper_of(&self.layout, ty),
            Type::Struct(id) => match self.layout.structs[id].shape {
                StructShape::Wraps(inner) => inner,
                StructShape::Opaque { .. } | StructShape::Empty => self.struct_like(id),
            },
            _ => self.dice.one_of(&WORDS).unwrap_or(Type::I32),
        }
    }

    /// Another struct of the same size if there is one, else any.
    fn struct_like(&mut self, id: StructId) -> Type {
        let size = self.layout.size_align(Type::Struct(id)).0;
        let mut others = self.layout.structs.ids();
        let twin = others
            .find(|&other| other != id && self.layout.size_align(Type::Struct(other)).0 == size);
        match twin {
            Some(twin) => Type::Struct(twin),
            None => self.any_struct().unwrap_or(Type::Struct(id)),
        }
    }
}

/// The signature without `this` and hidden arguments.
fn plain(signature: &Signature) -> Signature {
    let Signature { ret, params, .. } = signature;
    Signature { ret: *ret, params: params.clone(), ..Signature::default() }
}

/// The signature that, under the other convention, lowers to the wasm type of
/// `kin`: managed code passes the stack pointer first and the portable entry
/// point last, both `i32`. Under the same convention, what is hidden becomes an `int`.
fn padded(kin: &Method, convention: Convention) -> Signature {
    let Signature { instance, context, continuation, ret, params } = &kin.signature;
    let hidden = usize::from(*instance) + usize::from(*context) + usize::from(*continuation);
    let static_params = std::iter::repeat_n(Type::I32, hidden).chain(params.iter().copied());
    let managed = |convention| convention == Convention::Managed;
    let params = match (managed(kin.convention), managed(convention)) {
        (true, false) => [Type::I32].into_iter().chain(static_params).chain([Type::I32]).collect(),
        (false, true) => match params.as_slice() {
            [Type::I32, inner @ .., Type::I32] => inner.to_vec(),
            _ => params.clone(),
        },
        _ => static_params.collect(),
    };
    Signature { ret: *ret, params, ..Signature::default() }
}

/// A struct that wraps the type, or the type itself.
fn wrapper_of(layout: &Layout, ty: Type) -> Type {
    let wraps = |s: &Struct| s.shape == StructShape::Wraps(ty);
    layout.structs.position(wraps).map_or(ty, Type::Struct)
}
