//! Changes of what happens.

use mutatis::{Context, Generate, Result, mutators};

use super::super::Event;
use super::table::{MAX_INSIDE, MAX_SPLICE, MUTATIONS};
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
        _ => return insert(context, script),
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
