//! Whatever the bytes, the scenario is valid; and everything occurs.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Unstructured;

use super::super::meaning::mix;
use super::super::targets::{HeldKind, Variables};
use super::super::validate::validate;
use super::super::{
    Action, Call, Caller, ClassKind, Code, Convention, Event, Form, Layout, MethodId, RuntimePath,
    Scenario, SiteId, Slot, StructShape, Type,
};
use super::{fixup, generate, regenerate_script, weights};

/// Scenarios within which everything must have occurred.
const ENOUGH: u64 = 20_000;
/// Scenarios among which what known bugs need must be common.
const COMMON: u64 = 4000;

fn seeded(seed: u64) -> Scenario {
    let words = mix(seed, 0) % 100;
    let bytes: Vec<u8> = (0..words).flat_map(|i| mix(seed, i).to_le_bytes()).collect();
    generate(&mut Unstructured::new(&bytes))
}

#[test]
fn every_byte_string_gives_a_valid_scenario() {
    assert_eq!(validate(&generate(&mut Unstructured::new(&[]))), Ok(()));
    for byte in 0..=255u8 {
        assert_eq!(validate(&generate(&mut Unstructured::new(&[byte; 900]))), Ok(()));
    }
    for seed in 0..10_000 {
        let scenario = seeded(seed);
        assert_eq!(validate(&scenario), Ok(()), "{scenario:?}");
        let mut fixed = scenario.clone();
        fixup(&mut fixed);
        assert_eq!(fixed, scenario);
        let mut other = scenario.clone();
        regenerate_script(&mut Unstructured::new(&mix(seed, 1).to_le_bytes()), &mut other);
        assert_eq!(validate(&other), Ok(()), "{other:?}");
        assert_eq!(other.layout, scenario.layout);
    }
}

#[test]
fn every_script_calls_something() {
    for seed in 0..4000 {
        let scenario = seeded(seed);
        assert!(calls_something(&scenario), "{scenario:?}");
        assert!(scenario.script.len() <= weights::MAX_EVENTS);
        assert!(scenario.layout.methods.len() <= weights::MAX_METHODS);
    }
}

fn calls_something(scenario: &Scenario) -> bool {
    let mut variables = Variables::new(scenario);
    scenario.script.iter().any(|event| {
        variables.step(event);
        matches!(event, Event::Call(call) if variables.target(call).is_some())
    })
}

/// What each of these is, spelled out: the whole list of what is called by
/// whom and on which path, of which form and shape, and of what else happens.
#[test]
fn everything_occurs() {
    let mut seen = BTreeMap::new();
    for seed in 0..ENOUGH {
        let mut kinds = BTreeSet::new();
        describe(&seeded(seed), &mut kinds);
        for kind in kinds {
            *seen.entry(kind).or_insert(0u32) += 1;
        }
    }
    let seen: BTreeSet<String> = seen.into_keys().collect();
    insta::assert_snapshot!(seen.into_iter().collect::<Vec<_>>().join("\n"));
}

fn describe(scenario: &Scenario, kinds: &mut BTreeSet<String>) {
    let layout = &scenario.layout;
    let mut say = |kind: String| {
        kinds.insert(kind);
    };
    say(format!("assemblies: {}", layout.assemblies.len()));
    if scenario.interpreter_only {
        say("interpreter only".into());
    }
    for item in &layout.structs {
        match item.shape {
            StructShape::Opaque { size, .. } => say(format!("struct: {size}")),
            StructShape::Wraps(Type::Struct(_)) => say("struct: wraps a struct".into()),
            StructShape::Wraps(ty) => say(format!("struct: wraps {ty:?}")),
            StructShape::Empty => say("struct: empty".into()),
        }
    }
    let mut variables = Variables::new(scenario);
    for event in &scenario.script {
        variables.step(event);
        match event {
            Event::Load(_) => say("event: load".into()),
            Event::Prepare(_) => say("event: prepare".into()),
            Event::Touch(_) => say("event: touch".into()),
            Event::Reset(_) => say("event: reset".into()),
            Event::Recycle { .. } => say("event: recycle".into()),
            Event::Take { site, .. } => say(site_kind(layout, *site)),
            Event::Call(call) => describe_call(layout, &variables, call, 1, &mut say),
        }
    }
}

