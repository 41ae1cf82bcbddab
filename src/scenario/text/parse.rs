//! From TOML to a scenario: everything but the script.

#![deny(clippy::wildcard_enum_match_arm)]

use ::toml::de::DeTable;

use super::super::action::{Action, ActionKind, Choice, Make};
use super::super::validate::names::{self, show};
use super::super::validate::{Part, Place};
use super::super::{
    Assembly, AssemblyId, Caller, CallerKind, ClassId, ClassKind, Code, Convention, Form, Layout,
    MAX_ITEMS, MAX_STRUCT_SIZE, Method, MethodId, ObjectClass, Scenario, Signature, Site, Slot,
    Struct, StructShape, site,
};
use super::toml::{self, Entry, Fields};
use super::{Spots, SyntaxError, VERSION, script, signature};
use crate::index::{Id, IndexVec};

/// The keys of the file, in canonical order.
const TOP: [&str; 11] = [
    "calliper",
    "title",
    "upstream",
    "ready-to-run",
    "shows",
    "assemblies",
    "structs",
    "classes",
    "methods",
    "sites",
    "script",
];
/// The keys of a struct.
const STRUCT: [&str; 4] = ["size", "align", "wraps", "empty"];
/// The keys of a class.
const CLASS: [&str; 4] = ["in", "interface", "struct", "base"];
/// The keys of a method.
const METHOD: [&str; 11] = [
    "in",
    "code",
    "signature",
    "uco",
    "pinvoke",
    "reverse-thunk",
    "class",
    "virtual",
    "overrides",
    "form",
    "symbol",
];
/// The keys of a call site that say where it stands, besides what it does and its
/// [choice](Choice).
const SITE: [&str; 2] = ["in", "by"];

/// The callers that stand in an assembly.
const CALLERS: [CallerKind; 2] = [CallerKind::ReadyToRun, CallerKind::Interpreter];

/// Every key, and every word that is a value.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let keys = TOP.into_iter().chain(STRUCT).chain(CLASS).chain(METHOD).chain(SITE);
    let actions = site::words().map(|(word, ..)| word);
    let choices = Choice::ALL.into_iter();
    let chosen = choices.clone().filter_map(Choice::words).flatten();
    let values = Code::ALL.map(Code::word).into_iter().chain(Form::ALL.map(Form::word));
    let callers = CALLERS.into_iter().map(CallerKind::word);
    keys.chain(actions).chain(choices.map(Choice::key)).chain(chosen).chain(values).chain(callers)
}

/// Reads the file's text into a scenario that is not validated yet, and notes
/// where everything stands.
pub(super) fn document(text: &str, spots: &mut Spots) -> Result<Scenario, SyntaxError> {
    let root = toml::read(text)?;
    check_version(&root)?;
    let top = Fields::new("a scenario".into(), 0, &root, &TOP)?;
    let mut reader = Reader { text, spots, scenario: Scenario::default() };
    reader.header(&top)?;
    reader.assemblies(&top)?;
    reader.structs(&top)?;
    reader.classes(&top)?;
    reader.methods(&top)?;
    reader.sites(&top)?;
    let Reader { mut scenario, .. } = reader;
    script::read(&mut scenario, &top, spots)?;
    Ok(scenario)
}

/// Before anything else is looked at, as another version may have other keys.
fn check_version(root: &DeTable<'_>) -> Result<(), SyntaxError> {
    let wanted = format!("expected `calliper = {VERSION}`");
    match toml::entries(root).into_iter().find(|entry| entry.key == "calliper") {
        None => Err(SyntaxError::new(0, format!("no version of the format; {wanted}"))),
        Some(entry) if toml::integer_in(entry.value, VERSION.into(), VERSION.into()).is_some() => {
            Ok(())
        }
        Some(entry) => {
            let found = toml::describe(entry.value.get_ref());
            Err(SyntaxError::new(entry.at(), format!("the format's version is {found}; {wanted}")))
        }
    }
}

struct Reader<'r> {
    text: &'r str,
    spots: &'r mut Spots,
    scenario: Scenario,
}

