//! What is the same for every run that shows a defect in the same way.

use super::mismatch::Mismatch;
use super::value::classify;
use crate::loader::Vm;
use crate::scenario::SiteId;

/// Class, kind of site, kind of caller, and kind of value: no addresses, and no names.
pub(super) fn fingerprint(vm: &Vm, mismatch: &Mismatch, site: Option<SiteId>) -> String {
    let mut parts = vec![mismatch.class.name()];
    let Some(index) = mismatch.event else {
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
        if let Some(word) = vm.observation.pointer(index, mismatch.call) {
            parts.push(classify(vm, word, vm.observation.finals.table_len).kind());
        }
    }
    parts.join(".")
}
