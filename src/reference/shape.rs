//! The wasm shape of a signature, from the calling convention's own definition
//! (`docs/fidelity.md`, "Lowering and keys"), independently of `abi`.

use crate::abi::{FuncType, ValType};
use crate::scenario::{Layout, Signature, StructShape, Type};

/// The function type of a managed or an unmanaged callee.
pub fn of(layout: &Layout, signature: &Signature, managed: bool) -> FuncType {
    let mut operands = Vec::new();
    let result = match signature.ret.map(|ty| words(layout, ty)) {
        Some(Words::One(ty)) => Some(ty),
        None | Some(Words::Two | Words::Vectors(_) | Words::Memory) => None,
    };
    if managed {
        operands.push(ValType::I32);
    }
    if managed && signature.instance {
        operands.push(ValType::I32);
    }
    if has_return_buffer(layout, signature) {
        operands.push(ValType::I32);
    }
    // A generic context and a continuation are words in front of the parameters.
    let hidden = usize::from(signature.context) + usize::from(signature.continuation);
    operands.extend(std::iter::repeat_n(ValType::I32, hidden));
    for &param in &signature.params {
        match words(layout, param) {
            Words::One(ty) => operands.push(ty),
            Words::Two => operands.extend([ValType::I64; 2]),
            Words::Vectors(n) => operands.extend(std::iter::repeat_n(ValType::V128, n)),
            Words::Memory => operands.push(ValType::I32),
        }
    }
    if managed {
        operands.push(ValType::I32);
    }
    FuncType { params: operands, result }
}

/// The caller passes an address for the result: it is no single wasm value.
pub fn has_return_buffer(layout: &Layout, signature: &Signature) -> bool {
    let memory = |ty| !matches!(words(layout, ty), Words::One(_));
    signature.ret.is_some_and(memory)
}

enum Words {
    One(ValType),
    Two,
    Vectors(usize),
    Memory,
}

fn words(layout: &Layout, ty: Type) -> Words {
    if let Type::Struct(id) = ty {
        return match layout.structs[id].shape {
            StructShape::Opaque { .. } | StructShape::Empty => Words::Memory,
            StructShape::Wraps(field) => words(layout, field),
        };
    }
    match (ty, layout.size_align(ty).0) {
        (Type::Vector128, _) => Words::One(ValType::V128),
        (Type::Vector256 | Type::Vector512, bytes) => Words::Vectors(bytes as usize / 16),
        (Type::F32, _) => Words::One(ValType::F32),
        (Type::F64, _) => Words::One(ValType::F64),
        (_, 16) => Words::Two,
        (_, 8) => Words::One(ValType::I64),
        _ => Words::One(ValType::I32),
    }
}

#[cfg(test)]
mod tests {
    use super::{has_return_buffer, of};
    use crate::scenario::{MethodId, Scenario, Signature, text};

    fn scenario(signature: &str) -> Scenario {
        let text = format!(
            r#"
calliper = 1
title = "one method"
[assemblies]
A = {{}}
[structs]
S8 = {{ size = 8, align = 4 }}
E = {{ empty = true }}
One = {{ wraps = "double" }}
Two = {{ wraps = "One" }}
[methods]
M = {{ in = "A", code = "r2r", signature = "{signature}" }}
"#
        );
        text::parse("shape.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Signature, managed type, and the type that unmanaged callers use.
    const SHAPES: [(&str, &str, &str); 13] = [
        ("void ()", "(i32 i32)->()", "()->()"),
        ("int (int, nint)", "(i32 i32 i32 i32)->i32", "(i32 i32)->i32"),
        ("long (ulong, double, float)", "(i32 i64 f64 f32 i32)->i64", "(i64 f64 f32)->i64"),
        ("float (bool, object)", "(i32 i32 i32 i32)->f32", "(i32 i32)->f32"),
        ("double (One)", "(i32 f64 i32)->f64", "(f64)->f64"),
        ("Two ()", "(i32 i32)->f64", "()->f64"),
        ("S8 (S8)", "(i32 i32 i32 i32)->()", "(i32 i32)->()"),
        ("void (E)", "(i32 i32 i32)->()", "(i32)->()"),
        ("Int128 (Int128)", "(i32 i32 i64 i64 i32)->()", "(i32 i64 i64)->()"),
        ("Vector128<int> (Vector128<int>)", "(i32 v128 i32)->v128", "(v128)->v128"),
        ("Vector256<int> (Vector256<int>)", "(i32 i32 v128 v128 i32)->()", "(i32 v128 v128)->()"),
        ("void (Vector512<int>)", "(i32 v128 v128 v128 v128 i32)->()", "(v128 v128 v128 v128)->()"),
        ("generic async int (float)", "(i32 i32 i32 f32 i32)->i32", "(i32 i32 f32)->i32"),
    ];

    #[test]
    fn shapes_by_signature() {
        for (signature, managed, unmanaged) in SHAPES {
            let scenario = scenario(signature);
            let layout = &scenario.layout;
            // Objects and hidden words are for managed code alone, and have a shape all the same.
            let read = &layout.method(MethodId(0)).signature;
            assert_eq!(of(layout, read, true).to_string(), managed, "{signature}");
            assert_eq!(of(layout, read, false).to_string(), unmanaged, "{signature}");
        }
    }

    #[test]
    fn hidden_words_stand_in_front_of_the_parameters() {
        let scenario = scenario("instance S8 (long)");
        let mut signature = scenario.layout.method(MethodId(0)).signature.clone();
        let ty = |signature: &Signature| of(&scenario.layout, signature, true).to_string();
        assert_eq!(ty(&signature), "(i32 i32 i32 i64 i32)->()");
        signature.context = true;
        assert_eq!(ty(&signature), "(i32 i32 i32 i32 i64 i32)->()");
        signature.ret = None;
        assert_eq!(ty(&signature), "(i32 i32 i32 i64 i32)->()");
    }

    #[test]
    fn what_is_no_single_value_is_answered_through_a_buffer() {
        for (signature, buffer) in [
            ("void ()", false),
            ("long ()", false),
            ("Two ()", false),
            ("Vector128<int> ()", false),
            ("Int128 ()", true),
            ("Vector256<int> ()", true),
            ("S8 ()", true),
            ("E ()", true),
        ] {
            let scenario = scenario(signature);
            let read = &scenario.layout.method(MethodId(0)).signature;
            assert_eq!(has_return_buffer(&scenario.layout, read), buffer, "{signature}");
        }
    }
}
