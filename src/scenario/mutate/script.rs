//! Changes of what happens.

use mutatis::{Context, Generate, Result, mutators};

use super::super::Event;
use super::weights::{MAX_INSIDE, MAX_SPLICE, MUTATIONS};
use super::{Mutation, derived};

/// A change of the script, by weight.
pub(super) fn any(context: &mut Context) -> Mutation {
    let rows = MUTATIONS.iter().filter(|(mutation, _)| mutation.keeps_layout());
    let total: u32 = rows.clone().map(|&(_, weight)| weight).sum();
    let mut left = below(context, total as usize) as u32;
    for &(mutation, weight) in rows {
        if left < weight {
            return mutation;
        }
        left -= weight;
    }
    Mutation::Insert
}

/// Makes one change; an empty script gets an event.
pub(super) fn change(
    mutation: Mutation,
    context: &mut Context,
    script: &mut Vec<Event>,
    donor: Option<&[Event]>,
) -> Result<()> {
    if script.is_empty() {
        return insert(context, script);
    }
    let at = below(context, script.len());
    match mutation {
        Mutation::Reorder => {
            let to = below(context, script.len());
            move_event(script, at, to);
        }
        Mutation::Duplicate => {
            let event = script[at].clone();
            script.insert(below(context, script.len() + 1), event);
        }
        Mutation::Drop => drop(script.remove(at)),
        Mutation::Splice => splice(context, script, donor),
        Mutation::Nest => nest(context, script, at),
        Mutation::Retarget => derived(context, &mut script[at]),
        Mutation::TakeEarlier => {
            if let Some(at) = next(script, at, |event| matches!(event, Event::Take { .. })) {
                move_event(script, at, below(context, at + 1));
            }
        }
        Mutation::LoadLater => {
            if let Some(at) = next(script, at, |event| matches!(event, Event::Load(_))) {
                let later = at + below(context, script.len() - at);
                move_event(script, at, later);
            }
        }
        Mutation::Insert => return insert(context, script),
        // These change layouts.
        Mutation::Code
        | Mutation::Method
        | Mutation::Class
        | Mutation::Convention
        | Mutation::Signature
        | Mutation::Assembly
        | Mutation::Redirect
        | Mutation::Caller
        | Mutation::Struct
        | Mutation::Twin
        | Mutation::Echo
        | Mutation::Prune => {}
    }
    Ok(())
}

/// A number below `end`, 0 if that is 0.
pub(super) fn below(context: &mut Context, end: usize) -> usize {
    context.rng().gen_index(end).unwrap_or(0)
}

fn move_event(script: &mut [Event], from: usize, to: usize) {
    if from < to {
        script[from..=to].rotate_left(1);
    } else {
        script[to..=from].rotate_right(1);
    }
}

/// The first such event from `start` on, round the end.
fn next(script: &[Event], start: usize, is_it: impl Fn(&Event) -> bool) -> Option<usize> {
    (start..script.len()).chain(0..start).find(|&i| is_it(&script[i]))
}

fn insert(context: &mut Context, script: &mut Vec<Event>) -> Result<()> {
    let event = mutators::default::<Event>().generate(context)?;
    script.insert(below(context, script.len() + 1), event);
    Ok(())
}

/// Copies a call into another one, which may be itself.
fn nest(context: &mut Context, script: &mut [Event], at: usize) {
    let is_call = |event: &Event| matches!(event, Event::Call(_));
    let start = below(context, script.len());
    let (Some(inner), Some(outer)) = (next(script, start, is_call), next(script, at, is_call))
    else {
        return;
    };
    if let (Event::Call(inner), Event::Call(outer)) = (script[inner].clone(), &mut script[outer])
        && outer.inside.len() < MAX_INSIDE
    {
        outer.inside.push(inner);
    }
}

