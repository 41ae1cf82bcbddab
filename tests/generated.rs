//! Generated scenarios under the fixed loader: no false alarms, and most calls return.

use std::sync::Arc;

use arbitrary::Unstructured;
use calliper::judge::{EngineKind, Judge};
use calliper::loader::{Fixed, faults};
use calliper::scenario::generate::generate;
use calliper::scenario::{Scenario, text};
use calliper::verdict::Class;

/// Marsaglia's xorshift64: seeds must mean the same for ever.
struct Seeds(u64);

impl Seeds {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn scenario(&mut self) -> Arc<Scenario> {
        let words = self.next() % 128;
        let bytes: Vec<u8> = (0..words).flat_map(|_| self.next().to_le_bytes()).collect();
        Arc::new(generate(&mut Unstructured::new(&bytes)))
    }
}

fn no_findings(engines: &[EngineKind], count: usize) {
    let mut judge = Judge::new(engines);
    let mut seeds = Seeds(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count {
        let scenario = seeds.scenario();
        for verdict in judge.judge(&scenario, &Fixed).expect("modules are valid") {
            let Some(finding) = verdict.findings.first() else { continue };
            let text = text::print(&scenario);
            panic!("{} [{}]\n{}\n{text}", verdict.engine, finding.fingerprint, finding.account);
        }
    }
}

#[test]
fn the_fixed_loader_agrees_on_paper() {
    no_findings(&[EngineKind::Paper], 20_000);
}

#[test]
fn the_fixed_loader_agrees_on_every_engine() {
    no_findings(&EngineKind::available(), 400);
}

#[test]
fn the_seed_fault_is_found_by_generation_alone() {
    let fault = faults::loader("issue-129857").expect("the fault exists");
    let mut judge = Judge::new(&[EngineKind::Paper]);
    let mut seeds = Seeds(0x5eed);
    let found = (0..2_000).any(|_| {
        let verdicts = judge.judge(&seeds.scenario(), fault).expect("paper runs anything");
        verdicts[0].findings.first().is_some_and(|f| f.class == Class::SignatureMismatch)
    });
    assert!(found, "2,000 scenarios and no signature mismatch");
}
