//! From TOML to the script's events.

use toml::de::DeValue;

use super::super::validate::names::{self, show};
use super::super::validate::{Part, Place, site_signature};
use super::super::{
    AssemblyId, Call, Event, Layout, MAX_EVENTS, MAX_ITEMS, MethodId, Scenario, SiteId, VariableId,
};
use super::table::{Entry, Fields, Value, describe};
use super::{Spots, Wrong, signature, word};

/// What an event does, and the other keys it may have.
const VERBS: [(&str, &[&str]); 5] = [
    ("load", &[]),
    ("prepare", &[]),
    ("touch", &[]),
    ("take", &["into"]),
    ("call", &["through", "this", "args"]),
];

/// Fills the scenario's script and variables; its layout has been read.
pub(super) fn read(
    scenario: &mut Scenario,
    top: &Fields<'_>,
    spots: &mut Spots,
) -> Result<(), Wrong> {
    let Some(script) = top.get("script") else { return Ok(()) };
    let fields = Fields::new("the script".into(), script.at(), script.table()?, &["events"])?;
    let events = fields.need("events")?.array()?;
    if let Some(extra) = events.get(MAX_EVENTS) {
        let message = format!("{} events; expected at most {MAX_EVENTS}", events.len());
        return Err(Wrong::new(extra.span().start, message));
    }
    let mut reader = Reader { names: Names::new(&scenario.layout), spots, variables: Vec::new() };
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
    assemblies: Vec<String>,
    methods: Vec<String>,
    sites: Vec<String>,
}

impl Names {
    fn new(layout: &Layout) -> Self {
        Names {
            assemblies: layout.assemblies.iter().map(|a| a.name.clone()).collect(),
            methods: layout.methods.iter().map(|m| m.name.clone()).collect(),
            sites: layout.sites.iter().map(|s| s.name.clone()).collect(),
        }
    }
}

fn refer(entry: &Entry<'_>, kind: &str, names: &[String]) -> Result<u16, Wrong> {
    entry.reference(kind, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

struct Reader<'r> {
    names: Names,
    spots: &'r mut Spots,
    variables: Vec<String>,
}

impl Reader<'_> {
    fn event(&mut self, layout: &Layout, i: usize, value: Value<'_>) -> Result<Event, Wrong> {
        let at = value.span().start;
        let place = Place::Event(i);
        let DeValue::Table(table) = value.get_ref() else {
            let found = describe(value.get_ref());
            return Err(Wrong::new(
                at,
                format!("an event is {found}; expected a table `{{ ... }}`"),
            ));
        };
        let verbs = VERBS.map(|(verb, _)| verb);
        let known: Vec<&str> = verbs
            .into_iter()
            .chain(VERBS.iter().flat_map(|(_, others)| others.iter().copied()))
            .collect();
        let fields = Fields::new("an event".into(), at, table, &known)?;
        let verb = fields.one_of(&verbs)?;
        let others = VERBS.iter().find(|(name, _)| *name == verb.key).map_or(&[][..], |v| v.1);
        let allowed: Vec<&str> = others.iter().copied().chain([verb.key]).collect();
        let fields = Fields::new(format!("a {} event", verb.key), at, table, &allowed)?;
        self.spots.note(place, Part::Whole, at);
        self.spots.note(place, Part::Target, verb.at());
        Ok(match verb.key {
            "load" => Event::Load(AssemblyId(refer(&verb, "assembly", &self.names.assemblies)?)),
            "prepare" => Event::Prepare(self.method(&verb)?),
            "touch" => Event::Touch(self.method(&verb)?),
            "take" => {
                let site = self.site(&verb)?;
                let into = fields.need("into")?;
                self.spots.note(place, Part::Into, into.at());
                Event::Take { site, into: self.declare(&into)? }
            }
            _ => Event::Call(self.call(layout, place, &fields, &verb)?),
        })
    }

    fn method(&self, entry: &Entry<'_>) -> Result<MethodId, Wrong> {
        refer(entry, "method", &self.names.methods).map(MethodId)
    }

    fn site(&self, entry: &Entry<'_>) -> Result<SiteId, Wrong> {
        refer(entry, "site", &self.names.sites).map(SiteId)
    }

    /// The variable of this name, which is new if it was not seen before.
    fn declare(&mut self, entry: &Entry<'_>) -> Result<VariableId, Wrong> {
        let name = entry.string()?;
        if !names::is_identifier(name) {
            return Err(Wrong::new(entry.at(), names::not_a_name("variable", name)));
        }
        let known = self.variables.iter().position(|known| known == name);
        let index = known.unwrap_or(self.variables.len());
        if index >= MAX_ITEMS {
            let message = format!("one variable too many; expected at most {MAX_ITEMS}");
            return Err(Wrong::new(entry.at(), message));
        }
        let id = VariableId(u16::try_from(index).unwrap_or(u16::MAX));
        if known.is_none() {
            self.spots.note(Place::Variable(id), Part::Whole, entry.at());
            self.variables.push(name.to_owned());
        }
        Ok(id)
    }

    fn call(
        &mut self,
        layout: &Layout,
        place: Place,
        fields: &Fields<'_>,
        verb: &Entry<'_>,
    ) -> Result<Call, Wrong> {
        let site = self.site(verb)?;
        let Some(signature) = site_signature(layout, layout.site(site)) else {
            let name = show(&layout.site(site).name);
            let message = format!("{name} is an `ldftn` site; expected a site that calls");
            return Err(Wrong::new(verb.at(), message));
        };
        let mut call = Call { site, pointer: None, this: None, args: Vec::new() };
        if let Some(through) = fields.get("through") {
            self.spots.note(place, Part::Pointer, through.at());
            call.pointer = Some(VariableId(refer(&through, "variable", &self.variables)?));
        }
        if let Some(this) = fields.get("this") {
            self.spots.note(place, Part::This, this.at());
            let word = this.integer(0, u32::MAX.into())?;
            call.this = u32::try_from(word).ok();
        }
        if let Some(args) = fields.get("args") {
            self.spots.note(place, Part::Args, args.at());
            for (i, value) in args.array()?.iter().enumerate() {
                self.spots.note(place, Part::Arg(i), value.span().start);
                // One too many has no type; validation counts them.
                let word = signature.params.get(i).map_or(Ok(0), |&ty| {
                    word::parse(layout, ty, signature::spell_type(layout, ty), value)
                })?;
                call.args.push(word);
            }
        }
        Ok(call)
    }
}
