//! Hostile scenario files: text and binary that nobody meant to write.
//!
//! Reading must not panic, and what is read must survive being written. libFuzzer's
//! `-timeout` bounds the time.

use calliper::scenario::generate::fixup;
use calliper::scenario::validate::validate;
use calliper::scenario::{Scenario, binary, text};

/// Reads one input as either form.
///
/// # Panics
/// With what differs, when a scenario does not survive being written and read.
pub fn run(data: &[u8]) {
    match text::parse("input", data) {
        Ok(scenario) => survives(&scenario),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "more than a line: {error}"),
    }
    if let Ok(mut scenario) = binary::decode_any(data) {
        let again = binary::decode_any(&binary::encode(&scenario));
        assert_eq!(again.as_ref(), Ok(&scenario), "another scenario after encoding");
        // Also of what is not valid, to report it.
        text::print(&scenario);
        fixup(&mut scenario);
        assert_eq!(validate(&scenario), Ok(()), "fixup left a problem\n{scenario:#?}");
        survives(&scenario);
    }
}

/// A valid scenario is the same after writing and reading either form.
fn survives(scenario: &Scenario) {
    let printed = text::print(scenario);
    let parsed = text::parse("printed", printed.as_bytes());
    assert_eq!(parsed.as_ref(), Ok(scenario), "another scenario after printing\n{printed}");
    let decoded = binary::decode(&binary::encode(scenario));
    assert_eq!(decoded.as_ref(), Ok(scenario), "another scenario after encoding\n{printed}");
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::seeds::{Form, regressions};
    use crate::{random_inputs, spoil};

    #[test]
    fn smoke() {
        for data in random_inputs(200) {
            run(&data);
        }
        for form in [Form::Text, Form::Binary] {
            for seed in regressions(form) {
                run(&seed.bytes);
                spoil(&seed.bytes, 20, run);
            }
        }
    }

    /// Five bytes a level, and no more native stack than a few levels take.
    #[test]
    fn calls_nested_without_end_are_refused() {
        use calliper::scenario::{Call, Event, SiteId, binary};
        let call =
            |inside| Call { site: SiteId(0), pointer: None, this: None, args: vec![], inside };
        let mut scenario = calliper::scenario::Scenario::default();
        scenario.script.push(Event::Call(call(vec![call(vec![])])));
        let bytes = binary::encode(&scenario);
        // The last call's bytes, but for its number of calls inside.
        let inner = &bytes[bytes.len() - 5..bytes.len() - 1];
        let mut deep = bytes[..bytes.len() - 1].to_vec();
        while deep.len() + 6 < binary::MAX_BYTES {
            deep.push(1);
            deep.extend_from_slice(inner);
        }
        deep.push(0);
        run(&deep);
        assert!(binary::decode_any(&deep).is_err());
    }
}
