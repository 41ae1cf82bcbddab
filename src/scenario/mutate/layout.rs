//! Changes of what there is to call, and of who calls it.

#![deny(clippy::wildcard_enum_match_arm)]

use mutatis::{Context, Generate, mutators};

use super::super::ids::{self, Id, Item};
use super::super::{
    Action, Assembly, Layout, Method, MethodId, ObjectClass, Scenario, Signature, Type,
};
use super::script::below;
use super::weights::{MAX_ASSEMBLIES, MAX_CLASSES, MAX_METHODS, MAX_PARAMS, MAX_SITES};
use super::{Mutation, derived};

/// Makes one change, if the layout has what it is about.
pub(super) fn change(mutation: Mutation, context: &mut Context, scenario: &mut Scenario) {
    let layout = &mut scenario.layout;
    let method = below(context, layout.methods.len());
    let site = below(context, layout.sites.len());
    match mutation {
        Mutation::Code => on(&mut layout.methods, method, |m| derived(context, &mut m.code)),
        Mutation::Method => on(&mut layout.methods, method, |m| derived(context, m)),
        Mutation::Class => class(context, layout),
        Mutation::Convention => {
            on(&mut layout.methods, method, |m| derived(context, &mut m.convention));
            on(&mut layout.methods, method, |m| m.reverse_thunk = context.rng().gen_bool());
        }
        Mutation::Signature if !layout.methods.is_empty() => signature(context, layout, method),
        Mutation::Assembly => assembly(context, layout, method),
        Mutation::Redirect => on(&mut layout.sites, site, |s| redirect(context, &mut s.action)),
        Mutation::Caller => on(&mut layout.sites, site, |s| derived(context, &mut s.caller)),
        Mutation::Struct => {
            let index = below(context, layout.structs.len());
            on(&mut layout.structs, index, |s| derived(context, &mut s.shape));
        }
        Mutation::Twin if !layout.methods.is_empty() => twin(context, layout, method),
        Mutation::Echo if !layout.sites.is_empty() => echo(context, layout, site),
        Mutation::Prune => prune(context, scenario),
        // Without a method or a site, these have nothing to change.
        Mutation::Signature | Mutation::Twin | Mutation::Echo => {}
        // These are changes of the script.
        Mutation::Reorder
        | Mutation::Duplicate
        | Mutation::Drop
        | Mutation::Splice
        | Mutation::Insert
        | Mutation::Nest
        | Mutation::Retarget
        | Mutation::TakeEarlier
        | Mutation::LoadLater => {}
    }
}

fn on<T>(items: &mut [T], index: usize, change: impl FnOnce(&mut T)) {
    if let Some(item) = items.get_mut(index) {
        change(item);
    }
}

/// Gives a method another signature: another method's, or its own with something else in it.
fn signature(context: &mut Context, layout: &mut Layout, method: usize) {
    let mut new = layout.methods[method].signature.clone();
    if context.rng().gen_u8() < 80 {
        let other = below(context, layout.methods.len());
        new.clone_from(&layout.methods[other].signature);
    } else {
        one_type(context, &mut new);
    }
    new.params.truncate(MAX_PARAMS);
    ids::restate(layout, MethodId(method as u16), new);
}

/// Adds, removes or replaces one type, or the receiver.
fn one_type(context: &mut Context, signature: &mut Signature) {
    let params = &mut signature.params;
    let at = below(context, params.len());
    match below(context, 5) {
        0 => {
            if let Ok(ty) = mutators::default::<Type>().generate(context) {
                params.insert(at, ty);
            }
        }
        1 if !params.is_empty() => drop(params.remove(at)),
        2 => signature.instance = !signature.instance,
        3 => derived(context, &mut signature.ret),
        _ => on(params, at, |ty| derived(context, ty)),
    }
}

