//! The entry-point state machine, image loading and the two
//! resolvers, event by event under the fixed loader.

mod callees;
mod cells;
mod images;

use crate::gallery::Fault;
use crate::image::emission::Role;
use crate::image::facts::Import;
use crate::image::pep::{PREFERS_INTERPRETER, PepWords, UCO_CHECKED, UCO_HAS};
use crate::image::words::{TableIndex, VirtualIp};
use crate::image::{HOST_SLOTS, ModuleId};
use crate::loader::images::{table_index_of_virtual_ip, virtual_ip_of_table_index};
use crate::loader::{Fixed, Loader, Vm};
use crate::scenario::{AssemblyId, MethodId};

use crate::tests::util;

const MANAGED: MethodId = MethodId(0);
const UCO: MethodId = MethodId(1);
const PLAIN: MethodId = MethodId(2);

/// `int(int, int)` three times: managed, UCO, interpreted; a second assembly calls them.
const LAYOUT: &str = r#"
calliper = 1
title = "states"

[assemblies]
A = {}
B = {}

[methods]
Managed = { in = "A", code = "r2r", signature = "int (int, int)" }
Uco = { in = "A", code = "r2r", signature = "int (int, int)", uco = true }
Plain = { in = "A", code = "interpreted", signature = "long (double)" }

[sites]
TakeManaged = { in = "A", ldftn = "Managed" }
Calli = { in = "A", calli = "int (int, int)" }
TakeUco = { in = "A", ldftn = "Uco" }
CallUco = { in = "A", unmanaged = "int (int, int)" }
Lazy = { in = "A", direct = "Managed" }
LazyPlain = { in = "B", direct = "Plain" }
"#;

fn run_under(events: &[&str], loader: &'static dyn Loader) -> Vm {
    let vm = util::run_text(LAYOUT, events, loader).vm;
    assert_eq!(vm.observation.trap, None);
    vm
}

fn run(events: &[&str]) -> Vm {
    run_under(events, &Fixed)
}

fn words(vm: &Vm, method: MethodId) -> (PepWords, TableIndex) {
    let mut methods = vm.observation.finals.methods.iter();
    let (_, words, own) = methods.find(|(m, ..)| *m == method).expect("its assembly is loaded");
    (*words, *own)
}

/// The slot of a function of an image.
fn slot(vm: &Vm, assembly: AssemblyId, role: &Role) -> TableIndex {
    let function = vm.emission.roles.images[assembly].position(|r| r == role);
    let image = vm.images()[assembly].expect("the image is loaded");
    image.table_base.plus(function.expect("the image has it").0)
}

fn thunk(key: &str) -> Role {
    Role::R2RToInterpreter(key.into())
}

const LOAD_A: &str = r#"{ load = "A" }"#;
const LOAD_B: &str = r#"{ load = "B" }"#;
const TAKE_UCO: &str = r#"{ take = "TakeUco", into = "uco" }"#;
const CALL_UCO: &str = r#"{ call = "CallUco", through = "uco", args = [0x1111, 0x2222] }"#;
const TOUCH_UCO: &str = r#"{ touch = "Uco" }"#;
const LAZY: &str = r#"{ call = "Lazy", args = [0x3333, 0x4444] }"#;

#[test]
fn cold() {
    let (words, own) = words(&run(&[LOAD_A]), MANAGED);
    let code = (words.actual_code, own);
    assert_eq!(
        (code, words.interpreter_data, words.flags),
        ((TableIndex::NONE, TableIndex::NONE), 0, 0)
    );
}