/// Copies some neighbouring events of the donor, or of the script itself.
fn splice(context: &mut Context, script: &mut Vec<Event>, donor: Option<&[Event]>) {
    let count = 1 + below(context, MAX_SPLICE);
    let from = donor.unwrap_or(script);
    let start = below(context, from.len());
    let events = from[start..from.len().min(start + count)].to_vec();
    let at = below(context, script.len() + 1);
    script.splice(at..at, events);
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_becomes;
    use super::*;

    const LAYOUT: &str = r#"
[assemblies]
A = {}
B = {}
[methods]
M = { in = "A", code = "r2r", signature = "void (int)" }
N = { in = "B", code = "r2r", signature = "void (int)" }
[sites]
Take = { in = "A", ldftn = "M" }
Call = { in = "A", direct = "M" }
Calli = { in = "A", calli = "void (int)" }
"#;

    /// Asserts that a mutation can make the events `after` of the events `before`.
    #[track_caller]
    fn assert_script_becomes(mutation: Mutation, before: &[&str], after: &[&str]) {
        let text = |events: &[&str]| {
            let events: String =
                events.iter().map(|event| format!("    {{ {event} }},\n")).collect();
            format!("{LAYOUT}[script]\nevents = [\n{events}]\n")
        };
        assert_becomes(mutation, &text(before), &text(after));
    }

    const LOAD: &str = r#"load = "A""#;
    const LOAD_B: &str = r#"load = "B""#;
    const TOUCH: &str = r#"touch = "M""#;
    const TOUCH_N: &str = r#"touch = "N""#;
    const PREPARE: &str = r#"prepare = "M""#;
    const TAKE: &str = r#"take = "Take", into = "p""#;
    const CALL: &str = r#"call = "Call", args = [1]"#;

    #[test]
    fn reorder() {
        let before = [LOAD, TOUCH, PREPARE, CALL];
        assert_script_becomes(Mutation::Reorder, &before, &[LOAD, PREPARE, CALL, TOUCH]);
        // What a moved event needs is put before it.
        assert_script_becomes(Mutation::Reorder, &[LOAD, LOAD_B, TOUCH], &[LOAD, TOUCH, LOAD_B]);
    }

    #[test]
    fn duplicate() {
        assert_script_becomes(
            Mutation::Duplicate,
            &[LOAD, TOUCH, CALL],
            &[LOAD, TOUCH, CALL, TOUCH],
        );
    }

    #[test]
    fn drop() {
        assert_script_becomes(Mutation::Drop, &[LOAD, TOUCH, CALL], &[LOAD, CALL]);
    }

    #[test]
    fn splice() {
        let after = [LOAD, TOUCH, CALL, TOUCH, CALL];
        assert_script_becomes(Mutation::Splice, &[LOAD, TOUCH, CALL], &after);
    }

    #[test]
    fn insert_an_event() {
        assert_script_becomes(Mutation::Insert, &[LOAD, CALL], &[LOAD, TOUCH, CALL]);
        // Into an empty script everything inserts.
        assert_script_becomes(Mutation::Drop, &[], &[LOAD, TOUCH]);
    }

    #[test]
    fn nest_a_call() {
        let nested = r#"call = "Call", args = [1], inside = [{ call = "Call", args = [1] }]"#;
        assert_script_becomes(Mutation::Nest, &[LOAD, CALL], &[LOAD, nested]);
    }

    #[test]
    fn retarget() {
        assert_script_becomes(Mutation::Retarget, &[LOAD, TOUCH], &[LOAD, PREPARE]);
        // The pointer that another site needs is taken before.
        let through = r#"call = "Calli", through = "p0", args = [1]"#;
        let take = r#"take = "Take", into = "p0""#;
        assert_script_becomes(Mutation::Retarget, &[LOAD, CALL], &[LOAD, take, through]);
    }

    #[test]
    fn take_earlier() {
        let after = [LOAD, TAKE, TOUCH, CALL];
        assert_script_becomes(Mutation::TakeEarlier, &[LOAD, TOUCH, TAKE, CALL], &after);
    }

    #[test]
    fn load_later() {
        let before = [LOAD, LOAD_B, TOUCH_N, CALL];
        assert_script_becomes(Mutation::LoadLater, &before, &[LOAD_B, TOUCH_N, LOAD, CALL]);
    }
}
