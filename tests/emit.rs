//! Every module that the corpus emits is valid.

use std::path::Path;

use calliper::image::ModuleId;
use calliper::image::encode::{encode_image, encode_runtime};
use calliper::image::facts::Emission;
use calliper::replay;
use wasmparser::{Validator, WasmFeatures};

#[test]
fn every_module_of_the_corpus_validates() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let found = replay::collect(&[corpus]);
    assert_eq!(found.errors, [""; 0]);
    assert!(!found.cases.is_empty());
    for case in &found.cases {
        let program = Emission::new(&case.scenario.layout).program;
        validate(&case.name, "runtime", &encode_runtime(&program));
        for (index, image) in (0u16..).zip(&program.images) {
            validate(&case.name, &image.name, &encode_image(&program, ModuleId(index)));
        }
    }
}

fn validate(scenario: &str, module: &str, bytes: &[u8]) {
    if let Err(error) = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes) {
        panic!("{scenario}: module {module} is not valid: {error}");
    }
}
