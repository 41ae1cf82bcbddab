//! crossgen2's side: `WasmLowering.cs` (`GetSignature`, `LowerType`, `RaiseSignature`).
//!
//! A signature is first turned into [`Token`]s, the letters of a thunk key. Types and
//! thunk argument layouts are made from the tokens alone, as upstream makes a
//! thunk from its key alone: what a key does not say, a thunk cannot know.

use std::fmt;

use super::{FuncType, Shape, ValType};
use crate::scenario::{Layout, Signature, StructShape, Type};

/// One letter (with its count or size) of a signature key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// `i`: i32.
    I,
    /// `l`: i64.
    L,
    /// `f`: f32.
    F,
    /// `d`: f64.
    D,
    /// `V`: v128.
    V,
    /// `V2`, `V4`: a Vector256 or Vector512 parameter, this many v128 by value.
    Vectors(u32),
    /// `l2`: an Int128 parameter, two i64 by value.
    L2,
    /// `a`: the continuation argument of a runtime-async method.
    Continuation,
    /// `S<N>`: a struct of N bytes, by reference.
    S(u32),
    /// `A<N>`: the same, aligned to more than 8 (#132248).
    A(u32),
}

impl Token {
    /// The wasm parameters it lowers to.
    fn lower(self) -> &'static [ValType] {
        match self {
            Token::I | Token::Continuation | Token::S(_) | Token::A(_) => &[ValType::I32],
            Token::L => &[ValType::I64],
            Token::F => &[ValType::F32],
            Token::D => &[ValType::F64],
            Token::V => &[ValType::V128],
            Token::Vectors(2) => &[ValType::V128; 2],
            Token::Vectors(_) => &[ValType::V128; 4],
            Token::L2 => &[ValType::I64, ValType::I64],
        }
    }

    /// Bytes and alignment in the argument area behind a TransitionBlock,
    /// where every argument starts on an 8-byte slot.
    pub fn slot(self) -> (u32, u32) {
        match self {
            Token::I | Token::Continuation | Token::L | Token::F | Token::D => (8, 8),
            Token::V | Token::L2 => (16, 16),
            Token::Vectors(n) => (16 * n, 16),
            Token::S(n) => (n.next_multiple_of(8), 8),
            Token::A(n) => (n.next_multiple_of(16), 16),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::I => f.write_str("i"),
            Token::L => f.write_str("l"),
            Token::F => f.write_str("f"),
            Token::D => f.write_str("d"),
            Token::V => f.write_str("V"),
            Token::Vectors(n) => write!(f, "V{n}"),
            Token::Continuation => f.write_str("a"),
            Token::L2 => f.write_str("l2"),
            Token::S(n) => write!(f, "S{n}"),
            Token::A(n) => write!(f, "A{n}"),
        }
    }
}

/// A signature as a key spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lowered {
    /// Managed or unmanaged: the trailing `p`.
    pub shape: Shape,
    /// `None` is `v`. A struct result (`S<N>`) implies a return buffer.
    pub ret: Option<Token>,
    /// `T`.
    pub this: bool,
    /// The hidden context and continuation, then the parameters in order. A key
    /// spells the context as a plain `i`: nothing tells it from a parameter.
    pub params: Vec<Token>,
}

/// `WasmLowering.GetSignature`.
pub fn lower(layout: &Layout, signature: &Signature, shape: Shape) -> Lowered {
    let context = signature.context.then_some(Token::I);
    let continuation = signature.continuation.then_some(Token::Continuation);
    let params = signature.params.iter().map(|&ty| param_token(layout, ty));
    Lowered {
        shape,
        ret: signature.ret.map(|ty| return_token(layout, ty)),
        this: signature.instance,
        params: context.into_iter().chain(continuation).chain(params).collect(),
    }
}

/// `WasmLowering.LowerType`: a struct whose one field fills it is that field.
fn param_token(layout: &Layout, ty: Type) -> Token {
    match ty {
        Type::I64 | Type::U64 => Token::L,
        Type::F32 => Token::F,
        Type::F64 => Token::D,
        Type::Int128 => Token::L2,
        Type::Vector128 => Token::V,
        Type::Vector256 => Token::Vectors(2),
        Type::Vector512 => Token::Vectors(4),
        Type::Struct(id) => match layout.structs[id].shape {
            StructShape::Wraps(inner) => param_token(layout, inner),
            StructShape::Opaque { size, align } if align > 8 => Token::A(size),
            StructShape::Opaque { size, .. } => Token::S(size),
            StructShape::Empty => Token::S(1),
        },
        _ => Token::I,
    }
}

