//! Hostile scenario files: text and binary that nobody meant to write.
//!
//! Reading must not panic, and what is read must survive being written. libFuzzer's
//! `-timeout` bounds the time.

use calliper::{
    Scenario, decode_any_binary, decode_binary, encode_binary, fixup, parse_text, print_text,
    validate,
};

/// Reads one input as either form.
///
/// # Panics
/// With what differs, when a scenario does not survive being written and read.
pub fn run(data: &[u8]) {
    match parse_text("input", data) {
        Ok(scenario) => survives(&scenario),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "more than a line: {error}"),
    }
    if let Ok(mut scenario) = decode_any_binary(data) {
        let again = decode_any_binary(&encode_binary(&scenario));
        assert_eq!(again.as_ref(), Ok(&scenario), "another scenario after encoding");
        // Also of what is not valid, to report it.
        print_text(&scenario);
        fixup(&mut scenario);
        assert_eq!(validate(&scenario), Ok(()), "fixup left a problem\n{scenario:#?}");
        survives(&scenario);
    }
}

/// A valid scenario is the same after writing and reading either form.
fn survives(scenario: &Scenario) {
    let printed = print_text(scenario);
    let parsed = parse_text("printed", printed.as_bytes());
    assert_eq!(parsed.as_ref(), Ok(scenario), "another scenario after printing\n{printed}");
    let decoded = decode_binary(&encode_binary(scenario));
    assert_eq!(decoded.as_ref(), Ok(scenario), "another scenario after encoding\n{printed}");
}

#[cfg(test)]
mod tests {
    use calliper::{Scenario, decode_any_binary, encode_binary};

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
        use calliper::inside::{Call, Event, MAX_BINARY_BYTES, SiteId};
        let call =
            |inside| Call { site: SiteId(0), pointer: None, this: None, args: vec![], inside };
        let mut scenario = Scenario::default();
        scenario.script.push(Event::Call(call(vec![call(vec![])])));
        let bytes = encode_binary(&scenario);
        // The last call's bytes, but for its number of calls inside.
        let inner = &bytes[bytes.len() - 5..bytes.len() - 1];
        let mut deep = bytes[..bytes.len() - 1].to_vec();
        while deep.len() + 6 < MAX_BINARY_BYTES {
            deep.push(1);
            deep.extend_from_slice(inner);
        }
        deep.push(0);
        run(&deep);
        assert!(decode_any_binary(&deep).is_err());
    }
}