#[test]
fn a_thunk_is_installed_over_null_only() {
    // #130634 saw `{2974, MD, 0, flags 4}` live.
    let vm = run(&[LOAD_A, r#"{ touch = "Managed" }"#]);
    let (words, _) = words(&vm, MANAGED);
    assert_eq!(words.actual_code, slot(&vm, AssemblyId(0), &thunk("iiip")));
    assert_eq!((words.interpreter_data, words.flags), (0, PREFERS_INTERPRETER));
    assert!(!words.has_native_entry_point());
    // Prepared first: the R2R body stays.
    let vm = run(&[LOAD_A, r#"{ prepare = "Managed" }"#, r#"{ touch = "Managed" }"#]);
    assert_eq!(
        self::words(&vm, MANAGED).0.actual_code,
        slot(&vm, AssemblyId(0), &Role::Body(MANAGED))
    );
}

#[test]
fn publishing_r2r_code_replaces_the_thunk() {
    let vm = run(&[LOAD_A, r#"{ touch = "Managed" }"#, LAZY]);
    let (words, _) = words(&vm, MANAGED);
    assert_eq!(words.actual_code, slot(&vm, AssemblyId(0), &Role::Body(MANAGED)));
    assert_eq!((words.interpreter_data, words.flags), (0, 0));
}

#[test]
fn a_uco_methods_own_index_is_the_same_whatever_was_touched_first() {
    let orders: [&[&str]; 4] = [
        &[LOAD_A, TAKE_UCO, CALL_UCO],
        &[LOAD_A, TOUCH_UCO, TAKE_UCO, CALL_UCO],
        &[LOAD_A, TAKE_UCO, TOUCH_UCO, CALL_UCO],
        &[LOAD_A, TOUCH_UCO, r#"{ prepare = "Uco" }"#, TAKE_UCO, CALL_UCO],
    ];
    for order in orders {
        let vm = run(order);
        let (words, own) = words(&vm, UCO);
        assert_eq!(own, slot(&vm, AssemblyId(0), &Role::Body(UCO)), "{order:?}");
        assert_eq!(words.flags & (UCO_CHECKED | UCO_HAS), 3, "{order:?}");
        let taken = vm.observation.events.iter().find_map(|e| e.pointer);
        assert_eq!(taken, Some(own.into()), "{order:?}");
    }
}

#[test]
fn a_managed_thunk_that_was_there_first_stays_for_managed_callers() {
    let vm = run(&[LOAD_A, TOUCH_UCO, TAKE_UCO, CALL_UCO]);
    let (words, own) = words(&vm, UCO);
    assert_eq!(words.actual_code, slot(&vm, AssemblyId(0), &thunk("iiip")));
    assert_ne!(words.actual_code, own);
}

#[test]
fn the_seed_fault_depends_on_who_was_there_first() {
    let fault = Fault::find("issue-129857").expect("the fault exists").loader;
    let taken = |events: &[&str]| {
        let vm = run_under(events, fault);
        let pointer = vm.observation.events.last().and_then(|e| e.pointer);
        (
            pointer,
            slot(&vm, AssemblyId(0), &Role::Body(UCO)).into(),
            slot(&vm, AssemblyId(0), &thunk("iiip")).into(),
        )
    };
    let (pointer, _, thunk) = taken(&[LOAD_A, TAKE_UCO]);
    assert_eq!(pointer, Some(thunk));
    let (pointer, body, _) = taken(&[LOAD_A, r#"{ prepare = "Uco" }"#, TAKE_UCO]);
    assert_eq!(pointer, Some(body));
}

#[test]
fn a_method_waits_for_an_image_that_brings_its_thunk() {
    let touch = r#"{ touch = "Plain" }"#;
    let vm = run(&[LOAD_A, touch]);
    assert_eq!(words(&vm, PLAIN).0.actual_code, TableIndex::NONE);
    let vm = run(&[LOAD_A, touch, LOAD_B]);
    assert_eq!(words(&vm, PLAIN).0.actual_code, slot(&vm, AssemblyId(1), &thunk("ldp")));
}

#[test]
fn images_take_the_table_as_it_grows_and_are_relocated_to_it() {
    for order in [[LOAD_A, LOAD_B], [LOAD_B, LOAD_A]] {
        let vm = run(&order);
        let mut images: Vec<_> = vm.images().iter().flatten().copied().collect();
        images.sort_by_key(|image| image.table_base);
        assert_eq!(images[0].table_base, TableIndex::new(HOST_SLOTS));
        assert_eq!(images[1].table_base, images[0].table_base.plus(images[0].table_size));
        for image in images {
            assert_eq!(image.min_function_index, image.table_base);
            assert_eq!(image.image_base.get() % 16, 0);
        }
    }
}

#[test]
fn a_lazy_cell_starts_at_its_import_thunks_record_and_ends_at_the_entry_point() {
    let lazy = Import::LazyMethodEntry(MANAGED);
    let cell = |vm: &Vm| {
        let rva = vm.facts.images[AssemblyId(0)].rva_of(lazy).expect("the image imports it");
        let mut cells = vm.observation.finals.cells.iter();
        cells.find(|c| c.0 == AssemblyId(0) && c.1 == rva).expect("the cell was observed").2
    };
    let vm = run(&[LOAD_A]);
    let image = vm.images()[AssemblyId(0)].expect("loaded");
    let payload = vm.emission.program.images[ModuleId(0)].payload.len() as u32;
    let base = image.image_base.get();
    assert!((base..base + payload).contains(&cell(&vm)));
    let vm = run(&[LOAD_A, LAZY]);
    assert_eq!(Some(cell(&vm)), vm.method(MANAGED).map(|m| m.pep.get()));
}

#[test]
fn virtual_ips_and_table_indices_lead_to_each_other() {
    let vm = run(&[LOAD_A, LOAD_B]);
    for method in [MANAGED, UCO] {
        let index = slot(&vm, AssemblyId(0), &Role::Body(method));
        let ip = virtual_ip_of_table_index(&vm, index).expect("compiled code has one");
        assert_eq!(ip.get() & 0x8000_0001, 0x8000_0001);
        assert_eq!(table_index_of_virtual_ip(&vm, ip), Some(index));
    }
    assert_eq!(table_index_of_virtual_ip(&vm, VirtualIp::new(0xffff_ffff)), None);
    assert_eq!(virtual_ip_of_table_index(&vm, TableIndex::new(1)), None);
}
