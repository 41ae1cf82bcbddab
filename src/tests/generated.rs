//! Generated scenarios: no false alarms under the fixed loader, and every fault found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use crate::engine::EngineKind;
use crate::gallery::Fault;
use crate::judge::Judge;
use crate::loader::Fixed;
use crate::scenario::generate::generate;
use crate::scenario::meaning::mix;
use crate::scenario::{Event, Scenario, text};
use arbitrary::Unstructured;

/// Scenarios within which each fault must have been found.
const ENOUGH: u64 = 4_000;

/// The scenario of a seed; seeds mean the same on every machine.
fn scenario(seed: u64) -> Arc<Scenario> {
    let words = mix(seed, 0) % 120;
    let bytes: Vec<u8> = (1..=words).flat_map(|i| mix(seed, i).to_le_bytes()).collect();
    Arc::new(generate(&mut Unstructured::new(&bytes)))
}

/// Under the fixed loader a scenario agrees with the reference, and so every
/// one of its calls returns.
fn no_findings(engines: &[EngineKind], seeds: std::ops::Range<u64>) {
    let workers = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        for worker in 0..workers {
            let seeds = seeds.clone().skip(worker as usize).step_by(workers as usize);
            scope.spawn(move || {
                let mut judge = Judge::new(engines);
                seeds.for_each(|seed| agrees(&mut judge, seed));
            });
        }
    });
}

fn agrees(judge: &mut Judge, seed: u64) {
    let scenario = scenario(seed);
    for verdict in judge.judge(&scenario, &Fixed).expect("modules are valid") {
        let Some(finding) = verdict.findings.first() else { continue };
        let (engine, text) = (verdict.engine, text::print(&scenario));
        panic!("seed {seed}, {engine} [{}]\n{}\n{text}", finding.fingerprint, finding.account);
    }
}

#[test]
fn the_fixed_loader_agrees_on_paper() {
    no_findings(&[EngineKind::PAPER], 0..100_000);
}

#[test]
fn the_fixed_loader_agrees_on_every_engine() {
    no_findings(&EngineKind::by_default(), 1 << 32..(1 << 32) + 3_000);
    no_findings(&EngineKind::available(), 1 << 33..(1 << 33) + 200);
}

#[test]
#[ignore = "takes minutes"]
fn the_fixed_loader_agrees_for_long() {
    no_findings(&[EngineKind::PAPER], 1 << 40..(1 << 40) + 4_000_000);
    no_findings(&EngineKind::available(), 1 << 48..(1 << 48) + 40_000);
}

#[test]
fn scripts_call_much() {
    let is_call = |event: &&Event| matches!(event, Event::Call(_));
    let calls = |seed| scenario(seed).script.iter().filter(is_call).count();
    let total: usize = (0..1000).map(calls).sum();
    assert!(total >= 5000, "{total} calls in 1000 scripts");
}

/// From nothing but seeds, each fault of the gallery shows, as the class that it is listed with.
#[test]
fn every_fault_is_found_by_generation_alone() {
    let mut judge = Judge::new(&[EngineKind::PAPER]);
    let mut missed = Vec::new();
    for fault in Fault::all() {
        let mut others = BTreeMap::new();
        let shown = (0..ENOUGH).any(|seed| {
            let verdicts = judge.judge(&scenario(seed), fault.loader).expect("paper runs anything");
            let Some(finding) = verdicts[0].findings.first() else { return false };
            *others.entry(finding.class.name()).or_insert(0u32) += 1;
            finding.class == fault.class
        });
        if !shown {
            missed.push(format!("{} ({}): {others:?}", fault.id(), fault.class.name()));
        }
    }
    assert_eq!(missed, [""; 0], "not found as what they are within {ENOUGH} scenarios");
}
