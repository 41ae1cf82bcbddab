//! Changes of what there is to call, and of who calls it.

use mutatis::{Context, Generate, mutators};

use super::super::ids::{self, Id, Item};
use super::super::{Action, Assembly, Class, Layout, Method, MethodId, Scenario, Signature, Type};
use super::script::below;
use super::table::{MAX_ASSEMBLIES, MAX_CLASSES, MAX_METHODS, MAX_PARAMS, MAX_SITES};
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
        _ => {}
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
        let class = mutators::default::<Class>().generate(context);
        layout.classes.extend(class);
    } else {
        let index = below(context, count);
        on(&mut layout.classes, index, |class| derived(context, class));
    }
}

/// Another callee or binding, or another action.
fn redirect(context: &mut Context, action: &mut Action) {
    derived(context, action);
    if let Some(stated) = ids::stated_signature(action) {
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
        let stated = ids::stated_signature(&mut site.action);
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