/// Moves a method to another assembly, which may be a new one.
fn assembly(context: &mut Context, layout: &mut Layout, method: usize) {
    let count = layout.assemblies.len();
    if count < MAX_ASSEMBLIES && below(context, 1 + count) == 0 {
        layout.assemblies.push(Assembly { name: String::new() });
    }
    on(&mut layout.methods, method, |m| derived(context, &mut m.assembly));
}

/// A new class, or a change of one.
fn class(context: &mut Context, layout: &mut Layout) {
    let count = layout.classes.len();
    if count < MAX_CLASSES && below(context, 1 + count) == 0 {
        let class = mutators::default::<ObjectClass>().generate(context);
        layout.classes.extend(class);
    } else {
        let index = below(context, count);
        on(&mut layout.classes, index, |class| derived(context, class));
    }
}

/// Another callee or binding, or another action.
fn redirect(context: &mut Context, action: &mut Action) {
    derived(context, action);
    if let Some(stated) = action.stated_mut() {
        stated.params.truncate(MAX_PARAMS);
    }
}

/// Adds a method that is like another one but for one thing, and sites for it
/// like the other one's: a near miss.
fn twin(context: &mut Context, layout: &mut Layout, method: usize) {
    if layout.methods.len() >= MAX_METHODS {
        return;
    }
    let new = MethodId(layout.methods.len() as u16);
    let mut twin: Method = layout.methods[method].clone();
    match below(context, 4) {
        0 => derived(context, &mut twin.code),
        1 => derived(context, &mut twin.convention),
        2 => derived(context, &mut twin.assembly),
        _ => one_type(context, &mut twin.signature),
    }
    twin.signature.params.truncate(MAX_PARAMS);
    for index in 0..layout.sites.len() {
        let mut site = layout.sites[index].clone();
        let mut refers = false;
        ids::in_site(&mut site, &mut |id| {
            if let Id::Method(id) = id
                && id.index() == method
            {
                *id = new;
                refers = true;
            }
        });
        let stated = site.action.stated_mut();
        if let Some(stated) = stated.filter(|s| **s == layout.methods[method].signature) {
            stated.clone_from(&twin.signature);
            refers = true;
        }
        if refers && layout.sites.len() < MAX_SITES {
            layout.sites.push(site);
        }
    }
    layout.methods.push(twin);
}

/// Adds a site that is like another one but for one thing.
fn echo(context: &mut Context, layout: &mut Layout, site: usize) {
    if layout.sites.len() >= MAX_SITES {
        return;
    }
    let mut echo = layout.sites[site].clone();
    if context.rng().gen_bool() {
        derived(context, &mut echo.caller);
    } else {
        redirect(context, &mut echo.action);
    }
    layout.sites.push(echo);
}

