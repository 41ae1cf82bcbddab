//! Whether two engines' runs of the same program show the same.

use super::class::FindingClass;
use super::finding::{Finding, finding};
use super::mismatch::Mismatch;
use super::run::Run;
use crate::loader::observation::Observation;
use crate::reference;

/// Two engines' runs of the same program show the same, and leave the same memory.
pub fn same(first: &Run, other: &Run) -> bool {
    first.vm.observation == other.vm.observation && first.memory == other.memory
}

/// Where the runs of the same program on two engines of these names differ, if they do. What
/// follows a resource limit is not comparable.
pub fn divergence(first: &Run, other: &Run, [first_name, name]: [&str; 2]) -> Option<Finding> {
    let (a, b) = (&first.vm.observation, &other.vm.observation);
    if [a, b].iter().any(|o| o.trap.is_some_and(|t| t.is_resource_limit())) {
        return None;
    }
    let what = observations_differ(a, b, first_name)
        .or_else(|| memory_differs(first.memory, other.memory))?;
    let mismatch = Mismatch {
        class: FindingClass::EngineDivergence,
        event: Some(a.events.len().min(b.events.len()).saturating_sub(1)),
        call: None,
        what: format!("{name} and {first_name} disagree: {what}"),
    };
    Some(finding(other, &reference::expect(&other.vm.scenario), &mismatch))
}

fn observations_differ(
    first: &Observation,
    other: &Observation,
    first_name: &str,
) -> Option<String> {
    if first == other {
        return None;
    }
    if first.trap != other.trap {
        let tell = |o: &Observation| o.trap.map_or("no trap".to_owned(), |t| t.to_string());
        return Some(format!("{} here, {} on {first_name}", tell(other), tell(first)));
    }
    let event = first.events.iter().zip(&other.events).position(|(a, b)| a != b);
    Some(match event {
        Some(i) => format!("event {} shows something else", i + 1),
        None => "what bodies saw, or the final state, differs".to_owned(),
    })
}

fn memory_differs(first: &[u8], other: &[u8]) -> Option<String> {
    if first == other {
        return None;
    }
    if first.len() != other.len() {
        return Some(format!("memory of {} bytes, not {}", other.len(), first.len()));
    }
    let at = first.iter().zip(other).position(|(a, b)| a != b)?;
    Some(format!("the byte at {at:#x} is {:#04x}, not {:#04x}", other[at], first[at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Trap;
    use crate::loader::observation::EventObservation;

    #[test]
    fn engines_differ_where_they_are_seen_to() {
        let first =
            Observation { events: vec![EventObservation::quiet(); 2], ..Observation::default() };
        let differ = |change: fn(&mut Observation)| {
            let mut other = first.clone();
            change(&mut other);
            observations_differ(&first, &other, "wasmtime")
        };
        assert_eq!(differ(|_| ()), None);
        let trap = differ(|other| other.trap = Some(Trap::Unreachable)).expect("they differ");
        assert!(trap.ends_with(" here, no trap on wasmtime"), "{trap}");
        let event = differ(|other| other.events[1].stack_pointer.1 = 0);
        assert_eq!(event.as_deref(), Some("event 2 shows something else"));
        let rest = differ(|other| other.finals.table_len = 1);
        assert_eq!(rest.as_deref(), Some("what bodies saw, or the final state, differs"));
        assert_eq!(memory_differs(&[1, 2], &[1, 2]), None);
        let byte = memory_differs(&[1, 2], &[1, 3]);
        assert_eq!(byte.as_deref(), Some("the byte at 0x1 is 0x03, not 0x02"));
        let length = memory_differs(&[1, 2], &[1]);
        assert_eq!(length.as_deref(), Some("memory of 1 bytes, not 2"));
    }
}
