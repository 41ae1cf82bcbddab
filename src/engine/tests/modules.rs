//! The modules themselves: valid, and of upstream's shape.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use super::program::{IMAGE_FUNCTIONS, every_op};
use crate::image::encode::{encode_image, encode_runtime};
use crate::image::{ModuleId, Program};

/// Asserts that every module of a program is valid, with no feature that an engine might lack.
pub(super) fn validate(program: &Program) {
    let features = WasmFeatures::WASM2 | WasmFeatures::FLOATS;
    let images = program.images.ids().map(|id| encode_image(program, id));
    for wasm in std::iter::once(encode_runtime(program)).chain(images) {
        if let Err(error) = Validator::new_with_features(features).validate_all(&wasm) {
            panic!("{error}\n{:?}", wasmprinter::print_bytes(&wasm));
        }
    }
}

#[test]
fn the_hand_made_modules_are_valid() {
    validate(&every_op());
}

#[test]
fn an_image_has_upstreams_shape() {
    let wasm = encode_image(&every_op(), ModuleId(0));
    let mut sections = Vec::new();
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&wasm) {
        match payload.expect("it is valid") {
            Payload::TypeSection(_) => sections.push("type"),
            Payload::ImportSection(section) => {
                sections.push("import");
                for import in section.into_imports() {
                    let import = import.expect("it is valid");
                    imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::FunctionSection(_) => sections.push("function"),
            Payload::TableSection(_) => sections.push("table"),
            Payload::MemorySection(_) => sections.push("memory"),
            Payload::GlobalSection(_) => sections.push("global"),
            Payload::ExportSection(section) => {
                sections.push("export");
                exports.extend(section.into_iter().map(|e| e.expect("it is valid").name));
            }
            Payload::ElementSection(_) => sections.push("element"),
            Payload::DataCountSection { .. } => sections.push("datacount"),
            Payload::CodeSectionStart { .. } => sections.push("code"),
            Payload::DataSection(section) => {
                sections.push("data");
                let first = section.into_iter().next().expect("a segment").expect("it is valid");
                let sizes = [40, 0, 0, 0, IMAGE_FUNCTIONS as u8, 0, 0, 0];
                assert_eq!(first.data, sizes);
            }
            _ => {}
        }
    }
    let order = "type import function global export element datacount code data";
    assert_eq!(sections.join(" "), order);
    let names = [
        "__stack_pointer",
        "__memory_base",
        "__table_base",
        "__async_continuation",
        "__indirect_function_table",
        "memory",
    ];
    assert_eq!(imports, names.map(|name| format!("webcil.{name}")));
    assert_eq!(exports, ["entry", "mixed", "bases", "webcilVersion", "table"]);
}

#[test]
fn names_are_readable() {
    let text = wasmprinter::print_bytes(encode_runtime(&every_op())).expect("it is valid");
    assert!(text.contains("(func $arithmetic "), "{text}");
    assert!(text.contains("(func $vm.host "), "{text}");
}
