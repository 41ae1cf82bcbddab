//! The oracle can fail: for each class of finding, something planted that trips it.

mod nested;

use std::borrow::Cow;
use std::sync::Arc;

use crate::abi::ValType;
use crate::engine::{Engine, EngineError, EngineKind, HostCall, Process, paper::Paper};
use crate::image::code::{Global, Op};
use crate::image::emission::{Emission, Role};
use crate::image::helpers::Helper;
use crate::image::map::GUARD_SIZE;
use crate::image::pep::{CODE, PEP_SIZE};
use crate::image::{FunctionId, ModuleId, Program};
use crate::judge::Judge;
use crate::loader::{Fixed, Loader, Vm};
use crate::scenario::{AssemblyId, MethodId, Scenario, text};
use crate::verdict::FindingClass;

use crate::tests::util::HandsOut;

const PROGRAM: &str = r#"
calliper = 1
title = "two UCO methods of one type, a managed one, and calls of them"

[assemblies]
A = {}

[methods]
Uco = { in = "A", code = "r2r", signature = "long (long, int)", uco = true }
Other = { in = "A", code = "r2r", signature = "long (long, int)", uco = true }
Managed = { in = "A", code = "r2r", signature = "long (int, int)" }
Interpreted = { in = "A", code = "interpreted", signature = "int (int, int)" }

[sites]
TakeUco = { in = "A", ldftn = "Uco" }
CallUco = { in = "A", unmanaged = "long (long, int)" }
CallManaged = { in = "A", direct = "Managed" }
CallInterpreted = { in = "A", direct = "Interpreted" }

[script]
events = [
    { load = "A" },
    { call = "CallManaged", args = [0x11223344, 0x55667788] },
    { call = "CallInterpreted", args = [0x11223344, 0x55667788] },
    { take = "TakeUco", into = "uco" },
    { call = "CallUco", through = "uco", args = [0x0123456789abcdef, 0x13572468] },
]
"#;

fn scenario() -> Arc<Scenario> {
    Arc::new(text::parse("planted.toml", PROGRAM.as_bytes()).expect("the scenario is valid"))
}

/// The headline of each engine under a loader, with modules altered by `plant`.
fn headlines(
    loader: &'static dyn Loader,
    plant: impl Fn(&mut Emission),
) -> Vec<Option<FindingClass>> {
    headlines_of(&scenario(), loader, plant)
}

fn headlines_of(
    scenario: &Arc<Scenario>,
    loader: &'static dyn Loader,
    plant: impl Fn(&mut Emission),
) -> Vec<Option<FindingClass>> {
    let mut emission = Emission::new(&scenario.layout);
    plant(&mut emission);
    let mut judge = Judge::new(&EngineKind::available());
    let verdicts = judge.judge_emitted(scenario, &Arc::new(emission), loader);
    let verdicts = verdicts.expect("every engine accepts the modules");
    verdicts.iter().map(|v| v.findings.first().map(|f| f.class)).collect()
}

#[track_caller]
fn all_find(class: FindingClass, loader: &'static dyn Loader, plant: impl Fn(&mut Emission)) {
    let headlines = headlines(loader, plant);
    assert!(headlines.iter().all(|&h| h == Some(class)), "{class}: {headlines:?}");
}

/// Alters the code of the function with this role, in whichever module it is.
fn alter(emission: &mut Emission, role: &Role, change: impl Fn(&mut Vec<Op>)) {
    let program: &mut Program = Arc::get_mut(&mut emission.program).expect("not shared yet");
    let mut found = false;
    let modules = [&mut program.runtime].into_iter().chain(&mut program.images);
    let roles = [&emission.roles.runtime].into_iter().chain(&emission.roles.images);
    for (module, roles) in modules.zip(roles) {
        for (function, known) in module.functions.iter_mut().zip(roles) {
            if known == role {
                change(&mut function.code);
                found = true;
            }
        }
    }
    assert!(found, "no function is {role:?}");
}

/// The table slot of the function with this role in the first image.
fn slot(vm: &Vm, role: &Role) -> u32 {
    let function = vm.emission.roles.images[AssemblyId(0)].position(|r| r == role);
    let image = vm.images()[AssemblyId(0)].expect("the image is loaded");
    image.table_base.plus(function.expect("the image has the function").0).get()
}

const MANAGED: Role = Role::Body(MethodId(2));

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert!(headlines(&Fixed, |_| ()).iter().all(Option::is_none));
}

#[test]
fn pointers_to_the_wrong_thing() {
    all_find(FindingClass::SignatureMismatch, &HandsOut(|vm| slot(vm, &MANAGED)), |_| ());
    all_find(FindingClass::NullSlot, &HandsOut(|_| 0), |_| ());
    all_find(FindingClass::OutOfBounds, &HandsOut(|_| 0x8001_0001), |_| ());
    // Another method's body of the same type: no trap, the wrong callee.
    let other = HandsOut(|vm| slot(vm, &Role::Body(MethodId(1))));
    all_find(FindingClass::WrongCallee, Box::leak(Box::new(other)), |_| ());
}

