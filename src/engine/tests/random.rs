//! Random straight-line programs: valid by construction, equal on all engines.

use std::sync::Arc;

use super::modules::validate;
use super::program::{BINARY, DOUBLE, ENTRY, FLOAT, LONG, MIXED, OUT, function, program, types};
use super::{HostWork, agree, call, engines, instantiate};
use crate::abi::ValType;
use crate::image::code::{Global, Op, TypeId};
use crate::image::{Function, HOST_SLOTS, Module, Program};
use crate::random::SplitMix;

const VALUE_TYPES: [ValType; 5] =
    [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// Writes one function body, knowing the types on the operand stack.
struct Body<'a> {
    random: &'a mut SplitMix,
    /// Parameters, then locals.
    locals: Vec<ValType>,
    stack: Vec<ValType>,
    code: Vec<Op>,
    /// Slots that a call may reach: those behind the function itself, so that every chain ends.
    callees: Vec<(u32, TypeId)>,
    calls_left: u32,
    in_runtime: bool,
}

impl Body<'_> {
    fn push(&mut self, op: Op, ty: ValType) {
        self.code.push(op);
        self.stack.push(ty);
    }

    /// Puts a value of this type on the stack.
    fn value(&mut self, ty: ValType) {
        let having: Vec<u32> =
            (0..).zip(&self.locals).filter(|(_, l)| **l == ty).map(|(i, _)| i).collect();
        if !having.is_empty() && self.random.below(2) == 0 {
            let local = self.random.pick(&having);
            return self.push(Op::LocalGet(local), ty);
        }
        match ty {
            ValType::I32 => self.word(),
            _ => {
                self.address();
                self.stack.pop();
                let offset = self.random.below(64);
                self.push(Op::Load(ty, offset), ty);
            }
        }
    }

    fn word(&mut self) {
        let globals = [
            Global::StackPointer,
            Global::MemoryBase,
            Global::TableBase,
            Global::AsyncContinuation,
        ];
        match self.random.below(4) {
            0 => {
                let global = self.random.pick(&globals);
                self.push(Op::GlobalGet(global), ValType::I32);
            }
            1 => {
                self.address();
                self.stack.pop();
                let offset = self.random.below(64);
                self.push(Op::LoadHalf(offset), ValType::I32);
            }
            _ => {
                let value = self.random.word() as i32;
                self.push(Op::I32Const(value), ValType::I32);
            }
        }
    }

    /// Nearly always an address that exists.
    fn address(&mut self) {
        let wild = self.random.below(200) == 0;
        let value = if wild { self.random.word() as i32 } else { self.random.below(0x1000) as i32 };
        self.push(Op::I32Const(value), ValType::I32);
    }

    /// Puts these on the stack and takes them off again, for an instruction that pops them.
    fn arguments(&mut self, types: &[ValType]) {
        for &ty in types {
            self.value(ty);
        }
        self.stack.truncate(self.stack.len() - types.len());
    }

    fn step(&mut self) {
        let ty = self.random.pick(&VALUE_TYPES);
        match self.random.below(14) {
            0..=2 => self.value(ty),
            3..=5 => {
                self.address();
                self.value(ty);
                self.stack.truncate(self.stack.len() - 2);
                let offset = self.random.below(64);
                self.code.push(Op::Store(ty, offset));
            }
            6 => {
                self.arguments(&[ValType::I32; 2]);
                let op = self.random.pick(&[Op::I32Add, Op::I32Sub]);
                self.push(op, ValType::I32);
            }
            7 => {
                self.arguments(&[ValType::I32; 3]);
                self.push(Op::Select, ValType::I32);
            }
            8 => self.set_local(),
            9 => self.bulk(),
            10 => {
                self.arguments(&[ValType::I32]);
                let mutable = [Global::StackPointer, Global::AsyncContinuation];
                let global = self.random.pick(&mutable);
                self.code.push(Op::GlobalSet(global));
            }
            11 if self.stack.pop().is_some() => self.code.push(Op::Drop),
            12 if self.in_runtime => self.ask_host(),
            _ => self.call(),
        }
    }

    fn set_local(&mut self) {
        let local = self.random.below(self.locals.len() as u32);
        let ty = self.locals[local as usize];
        self.value(ty);
        self.stack.pop();
        self.code.push(Op::LocalSet(local));
    }

    fn bulk(&mut self) {
        let copy = self.random.below(2) == 0;
        self.address();
        if copy {
            self.address();
        } else {
            self.value(ValType::I32);
        }
        let len = self.random.below(200) as i32;
        self.stack.truncate(self.stack.len() - 2);
        self.code.extend([Op::I32Const(len), if copy { Op::MemoryCopy } else { Op::MemoryFill }]);
    }

    fn ask_host(&mut self) {
        self.code.push(Op::I32Const(HostWork::Write as i32));
        self.arguments(&[ValType::I32]);
        self.address();
        self.stack.pop();
        self.code.extend([Op::I32Const(0), Op::I32Const(0)]);
        self.push(Op::CallHost, ValType::I32);
    }

    /// A call, nearly always with the type that the callee has.
    fn call(&mut self) {
        if self.callees.is_empty() || self.calls_left == 0 {
            return;
        }
        self.calls_left -= 1;
        let (slot, mut ty) = self.random.pick(&self.callees);
        if self.random.below(40) == 0 {
            ty = self.random.pick(&[ENTRY, BINARY, MIXED, LONG, FLOAT, DOUBLE]);
        }
        let ty_of = types()[ty].clone();
        self.arguments(&ty_of.params);
        self.code.extend([Op::I32Const(slot as i32), Op::CallIndirect(ty)]);
        self.stack.extend(ty_of.result);
    }

    /// Leaves exactly the result on the stack.
    fn finish(mut self, result: Option<ValType>) -> Vec<Op> {
        while self.stack.pop().is_some() {
            self.code.push(Op::Drop);
        }
        if let Some(ty) = result {
            self.value(ty);
        }
        self.code
    }
}

