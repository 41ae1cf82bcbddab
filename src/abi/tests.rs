//! Worked examples of lowering, and that the three parties agree.

use super::{Shape, crossgen, jit, vm};
use crate::scenario::{Layout, Signature, Struct, StructId, StructShape, Type};

/// One row: signature, managed key and type, unmanaged key and type.
type Row = (Signature, &'static str, &'static str, Option<(&'static str, &'static str)>);

fn layout() -> Layout {
    let opaque = |name: &str, size, align| Struct {
        name: name.into(),
        shape: StructShape::Opaque { size, align },
    };
    Layout {
        structs: vec![
            opaque("S16", 16, 4),
            opaque("S12", 12, 4),
            opaque("S8", 8, 4),
            Struct { name: "D".into(), shape: StructShape::Wraps(Type::F64) },
            opaque("A32", 32, 16),
        ]
        .into(),
        ..Layout::default()
    }
}

const S16: Type = Type::Struct(StructId(0));
const S12: Type = Type::Struct(StructId(1));
const S8: Type = Type::Struct(StructId(2));
const WRAPPED_DOUBLE: Type = Type::Struct(StructId(3));
const A32: Type = Type::Struct(StructId(4));

fn sig(instance: bool, ret: Option<Type>, params: &[Type]) -> Signature {
    Signature { instance, ret, params: params.to_vec(), ..Signature::default() }
}

fn worked_examples() -> Vec<Row> {
    let v128 = Type::Vector128;
    let some = |key, ty| Some((key, ty));
    vec![
        (
            sig(false, Some(Type::I32), &[Type::I32, Type::I32]),
            "iiip",
            "(i32 i32 i32 i32)->i32",
            some("iii", "(i32 i32)->i32"),
        ),
        (sig(false, None, &[]), "vp", "(i32 i32)->()", some("v", "()->()")),
        (
            sig(false, Some(Type::I64), &[Type::I64, Type::F64, Type::F32]),
            "lldfp",
            "(i32 i64 f64 f32 i32)->i64",
            some("lldf", "(i64 f64 f32)->i64"),
        ),
        (sig(true, None, &[Type::I32]), "vTip", "(i32 i32 i32 i32)->()", None),
        (sig(false, Some(S16), &[]), "S16p", "(i32 i32 i32)->()", some("S16", "(i32)->()")),
        (sig(true, Some(S12), &[Type::I32]), "S12Tip", "(i32 i32 i32 i32 i32)->()", None),
        (sig(false, None, &[S8]), "vS8p", "(i32 i32 i32)->()", some("vS8", "(i32)->()")),
        (
            sig(false, Some(Type::I32), &[WRAPPED_DOUBLE]),
            "idp",
            "(i32 f64 i32)->i32",
            some("id", "(f64)->i32"),
        ),
        (
            sig(false, None, &[Type::Int128]),
            "vl2p",
            "(i32 i64 i64 i32)->()",
            some("vl2", "(i64 i64)->()"),
        ),
        (
            sig(false, Some(v128), &[v128]),
            "VVp",
            "(i32 v128 i32)->v128",
            some("VV", "(v128)->v128"),
        ),
    ]
}

#[test]
fn worked_examples_of_section_1_3() {
    let layout = layout();
    for (signature, key, ty, unmanaged) in worked_examples() {
        let managed = crossgen::lower(&layout, &signature, Shape::Managed);
        assert_eq!(managed.to_string(), key);
        assert_eq!(managed.func_type().to_string(), ty, "{key}");
        assert_eq!(jit::call_type(&layout, &signature, Shape::Managed).to_string(), ty, "{key}");
        let vm_key = vm::signature_key('I', &layout, &signature, vm::MetadataConvention::Default);
        assert_eq!(vm_key, format!("I{key}"));

        let Some((key, ty)) = unmanaged else { continue };
        let lowered = crossgen::lower(&layout, &signature, Shape::Unmanaged);
        assert_eq!(lowered.to_string(), key);
        assert_eq!(lowered.func_type().to_string(), ty, "{key}");
        assert_eq!(jit::call_type(&layout, &signature, Shape::Unmanaged).to_string(), ty, "{key}");
        let vm_key = vm::signature_key('M', &layout, &signature, vm::MetadataConvention::Unmanaged);
        assert_eq!(vm_key, format!("M{key}"));
    }
}

#[test]
fn keys_read_back() {
    let layout = layout();
    for (signature, ..) in worked_examples() {
        for shape in [Shape::Managed, Shape::Unmanaged] {
            let lowered = crossgen::lower(&layout, &signature, shape);
            assert_eq!(crossgen::raise(&lowered.to_string()), Ok(lowered));
        }
    }
    assert_eq!(crossgen::raise("vA32p").unwrap().params, [crossgen::Token::A(32)]);
    for bad in ["", "x", "vS", "vSp", "ivp", "iiTp", "vpp", "vA99999999999", "v\u{e9}"] {
        assert!(crossgen::raise(bad).is_err(), "`{bad}` was read as a key");
    }
}

#[test]
fn over_aligned_structs_are_spelled_apart_as_parameters_only() {
    // #132248 added `A<N>`; every struct result stays `S<N>`.
    let layout = layout();
    let signature = sig(false, Some(A32), &[A32]);
    let lowered = crossgen::lower(&layout, &signature, Shape::Managed);
    assert_eq!(lowered.to_string(), "S32A32p");
    assert_eq!(
        vm::signature_key('I', &layout, &signature, vm::MetadataConvention::Default),
        "IS32A32p"
    );
}

#[test]
fn crossgen_and_vm_agree_on_argument_slots() {
    let layout = layout();
    let i = Type::U8;
    for params in [
        vec![i, S8, i],
        vec![i, A32, i],
        vec![i, Type::Int128, S12, Type::Vector128],
        vec![WRAPPED_DOUBLE, S16, Type::F32, A32, S12, i],
    ] {
        for instance in [false, true] {
            let signature = sig(instance, None, &params);
            let (offsets, size) =
                crossgen::lower(&layout, &signature, Shape::Managed).argument_slots();
            let (slots, vm_size) = vm::argument_slots(&layout, &signature);
            assert_eq!(offsets, slots.iter().map(|s| s.offset).collect::<Vec<_>>());
            assert_eq!(size, vm_size);
        }
    }
}

#[test]
fn a_uco_methods_metadata_signature_gives_the_managed_key() {
    // Facts section 1.2: the root of #129857's order dependence.
    let layout = layout();
    let add = sig(false, Some(Type::I32), &[Type::I32, Type::I32]);
    let key = vm::signature_key('I', &layout, &add, vm::MetadataConvention::Default);
    assert_eq!(key, "Iiiip");
    let body = crossgen::lower(&layout, &add, Shape::Unmanaged).func_type();
    let thunk = crossgen::raise(&key[1..]).unwrap().func_type();
    assert_ne!(body, thunk);
    // Two more parameters and the unmanaged type collides with it: no trap there.
    let four = sig(false, Some(Type::I32), &[Type::I32; 4]);
    assert_eq!(crossgen::lower(&layout, &four, Shape::Unmanaged).func_type(), thunk);
}