impl Reader<'_> {
    fn layout(&mut self) -> &mut Layout {
        &mut self.scenario.layout
    }

    fn header(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        let title = top.need("title")?;
        self.scenario.title = title.string()?.to_owned();
        self.spots.note(Place::Title, Part::Whole, title.at());
        if let Some(upstream) = top.get("upstream") {
            self.spots.note(Place::Upstream, Part::Whole, upstream.at());
            for value in upstream.array()? {
                let number = toml::integer_in(value, 1, u32::MAX.into());
                let number = number.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| {
                    let found = toml::describe(value.get_ref());
                    let wanted = "the number of an issue or pull request";
                    SyntaxError::new(value.span().start, format!("{found}; expected {wanted}"))
                })?;
                self.scenario.upstream.push(number);
            }
        }
        if let Some(entry) = top.get("ready-to-run") {
            self.scenario.interpreter_only = !entry.boolean()?;
        }
        for (i, entry) in section(top, "shows")?.into_iter().enumerate() {
            self.spots.note(Place::Shows(i), Part::Whole, entry.key_at);
            self.spots.note(Place::Shows(i), Part::Finding, entry.at());
            let class = entry.string()?.to_owned();
            self.scenario.shows.push((entry.key.to_owned(), class));
        }
        Ok(())
    }

    fn assemblies(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        for (id, entry) in items(top, "assemblies", "assembly")?.enumerated() {
            self.spots.note(Place::Assembly(id), Part::Whole, entry.key_at);
            fields(entry, "an assembly", &[])?;
            self.layout().assemblies.push(Assembly { name: entry.key.to_owned() });
        }
        Ok(())
    }

    fn structs(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        let all = items(top, "structs", "struct")?;
        for (id, entry) in all.enumerated() {
            let place = Place::Struct(id);
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(entry, "a struct", &STRUCT)?;
            let shape = if let Some(empty) = fields.get("empty") {
                for other in ["size", "align", "wraps"] {
                    fields.forbid(other, "`empty` alone")?;
                }
                empty.word_true()?;
                StructShape::Empty
            } else if let Some(wraps) = fields.get("wraps") {
                fields.forbid("size", "`wraps`, or `size` and `align`")?;
                fields.forbid("align", "`wraps`, or `size` and `align`")?;
                self.spots.note(place, Part::Wraps, wraps.at());
                // The word is where the string starts, but for its quote.
                let at = self.inside(&wraps)?;
                let name = wraps.string()?;
                let named = all.position(|e| e.key == name).filter(|&other| other >= id);
                if let Some(later) = named.map(|later| all[later]) {
                    let message = format!(
                        "struct {} is not declared before; expected an earlier one",
                        show(later.key)
                    );
                    return Err(SyntaxError::new(at, message));
                }
                StructShape::Wraps(signature::type_named(at, name, &self.layout().structs)?)
            } else {
                let [size, align] =
                    [("size", Part::Size, MAX_STRUCT_SIZE), ("align", Part::Align, 16)].map(
                        |(key, part, most)| -> Result<u32, SyntaxError> {
                            let entry = fields.need(key)?;
                            self.spots.note(place, part, entry.at());
                            let number = entry.integer(1, most.into())?;
                            Ok(u32::try_from(number).unwrap_or(most))
                        },
                    );
                StructShape::Opaque { size: size?, align: align? }
            };
            self.layout().structs.push(Struct { name: entry.key.to_owned(), shape });
        }
        Ok(())
    }

    fn classes(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        let all = items(top, "classes", "class")?;
        for (id, entry) in all.enumerated() {
            let place = Place::Class(id);
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(entry, "a class", &CLASS)?;
            let assembly = self.assembly(&fields, place)?;
            let flag = |key| fields.get(key).map_or(Ok(false), |entry| entry.boolean());
            let kind = match (flag("interface")?, flag("struct")?) {
                (true, _) => {
                    fields.forbid("struct", "`interface` or `struct`")?;
                    ClassKind::Interface
                }
                (false, true) => ClassKind::Struct,
                (false, false) => ClassKind::Class,
            };
            let base = match fields.get("base") {
                None => None,
                Some(base) => {
                    self.spots.note(place, Part::Class, base.at());
                    Some(base.reference("class", &all, |c| c.key)?)
                }
            };
            self.layout().classes.push(ObjectClass {
                name: entry.key.to_owned(),
                assembly,
                base,
                kind,
            });
        }
        Ok(())
    }

    fn methods(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        let all = items(top, "methods", "method")?;
        for (id, entry) in all.enumerated() {
            let place = Place::Method(id);
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(entry, "a method", &METHOD)?;
            let assembly = self.assembly(&fields, place)?;
            let code = fields.need("code")?.word(&Code::ALL.map(|code| (code.word(), code)))?;
            let signature = self.signature(&fields.need("signature")?, place)?;
            let uco = fields.get("uco").map_or(Ok(false), |uco| uco.boolean())?;
            let thunk = fields.get("reverse-thunk");
            if let Some(thunk) = &thunk {
                self.spots.note(place, Part::ReverseThunk, thunk.at());
            }
            if !uco {
                fields.forbid("reverse-thunk", "that only beside `uco = true`")?;
            }
            let reverse_thunk = thunk.map_or(Ok(uco), |thunk| thunk.boolean())?;
            let pinvoke = fields.get("pinvoke").map_or(Ok(false), |entry| entry.boolean())?;
            let convention = match (uco, pinvoke) {
                (true, _) => {
                    fields.forbid("pinvoke", "`uco` or `pinvoke`")?;
                    Convention::UnmanagedCallersOnly
                }
                (false, true) => Convention::PInvoke,
                (false, false) => Convention::Managed,
            };
            let class = self.class(&fields, place)?;
            let slot = self.slot(&fields, place, &all)?;
            let form = self.form(&fields, place)?;
            let symbol = match fields.get("symbol") {
                None => None,
                Some(symbol) => {
                    self.spots.note(place, Part::Symbol, symbol.at());
                    Some(symbol.string()?.to_owned())
                }
            };
            self.layout().methods.push(Method {
                name: entry.key.to_owned(),
                assembly,
                class,
                slot,
                convention,
                code,
                form,
                reverse_thunk,
                signature,
                symbol,
            });
        }
        Ok(())
    }

    fn class(&mut self, fields: &Fields<'_>, place: Place) -> Result<Option<ClassId>, SyntaxError> {
        let Some(entry) = fields.get("class") else { return Ok(None) };
        self.spots.note(place, Part::Class, entry.at());
        Ok(Some(entry.reference("class", &self.layout().classes, |c| &c.name)?))
    }

    fn slot(
        &mut self,
        fields: &Fields<'_>,
        place: Place,
        all: &IndexVec<MethodId, Entry<'_>>,
    ) -> Result<Slot, SyntaxError> {
        if let Some(overrides) = fields.get("overrides") {
            fields.forbid("virtual", "`virtual` or `overrides`")?;
            self.spots.note(place, Part::Class, overrides.at());
            return Ok(Slot::Overrides(overrides.reference("method", all, |m| m.key)?));
        }
        let first = fields.get("virtual").map_or(Ok(false), |entry| entry.boolean())?;
        Ok(if first { Slot::Virtual } else { Slot::None })
    }

    fn form(&mut self, fields: &Fields<'_>, place: Place) -> Result<Form, SyntaxError> {
        let Some(entry) = fields.get("form") else { return Ok(Form::Ordinary) };
        self.spots.note(place, Part::Form, entry.at());
        entry.word(&Form::ALL.map(|form| (form.word(), form)))
    }

    fn sites(&mut self, top: &Fields<'_>) -> Result<(), SyntaxError> {
        let keys: Vec<&str> = (SITE.into_iter())
            .chain(Choice::ALL.map(Choice::key))
            .chain(site::words().map(|(word, ..)| word))
            .collect();
        for (id, entry) in items(top, "sites", "site")?.enumerated() {
            let place = Place::Site(id);
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(entry, "a site", &keys)?;
            let words = site::words().map(|(word, kind, native)| (word, (kind, native)));
            let (verb, (kind, native)) = fields.one_of(words)?;
            self.spots.note(place, Part::Target, verb.at());
            let caller = self.caller(&fields, place, native)?;
            let action = self.action(&fields, place, &verb, kind)?;
            self.layout().sites.push(Site { name: entry.key.to_owned(), caller, action });
        }
        Ok(())
    }

    fn action(
        &mut self,
        fields: &Fields<'_>,
        place: Place,
        verb: &Entry<'_>,
        kind: ActionKind,
    ) -> Result<Action, SyntaxError> {
        let mut chosen = false;
        for choice in Choice::ALL {
            if kind.choice() != Some(choice) {
                let owner = choice.of().word();
                fields.forbid(choice.key(), &format!("that only beside `{owner}`"))?;
            } else if let Some(entry) = fields.get(choice.key()) {
                chosen = match choice.words() {
                    Some([usual, other]) => entry.word(&[(usual, false), (other, true)])?,
                    None => entry.boolean()?,
                };
            }
        }
        Ok(match kind.make() {
            Make::OfMethod(make) => make(self.method(verb)?, chosen),
            Make::OfSignature(make) => make(self.signature(verb, place)?),
        })
    }

    fn caller(
        &mut self,
        fields: &Fields<'_>,
        place: Place,
        native: bool,
    ) -> Result<Caller, SyntaxError> {
        if native {
            fields.forbid("in", "none, as native code is in no assembly")?;
            fields.forbid("by", "none, as native code runs itself")?;
            return Ok(Caller::Native);
        }
        let assembly = self.assembly(fields, place)?;
        let kind = match fields.get("by") {
            None => CallerKind::ReadyToRun,
            Some(entry) => entry.word(&CALLERS.map(|kind| (kind.word(), kind)))?,
        };
        Ok(kind.in_assembly(assembly))
    }

    fn assembly(&mut self, fields: &Fields<'_>, place: Place) -> Result<AssemblyId, SyntaxError> {
        let entry = fields.need("in")?;
        self.spots.note(place, Part::Assembly, entry.at());
        entry.reference("assembly", &self.layout().assemblies, |a| &a.name)
    }

    fn method(&mut self, entry: &Entry<'_>) -> Result<MethodId, SyntaxError> {
        entry.reference("method", &self.layout().methods, |m| &m.name)
    }

    fn signature(&mut self, entry: &Entry<'_>, place: Place) -> Result<Signature, SyntaxError> {
        let start = self.inside(entry)?;
        // With an escape in the string, offsets within it mean nothing.
        let exact = start != entry.at();
        let offset = |at: usize| if exact { start + at } else { start };
        let parsed = signature::parse(entry.string()?, &self.layout().structs)
            .map_err(|wrong| SyntaxError::new(offset(wrong.at), wrong.message))?;
        self.spots.note(place, Part::Signature, entry.at());
        self.spots.note(place, Part::Ret, offset(parsed.ret_at));
        for (i, at) in parsed.params_at.into_iter().enumerate() {
            self.spots.note(place, Part::Param(i), offset(at));
        }
        Ok(parsed.signature)
    }

    /// Where the text of a string starts, after its quotes; where the string
    /// itself starts if it has escapes.
    fn inside(&self, entry: &Entry<'_>) -> Result<usize, SyntaxError> {
        let span = entry.value.span();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let quotes = if raw.starts_with(['"', '\'']) { 1 } else { 0 };
        let found = raw.get(quotes..).and_then(|rest| rest.find(entry.string().ok()?));
        Ok(span.start + found.map_or(0, |at| quotes + at))
    }
}

