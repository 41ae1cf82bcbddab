//! What is the same for every run that shows a defect in the same way.

use super::problem::Problem;
use super::value::classify;
use crate::loader::Vm;
use crate::scenario::{Action, Caller, Event, SiteId};

/// Class, kind of site, kind of caller, and kind of value: no addresses, and no names.
pub(super) fn fingerprint(vm: &Vm, problem: &Problem, site: Option<SiteId>) -> String {
    let mut parts = vec![problem.class.name()];
    let Some(index) = problem.event else {
        parts.push("final-state");
        return parts.join(".");
    };
    match &vm.scenario.script[index] {
        Event::Load(_) => parts.push("load"),
        Event::Prepare(_) => parts.push("prepare"),
        Event::Touch(_) => parts.push("touch"),
        Event::Reset(_) => parts.push("reset"),
        Event::Recycle { .. } => parts.push("recycle"),
        Event::Take { .. } | Event::Call(_) => {}
    }
    if let Some(site) = site {
        parts.extend(site_kind(vm, site));
        if let Some(word) = vm.observation.pointer(index, problem.call) {
            parts.push(classify(vm, word, vm.observation.finals.table_len).kind());
        }
    }
    parts.join(".")
}

fn site_kind(vm: &Vm, site: SiteId) -> [&'static str; 2] {
    let site = vm.scenario.layout.site(site);
    let action = match &site.action {
        Action::Direct { .. } => "direct",
        Action::Virtual { .. } => "virtual",
        Action::ManagedCalli(_) => "managed-calli",
        Action::UnmanagedCalli(_) => "unmanaged-calli",
        Action::Invoke(_) => "invoke",
        Action::PInvoke { .. } => "pinvoke",
        Action::Ldftn(_) => "ldftn",
        Action::Ldvirtftn(_) => "ldvirtftn",
        Action::NewDelegate { .. } => "delegate",
        Action::Runtime { path, .. } => path.word(),
    };
    let caller = match site.caller {
        Caller::ReadyToRun(_) => "r2r",
        Caller::Interpreter(_) => "interpreter",
        Caller::Native => "native",
    };
    [action, caller]
}