fn describe_call(
    layout: &Layout,
    variables: &Variables<'_>,
    call: &Call,
    depth: usize,
    say: &mut impl FnMut(String),
) {
    let target = variables.target(call).expect("a valid call");
    let site = site_kind(layout, call.site);
    say(format!("{site} -> {}", code(layout, target.method)));
    say(format!("callee: {}", callee(layout, target.method)));
    say(format!("depth: {depth}"));
    if let Some(HeldKind::Delegate { on }) = variables.of(call).map(|held| held.kind) {
        let kind = if on.is_some() { "closed" } else { "open" };
        say(format!("{kind} delegate -> {}", receiver(layout, target.method)));
    }
    if matches!(layout.site(call.site).action, Action::Virtual { .. }) {
        say(format!("slot -> {}", receiver(layout, target.method)));
    }
    for inner in &call.inside {
        describe_call(layout, variables, inner, depth + 1, say);
    }
}

fn code(layout: &Layout, method: MethodId) -> String {
    format!("{:?}", layout.method(method).code)
}

fn callee(layout: &Layout, id: MethodId) -> String {
    let method = layout.method(id);
    let signature = &method.signature;
    let kind = match (method.convention, method.form) {
        (Convention::UnmanagedCallersOnly, _) if method.reverse_thunk => "UCO with reverse thunk",
        (Convention::UnmanagedCallersOnly, _) => "UCO",
        (Convention::PInvoke, _) => "P/Invoke",
        (_, Form::Dynamic) => "dynamic",
        (_, Form::StringConstructor) => "string constructor",
        _ if signature.context && signature.continuation => "generic async",
        _ if signature.context => "generic",
        _ if signature.continuation => "async",
        _ => "ordinary",
    };
    format!("{kind} {}", code(layout, id))
}

fn receiver(layout: &Layout, id: MethodId) -> String {
    let method = layout.method(id);
    let kind = match method.class.map(|class| layout.class(class).kind) {
        Some(ClassKind::Class) => "class",
        Some(ClassKind::Interface) => "interface",
        Some(ClassKind::Struct) => "struct",
        None if method.signature.instance => "unknown instance",
        None => "static",
    };
    let slot = if method.is_virtual() { "virtual " } else { "" };
    format!("{slot}{kind} {}", code(layout, id))
}

fn site_kind(layout: &Layout, site: SiteId) -> String {
    let site = layout.site(site);
    let chosen = match &site.action {
        Action::Direct { binding, .. } => format!(" {binding:?}"),
        Action::Virtual { dispatch, .. } => format!(" {dispatch:?}"),
        Action::PInvoke { suppress_gc_transition: true, .. } => " suppress".into(),
        Action::NewDelegate { closed: true, .. } => " closed".into(),
        Action::NewDelegate { closed: false, .. } => " open".into(),
        _ => String::new(),
    };
    let action = format!("{}{chosen}", site.action.kind().word());
    let caller = site.caller.kind().word();
    format!("site: {caller} {action}")
}

/// Same seeds, same scenarios: what each situation of the known bugs needs is common.
#[test]
fn the_situations_of_known_bugs_are_common() {
    let mut counts = BTreeMap::new();
    for seed in 0..COMMON {
        let mut kinds = BTreeSet::new();
        situations(&seeded(seed), &mut kinds);
        for kind in kinds {
            *counts.entry(kind).or_insert(0u64) += 1;
        }
    }
    for (kind, least) in SITUATIONS {
        let found = counts.get(kind).copied().unwrap_or(0);
        assert!(found * 1000 >= *least * COMMON, "{kind}: {found} of {COMMON}\n{counts:#?}");
    }
    let of: Vec<&str> = SITUATIONS.iter().map(|(kind, _)| *kind).collect();
    assert!(counts.keys().all(|kind| of.contains(kind)), "{counts:#?}");
}

