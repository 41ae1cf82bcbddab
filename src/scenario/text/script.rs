//! From TOML to the script's events.

use ::toml::de::DeValue;

use super::super::spell::spell_type;
use super::super::validate::names::{self, show};
use super::super::validate::{Part, Place};
use super::super::{
    AssemblyId, Call, Event, EventKind, Layout, MAX_DEPTH, MAX_EVENTS, MAX_ITEMS, MethodId,
    Scenario, SiteId, VariableId,
};
use super::toml::{Entry, Fields, Value, describe};
use super::{Spots, SyntaxError, word};
use crate::index::{Id, IndexVec};

/// The script's only key.
const EVENTS: &str = "events";
/// The keys that an event of this kind may have besides the one that says what it does.
fn other_keys(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::Load | EventKind::Prepare | EventKind::Touch | EventKind::Reset => &[],
        EventKind::Recycle => &["as"],
        EventKind::Take => &["into", "on"],
        EventKind::Call => &["through", "this", "args", "inside"],
    }
}

/// The keys of a call inside another.
const INNER: [&str; 5] = ["call", "through", "this", "args", "inside"];

/// Every key of the script.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let others = EventKind::ALL.into_iter().flat_map(other_keys).copied();
    EventKind::ALL.map(EventKind::word).into_iter().chain(others).chain(INNER).chain([EVENTS])
}

/// Fills the scenario's script and variables; its layout has been read.
pub(super) fn read(
    scenario: &mut Scenario,
    top: &Fields<'_>,
    spots: &mut Spots,
) -> Result<(), SyntaxError> {
    let Some(script) = top.get("script") else { return Ok(()) };
    let fields = Fields::new("the script".into(), script.at(), script.table()?, &[EVENTS])?;
    let events = fields.need(EVENTS)?.array()?;
    if let Some(extra) = events.get(MAX_EVENTS) {
        let message = format!("{} events; expected at most {MAX_EVENTS}", events.len());
        return Err(SyntaxError::new(extra.span().start, message));
    }
    let mut reader =
        Reader { names: Names::new(&scenario.layout), spots, variables: IndexVec::default() };
    let mut script = Vec::new();
    for (i, value) in events.iter().enumerate() {
        script.push(reader.event(&scenario.layout, i, value)?);
    }
    scenario.variables = reader.variables;
    scenario.script = script;
    Ok(())
}

/// The names that events refer to.
struct Names {
    assemblies: IndexVec<AssemblyId, String>,
    methods: IndexVec<MethodId, String>,
    sites: IndexVec<SiteId, String>,
}

impl Names {
    fn new(layout: &Layout) -> Self {
        Names {
            assemblies: layout.assemblies.map(|a| a.name.clone()),
            methods: layout.methods.map(|m| m.name.clone()),
            sites: layout.sites.map(|s| s.name.clone()),
        }
    }
}

fn refer<I: Id>(
    entry: &Entry<'_>,
    kind: &str,
    names: &IndexVec<I, String>,
) -> Result<I, SyntaxError> {
    entry.reference(kind, names, String::as_str)
}

struct Reader<'r> {
    names: Names,
    spots: &'r mut Spots,
    variables: IndexVec<VariableId, String>,
}