fn prune(context: &mut Context, scenario: &mut Scenario) {
    let item = if context.rng().gen_bool() { Item::Site } else { Item::Method };
    let count = item.count(scenario);
    if count > 1 {
        ids::remove(scenario, item, below(context, count));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_becomes;
    use super::*;

    /// The text of a layout: assemblies A and B, and these lines.
    fn text(classes: &str, methods: &str, sites: &str) -> String {
        let table = |name: &str, lines: &str| match lines {
            "" => String::new(),
            lines => format!("[{name}]\n{lines}\n"),
        };
        let assemblies = "[assemblies]\nA = {}\nB = {}\n";
        let (classes, methods) = (table("classes", classes), table("methods", methods));
        format!("{assemblies}{classes}{methods}{}", table("sites", sites))
    }

    const METHOD: &str = r#"M = { in = "A", code = "r2r", signature = "int (int)" }"#;
    const DIRECT: &str = r#"Call = { in = "A", direct = "M" }"#;

    /// Asserts that a mutation can make the method `after` of [`METHOD`].
    #[track_caller]
    fn assert_method_becomes(mutation: Mutation, after: &str) {
        assert_becomes(mutation, &text("", METHOD, ""), &text("", after, ""));
    }

    /// Asserts that a mutation can make the sites `after` of [`DIRECT`], which calls [`METHOD`].
    #[track_caller]
    fn assert_site_becomes(mutation: Mutation, after: &str) {
        assert_becomes(mutation, &text("", METHOD, DIRECT), &text("", METHOD, after));
    }

    #[test]
    fn code() {
        let after = r#"M = { in = "A", code = "interpreted", signature = "int (int)" }"#;
        assert_method_becomes(Mutation::Code, after);
    }

    #[test]
    fn method() {
        let after = r#"M = { in = "A", code = "r2r", signature = "void (int)" }"#;
        assert_method_becomes(Mutation::Method, after);
    }

    #[test]
    fn convention() {
        let uco = r#"M = { in = "A", code = "r2r", signature = "int (int)", uco = true }"#;
        assert_method_becomes(Mutation::Convention, uco);
        // The target of a P/Invoke is native.
        let pinvoke =
            r#"M = { in = "A", code = "native", signature = "int (int)", pinvoke = true }"#;
        assert_method_becomes(Mutation::Convention, pinvoke);
    }

    #[test]
    fn assembly_of_a_method() {
        let after = r#"M = { in = "B", code = "r2r", signature = "int (int)" }"#;
        assert_method_becomes(Mutation::Assembly, after);
    }

    #[test]
    fn class_of_methods() {
        let after = text(r#"C0 = { in = "A" }"#, METHOD, "");
        assert_becomes(Mutation::Class, &text("", METHOD, ""), &after);
        let before = text(r#"C = { in = "A" }"#, METHOD, "");
        let after = text(r#"C = { in = "A", struct = true }"#, METHOD, "");
        assert_becomes(Mutation::Class, &before, &after);
    }

    #[test]
    fn signature_of_a_method_and_of_who_calls_it() {
        let before = text("", METHOD, r#"Calli = { in = "A", calli = "int (int)" }"#);
        let after = text(
            "",
            r#"M = { in = "A", code = "r2r", signature = "int ()" }"#,
            r#"Calli = { in = "A", calli = "int ()" }"#,
        );
        assert_becomes(Mutation::Signature, &before, &after);
    }

    #[test]
    fn redirect_a_site() {
        assert_site_becomes(
            Mutation::Redirect,
            r#"Call = { in = "A", direct = "M", binding = "eager" }"#,
        );
        assert_site_becomes(Mutation::Redirect, r#"Call = { in = "A", ldftn = "M" }"#);
    }

    #[test]
    fn caller() {
        let after = r#"Call = { in = "A", by = "interpreter", direct = "M" }"#;
        assert_site_becomes(Mutation::Caller, after);
    }

    #[test]
    fn shape_of_a_struct() {
        let before = "[structs]\nS = { size = 8, align = 4 }\n";
        assert_becomes(Mutation::Struct, before, "[structs]\nS = { empty = true }\n");
    }

    #[test]
    fn twin_with_sites_of_its_own() {
        let methods =
            [METHOD, r#"M1 = { in = "A", code = "interpreted", signature = "int (int)" }"#]
                .join("\n");
        let sites = [DIRECT, r#"Site1 = { in = "A", direct = "M1" }"#].join("\n");
        assert_becomes(Mutation::Twin, &text("", METHOD, DIRECT), &text("", &methods, &sites));
    }

    #[test]
    fn echo_of_a_site() {
        let echo = r#"Site1 = { in = "A", by = "interpreter", direct = "M" }"#;
        assert_site_becomes(Mutation::Echo, &[DIRECT, echo].join("\n"));
    }

    #[test]
    fn prune_a_site() {
        let other = r#"Other = { in = "B", direct = "M" }"#;
        let before = text("", METHOD, &[DIRECT, other].join("\n"));
        assert_becomes(Mutation::Prune, &before, &text("", METHOD, other));
    }
}