/// Functions whose slots begin at `base` and go up to `end`; `later` lie behind them.
fn functions(
    random: &mut SplitMix,
    base: u32,
    types_of: &[TypeId],
    later: &[(u32, TypeId)],
    in_runtime: bool,
) -> Vec<Function> {
    let mut functions = Vec::new();
    for (i, &ty) in types_of.iter().enumerate() {
        let func_type = types()[ty].clone();
        let locals: Vec<ValType> =
            (0..1 + random.below(4)).map(|_| random.pick(&VALUE_TYPES)).collect();
        let mut callees: Vec<(u32, TypeId)> = later.to_vec();
        callees.extend((base..).zip(types_of.iter().copied()).skip(i + 1));
        let mut body = Body {
            random,
            locals: func_type.params.iter().chain(&locals).copied().collect(),
            stack: Vec::new(),
            code: Vec::new(),
            callees,
            calls_left: 3,
            in_runtime,
        };
        for _ in 0..5 + body.random.below(40) {
            body.step();
        }
        let code = body.finish(func_type.result);
        functions.push(function(&format!("f{i}"), ty, &locals, code));
    }
    functions
}

/// A runtime of random functions and one image of them, loaded at the end of the table.
fn random_program(random: &mut SplitMix) -> Arc<Program> {
    let all = [ENTRY, BINARY, MIXED, LONG, FLOAT, DOUBLE];
    let pick = |random: &mut SplitMix| -> Vec<TypeId> {
        let mut picked = vec![ENTRY];
        picked.extend((0..4).map(|_| random.pick(&all)));
        picked
    };
    let (runtime_types, image_types) = (pick(random), pick(random));
    let image = functions(random, HOST_SLOTS, &image_types, &[], false);
    let in_image: Vec<(u32, TypeId)> = (HOST_SLOTS..).zip(image_types.iter().copied()).collect();
    let base = HOST_SLOTS - runtime_types.len() as u32;
    let runtime = functions(random, base, &runtime_types, &in_image, true);
    let payload = (0..random.below(300)).map(|_| random.word() as u8).collect();
    program(
        types(),
        runtime,
        vec![Module { name: "image".into(), functions: image.into(), payload }],
    )
}

#[test]
fn random_programs_agree() {
    let mut engines = engines();
    let mut returned = 0;
    for seed in 0..150 {
        let mut random = SplitMix(seed);
        let program = random_program(&mut random);
        validate(&program);
        let (base, memory_base) = (program.host_base().get(), random.below(0x1000));
        let slots = 5;
        let (log, _) = agree(&mut engines, &program, &|process, log| {
            process.table_grow(slots);
            log.push(instantiate(process, 0, memory_base, HOST_SLOTS));
            for index in [base, HOST_SLOTS, base + 1, HOST_SLOTS + 1] {
                log.push(call(process, index, [OUT, 3, 0xdead_beef]));
                log.push(Ok(process.stack_pointer()));
            }
        });
        returned += log.iter().step_by(2).filter(|entry| entry.is_ok()).count();
    }
    assert!(returned > 200, "only {returned} calls returned");
}