/// The entries of a table of the file; none if it is missing.
fn section<'t>(top: &Fields<'t>, key: &str) -> Result<Vec<Entry<'t>>, SyntaxError> {
    match top.get(key) {
        None => Ok(Vec::new()),
        Some(entry) => Ok(toml::entries(entry.table()?)),
    }
}

/// The numbered items of a table of the file. More than there may be would not
/// fit their numbers, so that is an error here already; so is a name that no
/// message could refer to.
fn items<'t, I: Id>(
    top: &Fields<'t>,
    key: &str,
    kind: &str,
) -> Result<IndexVec<I, Entry<'t>>, SyntaxError> {
    let entries = section(top, key)?;
    if let Some(extra) = entries.get(MAX_ITEMS) {
        let message = format!("{} entries of `{key}`; expected at most {MAX_ITEMS}", entries.len());
        return Err(SyntaxError::new(extra.key_at, message));
    }
    if let Some(entry) = entries.iter().find(|entry| !names::is_identifier(entry.key)) {
        return Err(SyntaxError::new(entry.key_at, names::not_a_name(kind, entry.key)));
    }
    Ok(entries.into())
}

fn fields<'t>(entry: &Entry<'t>, what: &str, allowed: &[&str]) -> Result<Fields<'t>, SyntaxError> {
    let table = entry.value.get_ref().as_table().ok_or_else(|| {
        let found = toml::describe(entry.value.get_ref());
        SyntaxError::new(entry.at(), format!("{what} is {found}; expected a table `{{ ... }}`"))
    })?;
    Fields::new(what.into(), entry.at(), table, allowed)
}
