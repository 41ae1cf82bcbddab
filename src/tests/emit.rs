//! Every module that the corpus emits is valid, and needs no more of WebAssembly than it should.

use std::fs;
use std::path::Path;

use crate::image::emission::Emission;
use crate::image::encode::{encode_image, encode_runtime};
use crate::replay;
use wasmparser::{Validator, WasmFeatures};

use crate::tests::util::root;

/// What R2R images use, and all engines have: no exceptions, no multi-memory, no references as
/// values.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::FLOATS
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::GC_TYPES
}

#[test]
fn every_module_of_the_corpus_validates() {
    let corpus = root().join("corpus");
    let files = scenario_files(&corpus);
    let found = replay::collect(&[corpus]);
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    assert_eq!(found.cases.len(), files);
    assert!(files >= 30, "{files} files");
    for case in &found.cases {
        let program = Emission::new(&case.scenario.layout).program;
        validate(&case.name, "runtime", &encode_runtime(&program));
        assert_eq!(program.images.len(), case.scenario.layout.assemblies.len());
        for (id, image) in program.images.enumerated() {
            validate(&case.name, &image.name, &encode_image(&program, id));
        }
    }
}

/// Files below a directory: a corpus holds nothing but scenarios.
fn scenario_files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).expect("the corpus is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths.map(|path| if path.is_dir() { scenario_files(&path) } else { 1 }).sum()
}

fn validate(scenario: &str, module: &str, bytes: &[u8]) {
    if let Err(error) = Validator::new_with_features(features()).validate_all(bytes) {
        panic!("{scenario}: module {module} is not valid: {error}");
    }
}
