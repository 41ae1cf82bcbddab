//! Changes of what there is to call, and of who calls it.

#![deny(clippy::wildcard_enum_match_arm)]

use mutatis::{Context, Generate, mutators};

use super::super::ids::{self, AnyId, Item};
use super::super::{
    Action, Assembly, Layout, MethodId, ObjectClass, Scenario, Signature, SiteId, Type,
};
use super::script::below;
use super::weights::{MAX_ASSEMBLIES, MAX_CLASSES, MAX_METHODS, MAX_PARAMS, MAX_SITES};
use super::{Mutation, derived};
use crate::index::{Id, IndexVec};

/// Makes one change, if the layout has what it is about.
pub(super) fn change(mutation: Mutation, context: &mut Context, scenario: &mut Scenario) {
    let layout = &mut scenario.layout;
    let method = id_of(context, &layout.methods);
    let site = id_of(context, &layout.sites);
    match mutation {
        Mutation::Code => on(layout.methods.get_mut(method), |m| derived(context, &mut m.code)),
        Mutation::Method => on(layout.methods.get_mut(method), |m| derived(context, m)),
        Mutation::Class => class(context, layout),
        Mutation::Convention => {
            on(layout.methods.get_mut(method), |m| derived(context, &mut m.convention));
            on(layout.methods.get_mut(method), |m| m.reverse_thunk = context.rng().gen_bool());
        }
        Mutation::Signature if !layout.methods.is_empty() => signature(context, layout, method),
        Mutation::Assembly => assembly(context, layout, method),
        Mutation::Redirect => on(layout.sites.get_mut(site), |s| redirect(context, &mut s.action)),
        Mutation::Caller => on(layout.sites.get_mut(site), |s| derived(context, &mut s.caller)),
        Mutation::Struct => {
            let id = id_of(context, &layout.structs);
            on(layout.structs.get_mut(id), |s| derived(context, &mut s.shape));
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

/// The id of any of these; the first one's if there is none.
fn id_of<I: Id, T>(context: &mut Context, items: &IndexVec<I, T>) -> I {
    I::from(below(context, items.len()))
}

fn on<T>(item: Option<&mut T>, change: impl FnOnce(&mut T)) {
    if let Some(item) = item {
        change(item);
    }
}

/// Gives a method another signature: another method's, or its own with something else in it.
fn signature(context: &mut Context, layout: &mut Layout, method: MethodId) {
    let mut new = layout.method(method).signature.clone();
    if context.rng().gen_u8() < 80 {
        let other = id_of(context, &layout.methods);
        new.clone_from(&layout.method(other).signature);
    } else {
        one_type(context, &mut new);
    }
    new.params.truncate(MAX_PARAMS);
    ids::restate(layout, method, new);
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
        _ => on(params.get_mut(at), |ty| derived(context, ty)),
    }
}

/// Moves a method to another assembly, which may be a new one.
fn assembly(context: &mut Context, layout: &mut Layout, method: MethodId) {
    let count = layout.assemblies.len();
    if count < MAX_ASSEMBLIES && below(context, 1 + count) == 0 {
        layout.assemblies.push(Assembly { name: String::new() });
    }
    on(layout.methods.get_mut(method), |m| derived(context, &mut m.assembly));
}

/// A new class, or a change of one.
fn class(context: &mut Context, layout: &mut Layout) {
    let count = layout.classes.len();
    if count < MAX_CLASSES && below(context, 1 + count) == 0 {
        let class = mutators::default::<ObjectClass>().generate(context);
        layout.classes.extend(class);
    } else {
        let id = id_of(context, &layout.classes);
        on(layout.classes.get_mut(id), |class| derived(context, class));
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
fn twin(context: &mut Context, layout: &mut Layout, method: MethodId) {
    if layout.methods.len() >= MAX_METHODS {
        return;
    }
    let new = layout.methods.next_id();
    let mut twin = layout.method(method).clone();
    match below(context, 4) {
        0 => derived(context, &mut twin.code),
        1 => derived(context, &mut twin.convention),
        2 => derived(context, &mut twin.assembly),
        _ => one_type(context, &mut twin.signature),
    }
    twin.signature.params.truncate(MAX_PARAMS);
    for id in layout.sites.ids() {
        let mut site = layout.site(id).clone();
        let mut refers = false;
        ids::in_site(&mut site, &mut |id| {
            if let AnyId::Method(id) = id
                && *id == method
            {
                *id = new;
                refers = true;
            }
        });
        let stated = site.action.stated_mut();
        if let Some(stated) = stated.filter(|s| **s == layout.method(method).signature) {
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
fn echo(context: &mut Context, layout: &mut Layout, site: SiteId) {
    if layout.sites.len() >= MAX_SITES {
        return;
    }
    let mut echo = layout.site(site).clone();
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
