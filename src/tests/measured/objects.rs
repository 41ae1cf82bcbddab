//! Slots of MethodTables, and delegates.

use crate::loader::Fixed;

use crate::tests::util::{Finished, run_text};

const PROGRAM: &str = r#"
calliper = 1
title = "what was measured of objects"
ready-to-run = false

[assemblies]
A = {}

[structs]
S16 = { size = 16, align = 4 }

[classes]
Base = { in = "A" }
Derived = { in = "A", base = "Base" }
Shape = { in = "A", interface = true }
Square = { in = "A" }
Point = { in = "A", struct = true }

[methods]
Foo = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Base", virtual = true }
Bar = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Base", virtual = true }
DerivedFoo = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Derived", overrides = "Foo" }
Plain = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Base" }
Area = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Shape", virtual = true }
Default = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Shape", virtual = true }
SquareArea = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Square", overrides = "Area" }
PointArea = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Point", overrides = "Area" }
PointPlain = { in = "A", code = "interpreted", signature = "instance int (int)", class = "Point" }
Static = { in = "A", code = "interpreted", signature = "int (int)" }
StaticS16 = { in = "A", code = "interpreted", signature = "S16 (int)" }
Extension = { in = "A", code = "interpreted", signature = "int (object, int)" }
ExtensionS16 = { in = "A", code = "interpreted", signature = "S16 (object, int)" }

[sites]
CallFoo = { in = "A", by = "interpreter", virtual = "Foo" }
CallArea = { in = "A", by = "interpreter", virtual = "Area" }
Invoke = { in = "A", by = "interpreter", invoke = "int (int)" }
InvokeS16 = { in = "A", by = "interpreter", invoke = "S16 (int)" }
OverStatic = { in = "A", by = "interpreter", delegate = "Static" }
OverStaticS16 = { in = "A", by = "interpreter", delegate = "StaticS16" }
OnFoo = { in = "A", by = "interpreter", delegate = "Foo", closed = true }
OnPlain = { in = "A", by = "interpreter", delegate = "Plain", closed = true }
OnExtension = { in = "A", by = "interpreter", delegate = "Extension", closed = true }
OnExtensionS16 = { in = "A", by = "interpreter", delegate = "ExtensionS16", closed = true }
OnPointPlain = { in = "A", by = "interpreter", delegate = "PointPlain", closed = true }
OnArea = { in = "A", by = "interpreter", delegate = "Area", closed = true }
OnDefault = { in = "A", by = "interpreter", delegate = "Default", closed = true }
"#;

const LOAD: &str = r#"{ load = "A" }"#;
const INVOKE: &str = r#"{ call = "Invoke", through = "d", args = [0x11223344] }"#;
const INVOKE_S16: &str = r#"{ call = "InvokeS16", through = "d", args = [0x11223344] }"#;

fn run(events: &[&str]) -> Finished {
    let events: Vec<&str> = [LOAD].into_iter().chain(events.iter().copied()).collect();
    let finished = run_text(PROGRAM, &events, &Fixed);
    assert_eq!(finished.vm.observation.trap, None);
    finished
}

/// `_target`, `_methodPtr` and `_methodPtrAux` of the delegate that `d` holds.
fn delegate(run: &Finished) -> (u32, u32, u32) {
    let at = run.variable("d");
    (run.word(at + 4), run.word(at + 12), run.word(at + 16))
}

/// A delegate before and after it is invoked, which changes none of its words.
fn before_and_after(take: &str, invoke: &str) -> (Finished, Finished) {
    let (before, after) = (run(&[take]), run(&[take, invoke]));
    assert_eq!(delegate(&before), delegate(&after), "invoking changes none of these words");
    (before, after)
}

