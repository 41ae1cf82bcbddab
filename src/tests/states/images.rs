//! Images at other places, the registry of thunks, relocations and virtual IPs.

use std::sync::Arc;

use crate::image::emission::Role;
use crate::image::facts::Import;
use crate::image::payload::TABLE_BASE;
use crate::image::words::TableIndex;
use crate::image::{HOST_SLOTS, ModuleId};
use crate::loader::{Fixed, images};
use crate::scenario::{
    Action, Assembly, AssemblyId, Binding, Call, Caller, Code, Event, Layout, Method, MethodId,
    Scenario, Signature, Site, SiteId, Type,
};

use crate::tests::util::{Finished, run, run_altered, run_text};

const PROGRAM: &str = r#"
calliper = 1
title = "images"

[assemblies]
A = {}
B = {}

[methods]
InA = { in = "A", code = "r2r", signature = "int (int)" }
InB = { in = "B", code = "r2r", signature = "int (int)" }
Main = { in = "A", code = "interpreted", signature = "void (object)" }

[sites]
CallInA = { in = "A", direct = "InA" }
CallInB = { in = "B", direct = "InB" }
CallMain = { in = "A", direct = "Main" }
RunMain = { entry-point = "Main" }
"#;

/// Where the second section's header begins, that of the relocations.
const SECTION_2: usize = 48;

const LOAD_A: &str = r#"{ load = "A" }"#;
const LOAD_B: &str = r#"{ load = "B" }"#;

fn run_events(events: &[&str]) -> Finished {
    let finished = run_text(PROGRAM, events, &Fixed);
    assert_eq!(finished.vm.observation.trap, None);
    finished
}

/// The image that a table slot belongs to.
fn image_of(run: &Finished, slot: u32) -> Option<usize> {
    run.vm.images().iter().position(|image| {
        image.is_some_and(|i| {
            (i.table_base.get()..i.table_base.plus(i.table_size).get()).contains(&slot)
        })
    })
}

