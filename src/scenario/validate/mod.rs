//! What every scenario must obey before anything runs it.
//!
//! A scenario that passes [`validate`] is a program that C# and C could
//! express, so that whatever goes wrong when it runs is the loader's doing.

mod layout;
pub(crate) mod names;
mod script;

use std::fmt;

use super::{AssemblyId, ClassId, MAX_ITEMS, MethodId, Scenario, SiteId, StructId, VariableId};
pub(crate) use layout::{
    class_rules, holds_object, is_struct_name, is_symbol, method_rules, site_rules,
};
pub use names::MAX_NAME;

/// The longest title, in characters.
pub const MAX_TITLE: usize = 200;

/// The longest [`Method::symbol`](super::Method::symbol), in characters (all of them ASCII).
pub const MAX_SYMBOL: usize = 200;

/// The most [`text_bound`] may be, so that each form of a scenario fits in the
/// 1 MiB that its reader accepts.
pub const MAX_TEXT_BOUND: usize = 1 << 20;

/// Something that a scenario must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// The item at fault.
    pub place: Place,
    /// What of the item is at fault.
    pub part: Part,
    /// One line: what is wrong, a semicolon, and what was expected.
    pub message: String,
}

impl Problem {
    fn new(place: Place, part: Part, message: String) -> Self {
        Problem { place, part, message }
    }
}

/// An item of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The scenario as a whole.
    Scenario,
    Title,
    /// Its list of upstream numbers.
    Upstream,
    /// An entry of [`Scenario::shows`], by position.
    Shows(usize),
    Assembly(AssemblyId),
    /// A value type.
    Struct(StructId),
    Class(ClassId),
    Method(MethodId),
    /// A call site.
    Site(SiteId),
    /// A pointer variable.
    Variable(VariableId),
    /// A step of the script, by position.
    Event(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Scenario => write!(f, "scenario"),
            Place::Title => write!(f, "title"),
            Place::Upstream => write!(f, "upstream"),
            Place::Shows(i) => write!(f, "shows {i}"),
            Place::Assembly(id) => write!(f, "assembly {}", id.0),
            Place::Struct(id) => write!(f, "struct {}", id.0),
            Place::Class(id) => write!(f, "class {}", id.0),
            Place::Method(id) => write!(f, "method {}", id.0),
            Place::Site(id) => write!(f, "site {}", id.0),
            Place::Variable(id) => write!(f, "variable {}", id.0),
            Place::Event(i) => write!(f, "event {i}"),
        }
    }
}

/// A part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of it.
    Whole,
    Name,
    /// A class of finding.
    Finding,
    /// The assembly it belongs to.
    Assembly,
    /// A class's base, the class of a method, or the method that one overrides.
    Class,
    /// A method's code.
    Code,
    /// A method's form.
    Form,
    /// A method's name in metadata.
    Symbol,
    /// A method's reverse thunk.
    ReverseThunk,
    /// A struct's size.
    Size,
    /// A struct's alignment.
    Align,
    /// A struct's only field.
    Wraps,
    Signature,
    /// A signature's result.
    Ret,
    /// A parameter of a signature, by position.
    Param(usize),
    /// What a site does, or the item that an event names.
    Target,
    /// The variable that takes a pointer.
    Into,
    /// The variable called through.
    Pointer,
    This,
    /// Calls inside a call.
    Inside,
    Args,
    /// One argument, by position.
    Arg(usize),
}

impl Part {
    /// The next larger part that a place surely has.
    pub fn enclosing(self) -> Option<Part> {
        match self {
            Part::Whole => None,
            Part::Ret | Part::Param(_) => Some(Part::Signature),
            Part::Signature => Some(Part::Target),
            Part::Arg(_) => Some(Part::Args),
            _ => Some(Part::Whole),
        }
    }
}

/// Checks everything; the first problem in the order of the text form is given.
pub fn validate(scenario: &Scenario) -> Result<(), Problem> {
    check_header(scenario)?;
    layout::check(&scenario.layout)?;
    script::check(scenario)?;
    let bound = text_bound(scenario);
    if bound > MAX_TEXT_BOUND {
        let message = format!(
            "the scenario may take {bound} bytes as text; expected at most {MAX_TEXT_BOUND} \
             (fewer events, arguments or parameters)"
        );
        return Err(Problem::new(Place::Scenario, Part::Whole, message));
    }
    Ok(())
}

