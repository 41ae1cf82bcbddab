//! Import cells of each kind, unresolved and resolved, and what they lead to.

use crate::image::emission::Role;
use crate::image::facts::Import;
use crate::image::helpers::Helper;
use crate::loader::Fixed;
use crate::scenario::{AssemblyId, Dispatch};

use crate::tests::util::{Finished, run_text};

const PROGRAM: &str = r#"
calliper = 1
title = "cells"

[assemblies]
A = {}

[classes]
Base = { in = "A" }

[methods]
Zero = { in = "A", code = "interpreted", signature = "instance void ()", class = "Base", virtual = true }
One = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Base", virtual = true }
Plain = { in = "A", code = "interpreted", signature = "int (int)" }
Uco = { in = "A", code = "r2r", signature = "int (int)", uco = true }
Shared = { in = "A", code = "r2r", signature = "generic int (int)" }
Async = { in = "A", code = "r2r", signature = "async int ()" }
GetErrNo = { in = "A", code = "native", signature = "int ()", pinvoke = true }
Rejected = { in = "A", code = "rejected", signature = "int (int)" }

[sites]
Lazy = { in = "A", direct = "Plain" }
Eager = { in = "A", direct = "Plain", binding = "eager" }
TakeUco = { in = "A", ldftn = "Uco" }
TakeShared = { in = "A", ldftn = "Shared" }
CallShared = { in = "A", direct = "Shared" }
ByImportThunk = { in = "A", virtual = "One" }
ByVirtualThunk = { in = "A", virtual = "One", dispatch = "v-thunk" }
PInvokeGetErrNo = { in = "A", pinvoke = "GetErrNo" }
CallRejected = { in = "A", direct = "Rejected" }
Resume = { resume = "Async" }
"#;

const LAZY: &str = r#"{ call = "Lazy", args = [0x11223344] }"#;
const EAGER: &str = r#"{ call = "Eager", args = [0x11223344] }"#;
const TAKE_UCO: &str = r#"{ take = "TakeUco", into = "u" }"#;
const TAKE_SHARED: &str = r#"{ take = "TakeShared", into = "s" }"#;
const CALL_SHARED: &str = r#"{ call = "CallShared", args = [0x11223344] }"#;
const BY_IMPORT_THUNK: &str = r#"{ call = "ByImportThunk", this = "Base", args = [0x11223344] }"#;
const BY_VIRTUAL_THUNK: &str = r#"{ call = "ByVirtualThunk", this = "Base", args = [0x11223344] }"#;
const PINVOKE: &str = r#"{ call = "PInvokeGetErrNo" }"#;
const CALL_REJECTED: &str = r#"{ call = "CallRejected", args = [0x11223344] }"#;
const RESUME: &str = r#"{ call = "Resume" }"#;