#[test]
fn a_wrong_pointer_that_is_never_called() {
    let mut scenario = (*scenario()).clone();
    scenario.script.pop();
    let verdicts = Judge::new(&[EngineKind::PAPER]).judge(&Arc::new(scenario), &HandsOut(|_| 7));
    let findings = &verdicts.expect("paper runs anything")[0].findings;
    assert_eq!(findings[0].class, FindingClass::Resolution);
}

#[test]
fn a_caller_that_passes_another_argument() {
    all_find(FindingClass::WrongArguments, &Fixed, |emission| {
        alter(emission, &Role::Caller(crate::scenario::SiteId(2)), |code| {
            // Both int arguments come from the first one's place.
            let second = code.iter().rposition(|op| matches!(op, Op::Load(ValType::I32, 24)));
            code[second.expect("the second argument is loaded")] = Op::Load(ValType::I32, 16);
        });
    });
}

#[test]
fn a_thunk_that_passes_another_entry_point() {
    all_find(FindingClass::WrongArguments, &Fixed, |emission| {
        alter(emission, &MANAGED, |code| {
            // The body tells the probe of another entry point than it was given.
            let last = code.iter().rposition(|op| *op == Op::LocalGet(3)).expect("pep is recorded");
            code[last] = Op::LocalGet(0);
        });
    });
}

#[test]
fn a_body_that_returns_something_else() {
    all_find(FindingClass::WrongResult, &Fixed, |emission| {
        alter(emission, &MANAGED, |code| {
            let Some(Op::Load(_, offset)) = code.last_mut() else { panic!("the result is loaded") };
            *offset -= 8;
        });
    });
}

#[test]
fn a_body_that_writes_over_a_guard() {
    all_find(FindingClass::StrayWrite, &Fixed, |emission| {
        let guard = emission.facts.map.result(0).get() - GUARD_SIZE;
        alter(emission, &MANAGED, |code| {
            code.splice(
                0..0,
                [Op::I32Const(guard as i32), Op::I32Const(1), Op::Store(ValType::I32, 0)],
            );
        });
    });
}

#[test]
fn a_body_that_writes_over_static_data() {
    all_find(FindingClass::StrayWrite, &Fixed, |emission| {
        alter(emission, &MANAGED, |code| {
            code.splice(0..0, [Op::I32Const(0x500), Op::I32Const(1), Op::Store(ValType::I32, 0)]);
        });
    });
}

#[test]
fn a_body_that_writes_behind_the_entry_point_it_was_given() {
    all_find(FindingClass::StrayWrite, &Fixed, |emission| {
        alter(emission, &MANAGED, |code| {
            code.splice(
                0..0,
                [Op::LocalGet(3), Op::I32Const(1), Op::Store(ValType::I32, PEP_SIZE)],
            );
        });
    });
}

#[test]
fn a_thunk_that_does_not_restore_the_stack_pointer() {
    all_find(FindingClass::StackPointer, &Fixed, |emission| {
        alter(emission, &Role::R2RToInterpreter("iiip".into()), |code| {
            let restore =
                code.iter().rposition(|op| *op == Op::GlobalSet(Global::StackPointer)).unwrap();
            code[restore] = Op::Drop;
        });
    });
}

#[test]
fn a_helper_that_aborts() {
    all_find(FindingClass::Abort, &Fixed, |emission| {
        alter(emission, &Role::Helper(Helper::PInvokeBegin), |code| {
            code.insert(0, Op::Unreachable);
        });
    });
}

#[test]
fn a_call_that_never_ends() {
    all_find(FindingClass::ResourceLimit, &Fixed, |emission| {
        // The method's body calls itself through the entry point that it was given.
        let program = Arc::get_mut(&mut emission.program).expect("not shared yet");
        let function = &mut program.images[ModuleId(0)].functions[FunctionId(2)];
        let ty = function.ty;
        assert_eq!(function.name, "Program::Managed");
        let again = [
            Op::LocalGet(0),
            Op::LocalGet(1),
            Op::LocalGet(2),
            Op::LocalGet(3),
            Op::LocalGet(3),
            Op::Load(ValType::I32, CODE),
            Op::CallIndirect(ty),
            Op::Drop,
        ];
        function.code.splice(0..0, again);
    });
}

/// An engine that executes as the paper engine does, and lies about one byte of memory.
#[derive(Default)]
struct Liar {
    paper: Paper<Vm>,
    memory: Vec<u8>,
}

impl Engine<Vm> for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn run(
        &mut self,
        program: &Arc<Program>,
        vm: Vm,
        host: HostCall<Vm>,
        drive: &mut dyn FnMut(&mut dyn Process<Vm>),
    ) -> Result<Vm, EngineError> {
        let vm = self.paper.run(program, vm, host, drive)?;
        self.memory = self.paper.memory().into_owned();
        self.memory[0x3000] ^= 1;
        Ok(vm)
    }

    fn memory(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.memory)
    }
}

#[test]
fn engines_that_disagree() {
    let mut judge = Judge::with(vec![Box::new(Paper::new()), Box::new(Liar::default())]);
    let verdicts = judge.judge(&scenario(), &Fixed).expect("paper runs anything");
    assert!(verdicts[0].findings.is_empty());
    assert_eq!(verdicts[1].findings[0].class, FindingClass::EngineDivergence);
}