#[test]
fn the_first_registration_of_a_key_wins_across_images() {
    for (first, second, winner) in [(LOAD_A, LOAD_B, 0), (LOAD_B, LOAD_A, 1)] {
        let touches = [r#"{ touch = "InA" }"#, r#"{ touch = "InB" }"#];
        let run = run_events(&[first, second, touches[0], touches[1]]);
        for method in ["InA", "InB"] {
            let code = run.word(run.pep(method));
            assert_eq!(run.symbol(code), "WasmR2RToInterpreterThunk(iip)");
            assert_eq!(image_of(&run, code), Some(winner), "{method}");
        }
    }
    // The runtime's own thunks were there before any image's.
    let run = run_events(&[LOAD_A, r#"{ touch = "Main" }"#]);
    assert!(run.is_host_slot(run.word(run.pep("Main"))));
    let roles = &run.vm.emission.roles.images[AssemblyId(0)];
    let own = roles.iter().any(|role| *role == Role::R2RToInterpreter("vip".into()));
    assert!(own, "the image has one as well");
}

#[test]
fn an_image_is_relocated_to_the_table_base_that_it_gets() {
    let calls = [
        r#"{ call = "CallInA", args = [0x11223344] }"#,
        r#"{ call = "CallInB", args = [0x55667788] }"#,
    ];
    for (first, second, order) in [(LOAD_A, LOAD_B, [0, 1]), (LOAD_B, LOAD_A, [1, 0])] {
        let run = run_events(&[first, second, calls[0], calls[1]]);
        let mut table_base = TableIndex::new(HOST_SLOTS);
        for i in order {
            let image = run.vm.images()[AssemblyId(i)].expect("loaded");
            assert_eq!(image.table_base, table_base);
            assert_eq!(run.word(image.image_base.at(TABLE_BASE).get()), table_base.get());
            assert_eq!(image.min_function_index, table_base);
            table_base = table_base.plus(image.table_size);
        }
        assert_eq!(run.symbol(run.word(run.pep("InA"))), "Program::InA");
        assert_eq!(run.symbol(run.word(run.pep("InB"))), "Program::InB");
        assert_eq!(run.ran(), ["InA", "InB"]);
    }
}

/// More methods than a scenario may have, so that cells, records and tables take several pages.
const MANY: u16 = 1200;

fn many() -> Layout {
    let assembly = AssemblyId(0);
    let method = |i| Method {
        name: format!("M{i}"),
        assembly,
        code: Code::ReadyToRun,
        signature: Signature {
            ret: Some(Type::I32),
            params: vec![Type::I32],
            ..Default::default()
        },
        ..Method::default()
    };
    let site = |i| Site {
        name: format!("S{i}"),
        caller: Caller::ReadyToRun(assembly),
        action: Action::Direct { callee: MethodId(i), binding: Binding::Lazy },
    };
    Layout {
        assemblies: vec![Assembly { name: "A".into() }].into(),
        methods: (0..MANY).map(method).collect(),
        sites: (0..MANY).map(site).collect(),
        ..Layout::default()
    }
}

#[test]
fn a_payload_without_webcil_headers_is_not_loaded() {
    let load = |at: usize, byte: u8| {
        let script = vec![Event::Load(AssemblyId(0))];
        let scenario = Scenario { layout: many(), script, ..Scenario::default() };
        let run = run_altered(scenario, &Fixed, |emission| {
            let program = Arc::get_mut(&mut emission.program).expect("nobody else has it yet");
            program.images[ModuleId(0)].payload[at] = byte;
        });
        run.vm.observation.trap.is_none()
    };
    assert!(load(0, b'W'), "as it is emitted");
    assert!(!load(0, b'w'), "another format");
    assert!(!load(4, 2), "another version");
    assert!(!load(10, 3), "the relocations in a section that there is not");
    assert!(!load(SECTION_2 + 4, 1), "the relocations at another address");
    assert!(load(10, 0), "no relocations, so nothing is where it should be, but it can be loaded");
}

#[test]
fn relocations_reach_every_page() {
    let call = |site| Call {
        site: SiteId(site),
        pointer: None,
        this: None,
        args: vec![0x1122_3344],
        inside: vec![],
    };
    let script = vec![Event::Load(AssemblyId(0)), Event::Call(call(MANY - 1))];
    let run = run(Scenario { layout: many(), script, ..Scenario::default() }, &Fixed);
    assert_eq!(run.vm.observation.trap, None);
    assert_eq!(run.ran(), [format!("M{}", MANY - 1)]);

    let image = run.vm.images()[AssemblyId(0)].expect("loaded");
    let facts = &run.vm.facts.images[AssemblyId(0)];
    let mut pages = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for method in (0..MANY - 1).map(MethodId) {
        let rva = facts.rva_of(Import::LazyMethodEntry(method)).expect("the image imports it");
        // HIGHLOW: the cell leads to its own record; WASM32_TABLE: the record to a thunk.
        let record = run.word(image.image_base.at(rva).get());
        assert_eq!(run.word(record + 4), rva.get());
        let thunk = "WasmDelayLoadHelper->DelayLoad_MethodCall(Sig:iip)";
        assert_eq!(run.symbol(run.word(record)), thunk);
        pages.0.insert(rva.get() >> 12);
        pages.1.insert((record - image.image_base.get()) >> 12);
    }
    assert!(pages.0.len() >= 2 && pages.1.len() >= 3, "{pages:?}");
    assert_eq!(image.min_function_index, image.table_base);
}

#[test]
fn every_compiled_function_of_every_image_has_a_virtual_ip_of_its_own() {
    let run = run_events(&[LOAD_B, LOAD_A]);
    let mut seen = std::collections::BTreeSet::new();
    for (image, facts) in run.vm.images().iter().flatten().zip(&run.vm.facts.images) {
        for function in 0..facts.runtime_functions {
            let index = image.table_base.plus(function);
            let ip = images::virtual_ip_of_table_index(&run.vm, index).expect("it has one");
            assert_eq!(ip.get() & 0x8000_0001, 0x8000_0001);
            assert_eq!(images::table_index_of_virtual_ip(&run.vm, ip), Some(index));
            assert!(seen.insert(ip), "{ip} twice");
        }
        // Thunks have none.
        let thunk = image.table_base.plus(facts.runtime_functions);
        assert_eq!(images::virtual_ip_of_table_index(&run.vm, thunk), None);
    }
}
