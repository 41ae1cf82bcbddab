//! What is the same for every run that shows a defect in the same way.

use super::problem::Problem;
use super::value::classify;
use crate::loader::Vm;
use crate::scenario::SiteId;

/// Class, kind of site, kind of caller, and kind of value: no addresses, and no names.
pub(super) fn fingerprint(vm: &Vm, problem: &Problem, site: Option<SiteId>) -> String {
    let mut parts = vec![problem.class.name()];
    let Some(index) = problem.event else {
        parts.push("final-state");
        return parts.join(".");
    };
    let event = &vm.scenario.script[index];
    // An event in which a site runs is told by the site.
    if event.site().is_none() {
        parts.push(event.kind().word());
    }
    if let Some(site) = site {
        let site = vm.scenario.layout.site(site);
        parts.extend([site.action.kind().name(), site.caller.kind().word()]);
        if let Some(word) = vm.observation.pointer(index, problem.call) {
            parts.push(classify(vm, word, vm.observation.finals.table_len).kind());
        }
    }
    parts.join(".")
}