fn check_header(scenario: &Scenario) -> Result<(), Problem> {
    let title = |message| Err(Problem::new(Place::Title, Part::Whole, message));
    if let Some(c) = scenario.title.chars().find(|&c| names::breaks_line(c)) {
        let code = u32::from(c);
        return title(format!("the title holds the character U+{code:04X}; expected one line"));
    }
    let length = scenario.title.chars().count();
    if length > MAX_TITLE {
        return title(format!("the title has {length} characters; expected at most {MAX_TITLE}"));
    }
    limit(Place::Upstream, "upstream numbers", scenario.upstream.len(), MAX_ITEMS)?;
    if scenario.upstream.contains(&0) {
        let message = "upstream number 0; expected the number of an issue or pull request".into();
        return Err(Problem::new(Place::Upstream, Part::Whole, message));
    }
    limit(Place::Shows(MAX_ITEMS), "faults", scenario.shows.len(), MAX_ITEMS)?;
    for (i, (fault, class)) in scenario.shows.iter().enumerate() {
        let slug = "letters, digits, `-` and `_`";
        for (part, kind, name) in [(Part::Name, "fault", fault), (Part::Finding, "class", class)] {
            if !names::is_slug(name) {
                let name = names::show(name);
                let message =
                    format!("{name} is no name of a {kind}; expected 1 to {MAX_NAME} of {slug}");
                return Err(Problem::new(Place::Shows(i), part, message));
            }
        }
        if scenario.shows[..i].iter().any(|(other, _)| other == fault) {
            let message = format!("a second fault {}; expected each once", names::show(fault));
            return Err(Problem::new(Place::Shows(i), Part::Name, message));
        }
    }
    Ok(())
}

fn limit(place: Place, what: &str, count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    let message = format!("{count} {what}; expected at most {most}");
    Err(Problem::new(place, Part::Whole, message))
}

/// No form of the scenario takes more bytes than this. It is cheap to
/// compute, as everything that validates has to know it.
pub fn text_bound(scenario: &Scenario) -> usize {
    /// Keys, braces and punctuation of one item, names not counted.
    const ITEM: usize = 160;
    /// The longest spelling of a parameter, with its comma.
    const PARAM: usize = MAX_NAME + 2;
    let layout = &scenario.layout;
    let count = |signature: &super::Signature| (signature.params.len() + 2) * PARAM;
    let items = layout.assemblies.len()
        + layout.structs.len()
        + layout.classes.len()
        + scenario.shows.len()
        + 8;
    let methods: usize =
        layout.methods.iter().map(|m| ITEM + MAX_SYMBOL + 2 * MAX_NAME + count(&m.signature)).sum();
    let sites: usize = layout
        .sites
        .iter()
        .map(|site| site.action.stated().map_or(ITEM + PARAM, |stated| ITEM + count(stated)))
        .sum();
    let names = (layout.methods.len() + layout.sites.len()) * 2 * MAX_NAME;
    let header = scenario.title.len() + scenario.upstream.len() * 12;
    let events: usize = scenario.script.iter().map(event_bound).sum();
    header + items * (ITEM + 2 * MAX_NAME) + methods + sites + names + events
}

/// Braces, keys and three names.
const EVENT: usize = 64 + 3 * MAX_NAME;

fn call_bound(call: &super::Call) -> usize {
    /// A class's name, or the longest spelling of a `double`.
    const WORD: usize = MAX_NAME + 4;
    let inside: usize = call.inside.iter().map(call_bound).sum();
    EVENT + call.args.len() * WORD + inside
}

/// What one event adds to [`text_bound`].
pub(crate) fn event_bound(event: &super::Event) -> usize {
    match event {
        super::Event::Call(call) => call_bound(call),
        super::Event::Load(_)
        | super::Event::Prepare(_)
        | super::Event::Touch(_)
        | super::Event::Reset(_)
        | super::Event::Recycle { .. }
        | super::Event::Take { .. } => EVENT,
    }
}