fn run(events: &[&str]) -> Finished {
    let load = [r#"{ load = "A" }"#];
    let events: Vec<&str> = load.into_iter().chain(events.iter().copied()).collect();
    // The variables' names are in the order of their first take.
    let finished = run_text(PROGRAM, &events, &Fixed);
    assert_eq!(finished.vm.observation.trap, None);
    finished
}

fn cell(run: &Finished, import: Import) -> u32 {
    let rva = run.vm.facts.images[AssemblyId(0)].rva_of(import).expect("the image imports it");
    run.word(run.vm.images()[AssemblyId(0)].expect("loaded").image_base.at(rva).get())
}

/// A lazy cell's record: the symbol of its thunk, and the RVA of its cell.
fn record(run: &Finished, at: u32) -> (String, u32) {
    (run.symbol(run.word(at)), run.word(at + 4))
}

#[test]
fn cells_that_are_resolved_when_the_image_is_loaded() {
    let run = run(&[]);
    let image = run.vm.images()[AssemblyId(0)].expect("loaded");
    assert_eq!(cell(&run, Import::Module), image.module.get());
    for helper in [Helper::DelayLoadMethodCall, Helper::R2RToInterpreter] {
        // Thunks dereference the cell once.
        assert_eq!(run.symbol(cell(&run, Import::ThunkHelper(helper))), helper.symbol());
    }
    for helper in [Helper::PInvokeBegin, Helper::PInvokeEnd, Helper::ReversePInvokeEnter] {
        // The JIT does it twice; the entry point has no MethodDesc.
        let pep = cell(&run, Import::JitHelper(helper));
        assert_eq!(run.words(pep), format!("{}, MD of nobody, 0, 0", helper.symbol()));
    }
    let stub = cell(&run, Import::ResumptionStub(run.method("Async")));
    assert_eq!(run.symbol(stub), "ResumptionStub(Async)");
    let lookup = cell(&run, Import::GenericLookup(run.method("Shared")));
    assert_eq!(run.symbol(run.word(lookup)), Helper::GenericLookup.symbol());
    assert_eq!(run.word(lookup + 4), u32::from(run.method("Shared").0));
}

#[test]
fn cells_that_are_resolved_when_their_user_is_prepared() {
    let cold = run(&[]);
    for import in [
        Import::MethodEntry(cold.method("Plain")),
        Import::MethodEntry(cold.method("Uco")),
        Import::MethodEntry(cold.method("Async")),
        Import::InstantiatingStub(cold.method("Shared")),
        Import::PInvokeTarget(cold.method("GetErrNo")),
        Import::Missing,
    ] {
        assert_eq!(cell(&cold, import), 0, "{import:?}");
    }
    let run = run(&[EAGER, TAKE_UCO, TAKE_SHARED, PINVOKE, RESUME, CALL_REJECTED]);
    assert_eq!(cell(&run, Import::MethodEntry(run.method("Plain"))), run.pep("Plain"));
    assert_eq!(cell(&run, Import::MethodEntry(run.method("Async"))), run.pep("Async"));
    let uco = cell(&run, Import::MethodEntry(run.method("Uco")));
    assert_eq!((run.symbol(uco).as_str(), uco), ("Program::Uco", run.variable("u")));
    let shared = cell(&run, Import::InstantiatingStub(run.method("Shared")));
    let thunk = "WasmR2RToInterpreterThunk(iip)";
    let stub = format!("{thunk}, MD of Shared's instantiating stub, 0, 6");
    assert_eq!((run.words(shared), shared), (stub, run.variable("s")));
    let target = cell(&run, Import::PInvokeTarget(run.method("GetErrNo")));
    assert_eq!(run.symbol(target), "Program::GetErrNo");
    assert!(run.is_host_slot(target));
    assert_eq!(cell(&run, Import::Missing), 0, "nothing resolves this");
}

#[test]
fn lazy_cells_start_at_a_record_that_names_them() {
    let run = run(&[]);
    let virtual_entry = |dispatch| Import::VirtualEntry(run.method("One"), dispatch);
    for (import, key) in [
        (Import::LazyMethodEntry(run.method("Plain")), "iip"),
        (Import::LazyMethodEntry(run.method("Shared")), "iiip"),
        (virtual_entry(Dispatch::ImportThunk), "iTip"),
        (virtual_entry(Dispatch::VirtualThunk), "iTip"),
    ] {
        let rva = run.vm.facts.images[AssemblyId(0)].rva_of(import).expect("the image imports it");
        let thunk = format!("WasmDelayLoadHelper->DelayLoad_MethodCall(Sig:{key})");
        assert_eq!(record(&run, cell(&run, import)), (thunk, rva.get()), "{import:?}");
    }
}

#[test]
fn lazy_cells_of_methods_are_patched_by_the_first_call() {
    let run = run(&[LAZY, CALL_SHARED]);
    assert_eq!(cell(&run, Import::LazyMethodEntry(run.method("Plain"))), run.pep("Plain"));
    // Shared code is called with its context: through its own entry point.
    assert_eq!(cell(&run, Import::LazyMethodEntry(run.method("Shared"))), run.pep("Shared"));
}

#[test]
fn a_receivers_entry_point_is_not_cached() {
    let cold = run(&[]);
    let import = Import::VirtualEntry(cold.method("One"), Dispatch::ImportThunk);
    assert_eq!(cell(&cold, import), cell(&run(&[BY_IMPORT_THUNK, BY_IMPORT_THUNK]), import));
}

#[test]
fn a_virtual_dispatch_entry_point_is_made_once_and_says_where_the_slot_is() {
    let run = run(&[BY_VIRTUAL_THUNK, BY_VIRTUAL_THUNK]);
    let entry = cell(&run, Import::VirtualEntry(run.method("One"), Dispatch::VirtualThunk));
    let entries = run.vm.virtual_dispatch_entries().iter();
    let entries: Vec<u32> = entries.map(|(at, _)| at.get()).collect();
    assert_eq!(entries, [entry]);
    assert_eq!(run.symbol(run.word(entry)), "WasmVirtualDispatchThunk(iTip)");
    // Offsets of the chunk pointer in a MethodTable, and of slot 1 in the chunk.
    assert_eq!(run.word(entry + 4), 40 | 4 << 16);
    assert_eq!(run.symbol(run.word(entry + 8)), "WasmR2RToInterpreterThunk(iTip)");
    assert_eq!(run.slot("Base", 1), run.pep("One"));
    // The thunk went by the initial entry, as nobody had made the entry point callable.
    assert_eq!(run.words_of("One"), "0, MD of One, IR, 0");
    let roles = &run.vm.emission.roles.images[AssemblyId(0)];
    assert!(roles.iter().any(|role| *role == Role::VirtualThunk("Viiiii".into())));
}