#[test]
fn slots_hold_the_most_derived_override_and_calls_do_not_patch_them() {
    let cold = run(&[]);
    assert_eq!([cold.slot("Base", 0), cold.slot("Base", 1)], [cold.pep("Foo"), cold.pep("Bar")]);
    let derived = [cold.slot("Derived", 0), cold.slot("Derived", 1)];
    assert_eq!(derived, [cold.pep("DerivedFoo"), cold.pep("Bar")]);
    assert_eq!(cold.words(derived[0]), "0, MD of DerivedFoo, 0, 0");

    let called = run(&[r#"{ call = "CallFoo", this = "Derived", args = [0x11223344] }"#]);
    assert_eq!([called.slot("Derived", 0), called.slot("Derived", 1)], derived);
    assert_eq!(called.words(derived[0]), "0, MD of DerivedFoo, IR, 0");
    assert_eq!(called.words_of("Foo"), "0, MD of Foo, 0, 0");
    assert_eq!(called.words_of("Bar"), "0, MD of Bar, 0, 0");
}

#[test]
fn an_interface_call_leaves_the_same_words() {
    let called = run(&[r#"{ call = "CallArea", this = "Square", args = [0x11223344] }"#]);
    assert_eq!(called.words_of("SquareArea"), "0, MD of SquareArea, IR, 0");
    assert_eq!(called.words_of("Area"), "0, MD of Area, 0, 0");
}

#[test]
fn over_a_static_method() {
    let (before, after) = before_and_after(r#"{ take = "OverStatic", into = "d" }"#, INVOKE);
    let (target, method_ptr, aux) = delegate(&before);
    assert_eq!(target, before.variable("d"), "_target is the delegate itself");
    assert_eq!(aux, before.pep("Static"));
    assert_eq!(before.words(aux), "0, MD of Static, 0, 2");
    assert_eq!(after.words(aux), "0, MD of Static, IR, 2");
    assert_eq!(after.words(method_ptr), "0, MD of Static's shuffle thunk, IR, 0");
}

#[test]
fn over_a_static_method_with_a_struct_result() {
    let take = r#"{ take = "OverStaticS16", into = "d" }"#;
    let (_, after) = before_and_after(take, INVOKE_S16);
    let (target, method_ptr, aux) = delegate(&after);
    assert_eq!((target, aux), (after.variable("d"), after.pep("StaticS16")));
    assert_eq!(after.words(method_ptr), "0, MD of StaticS16's shuffle thunk, IR, 0");
    assert_eq!(after.words(aux), "0, MD of StaticS16, IR, 2");
}

#[test]
fn closed_over_an_instance_virtual_or_not() {
    for (take, callee) in [
        (r#"{ take = "OnFoo", into = "d", on = "Derived" }"#, "DerivedFoo"),
        (r#"{ take = "OnPlain", into = "d", on = "Derived" }"#, "Plain"),
    ] {
        let (_, after) = before_and_after(take, INVOKE);
        assert_eq!(delegate(&after), (after.object("Derived"), after.pep(callee), 0));
        assert_eq!(after.words_of(callee), format!("0, MD of {callee}, IR, 0"));
    }
}

#[test]
fn closed_over_the_first_argument_of_a_static_method() {
    for (take, invoke, callee) in [
        (r#"{ take = "OnExtension", into = "d", on = "Base" }"#, INVOKE, "Extension"),
        // With a return buffer, again the method's own entry point.
        (r#"{ take = "OnExtensionS16", into = "d", on = "Base" }"#, INVOKE_S16, "ExtensionS16"),
    ] {
        let (before, after) = before_and_after(take, invoke);
        assert_eq!(delegate(&before), (before.object("Base"), before.pep(callee), 0));
        assert_eq!(before.words_of(callee), format!("0, MD of {callee}, 0, 2"));
        assert_eq!(after.words_of(callee), format!("0, MD of {callee}, IR, 2"));
    }
}

#[test]
fn closed_over_a_boxed_struct() {
    for (take, callee) in [
        (r#"{ take = "OnPointPlain", into = "d", on = "Point" }"#, "PointPlain"),
        (r#"{ take = "OnArea", into = "d", on = "Point" }"#, "PointArea"),
    ] {
        let (before, after) = before_and_after(take, INVOKE);
        let (target, method_ptr, aux) = delegate(&before);
        assert_eq!((target, aux), (before.object("Point"), 0));
        assert_ne!(method_ptr, before.pep(callee));
        let stub = format!("MD of {callee}'s unboxing stub");
        assert_eq!(before.words(method_ptr), format!("0, {stub}, 0, 0"));
        assert_eq!(after.words(method_ptr), format!("0, {stub}, IR, 0"));
        assert_eq!(after.ran(), [callee]);
    }
}

#[test]
fn a_default_interface_method_has_one_entry_point_for_classes_and_boxed_structs() {
    for class in ["Square", "Point"] {
        let take = format!(r#"{{ take = "OnDefault", into = "d", on = "{class}" }}"#);
        let (_, after) = before_and_after(&take, INVOKE);
        assert_eq!(delegate(&after), (after.object(class), after.pep("Default"), 0));
        assert_eq!(after.words_of("Default"), "0, MD of Default, IR, 0");
    }
}