/// A result is as a parameter, but for what has no single wasm value: that goes
/// through a return buffer and is spelled `S<N>`, over-aligned or not.
fn return_token(layout: &Layout, ty: Type) -> Token {
    match param_token(layout, ty) {
        Token::L2 => Token::S(16),
        Token::Vectors(n) => Token::S(16 * n),
        Token::A(n) => Token::S(n),
        other => other,
    }
}

impl Lowered {
    /// The result goes through a hidden return buffer.
    pub fn has_return_buffer(&self) -> bool {
        matches!(self.ret, Some(Token::S(_) | Token::A(_)))
    }

    /// The wasm type of a body or thunk with this signature.
    pub fn func_type(&self) -> FuncType {
        let managed = self.shape == Shape::Managed;
        let mut params = Vec::with_capacity(self.params.len() + 4);
        if managed {
            params.push(ValType::I32);
            if self.this {
                params.push(ValType::I32);
            }
        }
        if self.has_return_buffer() {
            params.push(ValType::I32);
        }
        for token in &self.params {
            params.extend_from_slice(token.lower());
        }
        if managed {
            params.push(ValType::I32);
        }
        let result = match self.ret {
            Some(token) if !self.has_return_buffer() => Some(token.lower()[0]),
            _ => None,
        };
        FuncType { params, result }
    }

    /// `this`, then each parameter: its offset in the argument area behind a
    /// TransitionBlock, and the size of the whole area, which is 16-aligned.
    pub fn argument_slots(&self) -> (Vec<u32>, u32) {
        self.argument_slots_by(|token| token.slot().1)
    }

    /// The same with alignments of one's own.
    pub fn argument_slots_by(&self, align: impl Fn(Token) -> u32) -> (Vec<u32>, u32) {
        let mut offsets = Vec::with_capacity(self.params.len() + 1);
        let mut at = 0u32;
        if self.this {
            offsets.push(0);
            at = 8;
        }
        for &token in &self.params {
            let (size, _) = token.slot();
            at = at.next_multiple_of(align(token));
            offsets.push(at);
            at += size;
        }
        (offsets, at.next_multiple_of(16))
    }
}

impl fmt::Display for Lowered {
    /// The key, without a lookup prefix: `<ret>[T]<params...>[p]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ret {
            Some(token) => write!(f, "{token}")?,
            None => f.write_str("v")?,
        }
        if self.this {
            f.write_str("T")?;
        }
        for token in &self.params {
            write!(f, "{token}")?;
        }
        if self.shape == Shape::Managed {
            f.write_str("p")?;
        }
        Ok(())
    }
}

/// A key that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signature key: `{key}` at character {at}")]
pub struct BadKey {
    /// The whole key.
    pub key: String,
    /// Characters before the one that does not fit.
    pub at: usize,
}

/// `WasmLowering.RaiseSignature`: reads a key back, without lookup prefix.
///
/// # Errors
/// [`BadKey`] where a letter, size or the result is missing.
pub fn raise(key: &str) -> Result<Lowered, BadKey> {
    let mut reader = KeyReader { key, at: 0 };
    let ret = if reader.eat('v') { None } else { Some(reader.token()?) };
    let this = reader.eat('T');
    let mut params = Vec::new();
    while !reader.rest().is_empty() && reader.rest() != "p" {
        params.push(reader.token()?);
    }
    let shape = if reader.eat('p') { Shape::Managed } else { Shape::Unmanaged };
    Ok(Lowered { shape, ret, this, params })
}

struct KeyReader<'a> {
    key: &'a str,
    at: usize,
}

impl<'a> KeyReader<'a> {
    fn rest(&self) -> &'a str {
        &self.key[self.at..]
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.rest().starts_with(letter);
        if found {
            self.at += letter.len_utf8();
        }
        found
    }

    fn bad(&self) -> BadKey {
        BadKey { key: self.key.to_owned(), at: self.at }
    }

    fn number(&mut self) -> Result<u32, BadKey> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest()[..digits].parse().map_err(|_| self.bad())?;
        self.at += digits;
        Ok(number)
    }

    fn token(&mut self) -> Result<Token, BadKey> {
        let letter = self.rest().chars().next().ok_or_else(|| self.bad())?;
        let token = match letter {
            'i' => Token::I,
            'l' if self.rest().starts_with("l2") => Token::L2,
            'l' => Token::L,
            'f' => Token::F,
            'd' => Token::D,
            'a' => Token::Continuation,
            'V' if self.rest().starts_with("V2") => Token::Vectors(2),
            'V' if self.rest().starts_with("V4") => Token::Vectors(4),
            'V' => Token::V,
            'S' | 'A' => {
                self.at += 1;
                let size = self.number()?;
                return Ok(if letter == 'S' { Token::S(size) } else { Token::A(size) });
            }
            _ => return Err(self.bad()),
        };
        self.at += if matches!(token, Token::L2 | Token::Vectors(_)) { 2 } else { 1 };
        Ok(token)
    }
}
