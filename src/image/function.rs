//! A small assembler for straight-line functions.

use std::collections::HashMap;

use super::Function;
use super::code::{Global, Op, TypeId};
use super::words::Rva;
use crate::abi::{FuncType, ValType};
use crate::index::IndexVec;

/// Function types, each once.
#[derive(Debug, Default)]
pub struct Types {
    list: IndexVec<TypeId, FuncType>,
    ids: HashMap<FuncType, TypeId>,
}

impl Types {
    /// The id of a type, new or known.
    pub fn intern(&mut self, ty: FuncType) -> TypeId {
        if let Some(&id) = self.ids.get(&ty) {
            return id;
        }
        let id = self.list.push(ty.clone());
        self.ids.insert(ty, id);
        id
    }

    /// The list that ids index.
    pub fn into_list(self) -> IndexVec<TypeId, FuncType> {
        self.list
    }
}

/// Writes one function, front to back.
#[derive(Debug)]
pub struct Assembler {
    name: String,
    ty: TypeId,
    params: u32,
    locals: Vec<ValType>,
    code: Vec<Op>,
}

impl Assembler {
    /// A function of type `ty`.
    pub fn new(types: &mut Types, name: impl Into<String>, ty: FuncType) -> Self {
        let params = ty.params.len() as u32;
        Self {
            name: name.into(),
            ty: types.intern(ty),
            params,
            locals: Vec::new(),
            code: Vec::new(),
        }
    }

    /// A new `i32` local.
    pub fn local(&mut self) -> u32 {
        self.locals.push(ValType::I32);
        self.params + self.locals.len() as u32 - 1
    }

    /// Appends one instruction.
    pub fn op(&mut self, op: Op) -> &mut Self {
        self.code.push(op);
        self
    }

    /// Pushes a local.
    pub fn get(&mut self, local: u32) -> &mut Self {
        self.op(Op::LocalGet(local))
    }

    /// Pops into a local.
    pub fn set(&mut self, local: u32) -> &mut Self {
        self.op(Op::LocalSet(local))
    }

    /// Pushes `local + offset`.
    pub fn address(&mut self, local: u32, offset: u32) -> &mut Self {
        self.get(local);
        if offset != 0 {
            self.constant(offset).op(Op::I32Add);
        }
        self
    }

    /// Pushes a constant.
    pub fn constant(&mut self, value: u32) -> &mut Self {
        self.op(Op::I32Const(value as i32))
    }

    /// Loads from `local + offset`.
    pub fn load(&mut self, ty: ValType, local: u32, offset: u32) -> &mut Self {
        self.get(local).op(Op::Load(ty, offset))
    }

    /// Pops an address and stores a constant word there.
    pub fn store_constant(&mut self, local: u32, offset: u32, value: u32) -> &mut Self {
        self.get(local).constant(value).op(Op::Store(ValType::I32, offset))
    }

    /// Stores `source` at `local + offset`.
    pub fn store_local(&mut self, ty: ValType, local: u32, offset: u32, source: u32) -> &mut Self {
        self.get(local).get(source).op(Op::Store(ty, offset))
    }

    /// Sets `frame` to `stack - size`, both shadow stack pointers.
    pub fn enter_frame(&mut self, stack: u32, frame: u32, size: u32) -> &mut Self {
        self.get(stack).constant(size).op(Op::I32Sub).set(frame)
    }

    /// Pushes the word of an image's memory at `rva`: `i32.load (imageBase + rva)`.
    pub fn load_image_word(&mut self, rva: Rva) -> &mut Self {
        self.op(Op::GlobalGet(Global::MemoryBase)).op(Op::Load(ValType::I32, rva.get()))
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        Function { name: self.name, ty: self.ty, locals: self.locals, code: self.code }
    }
}