impl Reader<'_> {
    fn event(&mut self, layout: &Layout, i: usize, value: Value<'_>) -> Result<Event, SyntaxError> {
        let at = value.span().start;
        let place = Place::Event(i);
        let DeValue::Table(table) = value.get_ref() else {
            let found = describe(value.get_ref());
            return Err(SyntaxError::new(
                at,
                format!("an event is {found}; expected a table `{{ ... }}`"),
            ));
        };
        let verbs = EventKind::ALL.map(EventKind::word);
        let others = EventKind::ALL.into_iter().flat_map(other_keys).copied();
        let known: Vec<&str> = verbs.into_iter().chain(others).collect();
        let fields = Fields::new("an event".into(), at, table, &known)?;
        let (verb, kind) = fields.one_of(EventKind::ALL.map(|kind| (kind.word(), kind)))?;
        let allowed: Vec<&str> = other_keys(kind).iter().copied().chain([verb.key]).collect();
        let fields = Fields::new(format!("a {} event", verb.key), at, table, &allowed)?;
        self.spots.note(place, Part::Whole, at);
        self.spots.note(place, Part::Target, verb.at());
        Ok(match kind {
            EventKind::Load => Event::Load(refer(&verb, "assembly", &self.names.assemblies)?),
            EventKind::Prepare => Event::Prepare(self.method(&verb)?),
            EventKind::Touch => Event::Touch(self.method(&verb)?),
            EventKind::Reset => Event::Reset(self.method(&verb)?),
            EventKind::Recycle => {
                let to = fields.need("as")?;
                self.spots.note(place, Part::Into, to.at());
                Event::Recycle { from: self.method(&verb)?, to: self.method(&to)? }
            }
            EventKind::Take => {
                let site = self.site(&verb)?;
                let into = fields.need("into")?;
                self.spots.note(place, Part::Into, into.at());
                let on = fields.get("on").map(|on| self.object(layout, place, &on)).transpose()?;
                Event::Take { site, into: self.declare(&into)?, on }
            }
            EventKind::Call => Event::Call(self.call(layout, place, &fields, &verb, 1)?),
        })
    }

    fn method(&self, entry: &Entry<'_>) -> Result<MethodId, SyntaxError> {
        refer(entry, "method", &self.names.methods)
    }

    fn site(&self, entry: &Entry<'_>) -> Result<SiteId, SyntaxError> {
        refer(entry, "site", &self.names.sites)
    }

    /// A receiver: the name of the class whose instance it is, or a word.
    fn object(
        &mut self,
        layout: &Layout,
        place: Place,
        entry: &Entry<'_>,
    ) -> Result<u32, SyntaxError> {
        self.spots.note(place, Part::This, entry.at());
        if let Some(object) = word::object(layout, entry.value) {
            return Ok(object);
        }
        if entry.value.get_ref().is_str() {
            entry.reference("class with an instance", &layout.classes, |c| &c.name)?;
        }
        let word = entry.integer(0, u32::MAX.into())?;
        Ok(u32::try_from(word).unwrap_or(u32::MAX))
    }

    /// The variable of this name, which is new if it was not seen before.
    fn declare(&mut self, entry: &Entry<'_>) -> Result<VariableId, SyntaxError> {
        let name = entry.string()?;
        if !names::is_identifier(name) {
            return Err(SyntaxError::new(entry.at(), names::not_a_name("variable", name)));
        }
        if let Some(known) = self.variables.position(|known| known == name) {
            return Ok(known);
        }
        if self.variables.len() >= MAX_ITEMS {
            let message = format!("one variable too many; expected at most {MAX_ITEMS}");
            return Err(SyntaxError::new(entry.at(), message));
        }
        let id = self.variables.push(name.to_owned());
        self.spots.note(Place::Variable(id), Part::Whole, entry.at());
        Ok(id)
    }

    fn call(
        &mut self,
        layout: &Layout,
        place: Place,
        fields: &Fields<'_>,
        verb: &Entry<'_>,
        depth: usize,
    ) -> Result<Call, SyntaxError> {
        let site = self.site(verb)?;
        let Some(signature) = layout.site(site).signature(layout) else {
            let name = show(&layout.site(site).name);
            let message = format!("{name} is a site that takes; expected a site that calls");
            return Err(SyntaxError::new(verb.at(), message));
        };
        let mut call =
            Call { site, pointer: None, this: None, args: Vec::new(), inside: Vec::new() };
        if let Some(through) = fields.get("through") {
            self.spots.note(place, Part::Pointer, through.at());
            call.pointer = Some(refer(&through, "variable", &self.variables)?);
        }
        if let Some(this) = fields.get("this") {
            call.this = Some(self.object(layout, place, &this)?);
        }
        if let Some(args) = fields.get("args") {
            self.spots.note(place, Part::Args, args.at());
            for (i, value) in args.array()?.iter().enumerate() {
                self.spots.note(place, Part::Arg(i), value.span().start);
                // One too many has no type; validation counts them.
                let word = signature
                    .params
                    .get(i)
                    .map_or(Ok(0), |&ty| word::parse(layout, ty, spell_type(layout, ty), value))?;
                call.args.push(word);
            }
        }
        if let Some(inside) = fields.get("inside") {
            self.spots.note(place, Part::Inside, inside.at());
            for value in inside.array()? {
                call.inside.push(self.inner_call(layout, place, value, depth + 1)?);
            }
        }
        Ok(call)
    }

    /// A call that a callee makes.
    fn inner_call(
        &mut self,
        layout: &Layout,
        place: Place,
        value: Value<'_>,
        depth: usize,
    ) -> Result<Call, SyntaxError> {
        let at = value.span().start;
        if depth > MAX_DEPTH {
            let message = format!("calls nested {depth} deep; expected at most {MAX_DEPTH}");
            return Err(SyntaxError::new(at, message));
        }
        let DeValue::Table(table) = value.get_ref() else {
            let found = describe(value.get_ref());
            let message = format!("a call inside is {found}; expected a table `{{ ... }}`");
            return Err(SyntaxError::new(at, message));
        };
        let fields = Fields::new("a call inside".into(), at, table, &INNER)?;
        let verb = fields.need("call")?;
        self.call(layout, place, &fields, &verb, depth)
    }
}