/// In how many of a thousand scenarios each is called at the least.
const SITUATIONS: &[(&str, u64)] = &[
    ("a boxed receiver of a closed delegate", 40),
    ("a boxed receiver of an interface", 35),
    ("a closed static with a return buffer", 18),
    ("a direct call of a cold interpreted method", 120),
    ("a finalizer override that is interpreted", 5),
    ("a runtime constructor or entry point that is interpreted", 35),
    ("a shared generic that is interpreted", 22),
    ("a string constructor from the interpreter, compiled", 8),
    ("a touch before the caller's assembly is loaded", 25),
    ("a vector to compiled code from the interpreter", 12),
    ("an export of a compiled UCO method", 28),
    ("an open virtual delegate with a compiled target", 25),
    ("an unmanaged calli in the interpreter", 60),
];

fn situations(scenario: &Scenario, kinds: &mut BTreeSet<&'static str>) {
    let layout = &scenario.layout;
    let mut variables = Variables::new(scenario);
    let mut loaded = BTreeSet::new();
    let mut touched = BTreeMap::new();
    for event in &scenario.script {
        variables.step(event);
        match event {
            Event::Load(assembly) => {
                loaded.insert(*assembly);
            }
            Event::Touch(method) => {
                touched.entry(*method).or_insert(loaded.len());
            }
            Event::Take { into, .. } => {
                let held = variables.held(*into).expect("a valid take");
                touched.entry(held.method).or_insert(loaded.len());
            }
            Event::Call(call) => {
                let method = variables.target(call).expect("a valid call").method;
                kinds.extend(situation(layout, &variables, call, method));
                let late = touched.get(&method).is_some_and(|&then| then < loaded.len());
                if late && layout.method(method).code == Code::Interpreted {
                    kinds.insert("a touch before the caller's assembly is loaded");
                } else if layout.method(method).code == Code::Interpreted
                    && matches!(layout.site(call.site).action, Action::Direct { .. })
                    && touched.insert(method, 99).is_none()
                {
                    kinds.insert("a direct call of a cold interpreted method");
                }
            }
            _ => {}
        }
    }
}

fn situation(
    layout: &Layout,
    variables: &Variables<'_>,
    call: &Call,
    method: MethodId,
) -> Option<&'static str> {
    let site = layout.site(call.site);
    let data = layout.method(method);
    let interpreted = data.code == Code::Interpreted;
    let compiled = data.code == Code::ReadyToRun;
    let by_interpreter = matches!(site.caller, Caller::Interpreter(_));
    let boxed = layout.is_boxed(method);
    let buffer = data.signature.ret.is_some_and(|ty| crate::abi::vm::returns_by_buffer(layout, ty));
    let vector = data.signature.params.contains(&Type::Vector128);
    let held = variables.of(call).map(|held| held.kind);
    Some(match (&site.action, held) {
        (Action::Invoke(_), Some(HeldKind::Delegate { on: Some(_) })) if boxed => {
            "a boxed receiver of a closed delegate"
        }
        (Action::Invoke(_), Some(HeldKind::Delegate { on: Some(_) }))
            if buffer && !data.signature.instance =>
        {
            "a closed static with a return buffer"
        }
        (Action::Invoke(_), Some(HeldKind::Delegate { on: None }))
            if data.is_virtual() && compiled =>
        {
            "an open virtual delegate with a compiled target"
        }
        (Action::Virtual { .. }, _) if boxed => "a boxed receiver of an interface",
        (Action::UnmanagedCalli(_), _) if by_interpreter => "an unmanaged calli in the interpreter",
        (Action::Runtime { path: RuntimePath::Export, .. }, _) if compiled => {
            "an export of a compiled UCO method"
        }
        (Action::Runtime { path: RuntimePath::Finalizer, .. }, _)
            if interpreted && data.slot != Slot::Virtual =>
        {
            "a finalizer override that is interpreted"
        }
        (Action::Runtime { path: RuntimePath::Export | RuntimePath::Resume, .. }, _) => {
            return None;
        }
        (Action::Runtime { path, .. }, _) if interpreted && *path != RuntimePath::Reflection => {
            "a runtime constructor or entry point that is interpreted"
        }
        _ if data.form == Form::StringConstructor && compiled && by_interpreter => {
            "a string constructor from the interpreter, compiled"
        }
        _ if data.signature.context && interpreted => "a shared generic that is interpreted",
        _ if vector && compiled && by_interpreter => {
            "a vector to compiled code from the interpreter"
        }
        _ => return None,
    })
}
