//! From TOML to a scenario: everything but the script.

use toml::de::DeTable;

use super::super::validate::names::{self, show};
use super::super::validate::{Part, Place};
use super::super::{
    Action, Assembly, AssemblyId, Binding, Caller, Code, Convention, Layout, MAX_ITEMS,
    MAX_STRUCT_SIZE, Method, MethodId, Scenario, Signature, Site, SiteId, Struct, StructId,
    StructShape,
};
use super::table::{self, Entry, Fields};
use super::{Spots, VERSION, Wrong, script, signature};

/// The keys of the file, in canonical order.
const TOP: [&str; 9] = [
    "calliper",
    "title",
    "upstream",
    "shows",
    "assemblies",
    "structs",
    "methods",
    "sites",
    "script",
];
/// The keys of a call site that say what it does.
const ACTIONS: [&str; 5] = ["ldftn", "calli", "unmanaged", "direct", "native"];

/// Reads the file's text into a scenario that is not validated yet, and notes
/// where everything stands.
pub(super) fn document(text: &str, spots: &mut Spots) -> Result<Scenario, Wrong> {
    let root = table::read(text)?;
    check_version(&root)?;
    let top = Fields::new("a scenario".into(), 0, &root, &TOP)?;
    let mut reader = Reader { text, spots, scenario: Scenario::default() };
    reader.header(&top)?;
    reader.assemblies(&top)?;
    reader.structs(&top)?;
    reader.methods(&top)?;
    reader.sites(&top)?;
    let Reader { mut scenario, .. } = reader;
    script::read(&mut scenario, &top, spots)?;
    Ok(scenario)
}

/// Before anything else is looked at, as another version may have other keys.
fn check_version(root: &DeTable<'_>) -> Result<(), Wrong> {
    let wanted = format!("expected `calliper = {VERSION}`");
    match table::entries(root).into_iter().find(|entry| entry.key == "calliper") {
        None => Err(Wrong::new(0, format!("no version of the format; {wanted}"))),
        Some(entry) if table::integer_in(entry.value, VERSION.into(), VERSION.into()).is_some() => {
            Ok(())
        }
        Some(entry) => {
            let found = table::describe(entry.value.get_ref());
            Err(Wrong::new(entry.at(), format!("the format's version is {found}; {wanted}")))
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

    fn header(&mut self, top: &Fields<'_>) -> Result<(), Wrong> {
        let title = top.need("title")?;
        self.scenario.title = title.string()?.to_owned();
        self.spots.note(Place::Title, Part::Whole, title.at());
        if let Some(upstream) = top.get("upstream") {
            self.spots.note(Place::Upstream, Part::Whole, upstream.at());
            for value in upstream.array()? {
                let number = table::integer_in(value, 1, u32::MAX.into());
                let number = number.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| {
                    let found = table::describe(value.get_ref());
                    let wanted = "the number of an issue or pull request";
                    Wrong::new(value.span().start, format!("{found}; expected {wanted}"))
                })?;
                self.scenario.upstream.push(number);
            }
        }
        for (i, entry) in section(top, "shows")?.into_iter().enumerate() {
            self.spots.note(Place::Shows(i), Part::Whole, entry.key_at);
            self.spots.note(Place::Shows(i), Part::Class, entry.at());
            let class = entry.string()?.to_owned();
            self.scenario.shows.push((entry.key.to_owned(), class));
        }
        Ok(())
    }

    fn assemblies(&mut self, top: &Fields<'_>) -> Result<(), Wrong> {
        for (id, entry) in items(top, "assemblies", "assembly")? {
            self.spots.note(Place::Assembly(AssemblyId(id)), Part::Whole, entry.key_at);
            fields(&entry, "an assembly", &[])?;
            self.layout().assemblies.push(Assembly { name: entry.key.to_owned() });
        }
        Ok(())
    }

    fn structs(&mut self, top: &Fields<'_>) -> Result<(), Wrong> {
        let all = items(top, "structs", "struct")?;
        for &(id, entry) in &all {
            let place = Place::Struct(StructId(id));
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(&entry, "a struct", &["size", "align", "wraps"])?;
            let shape = if let Some(wraps) = fields.get("wraps") {
                fields.forbid("size", "`wraps`, or `size` and `align`")?;
                fields.forbid("align", "`wraps`, or `size` and `align`")?;
                self.spots.note(place, Part::Wraps, wraps.at());
                // The word is where the string starts, but for its quote.
                let at = self.inside(&wraps)?;
                let name = wraps.string()?;
                if let Some((_, later)) = all[id.into()..].iter().find(|(_, e)| e.key == name) {
                    let message = format!(
                        "struct {} is not declared before; expected an earlier one",
                        show(later.key)
                    );
                    return Err(Wrong::new(at, message));
                }
                StructShape::Wraps(signature::type_named(at, name, &self.layout().structs)?)
            } else {
                let [size, align] =
                    [("size", Part::Size, MAX_STRUCT_SIZE), ("align", Part::Align, 16)].map(
                        |(key, part, most)| -> Result<u32, Wrong> {
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

    fn methods(&mut self, top: &Fields<'_>) -> Result<(), Wrong> {
        let keys = ["in", "code", "signature", "uco", "reverse-thunk"];
        let codes =
            [("r2r", Code::ReadyToRun), ("interpreted", Code::Interpreted), ("both", Code::Both)];
        for (id, entry) in items(top, "methods", "method")? {
            let place = Place::Method(MethodId(id));
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(&entry, "a method", &keys)?;
            let assembly = self.assembly(&fields, place)?;
            let code = fields.need("code")?.word(&codes)?;
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
            let convention =
                if uco { Convention::UnmanagedCallersOnly } else { Convention::Managed };
            let name = entry.key.to_owned();
            let method = Method { name, assembly, convention, code, reverse_thunk, signature };
            self.layout().methods.push(method);
        }
        Ok(())
    }

    fn sites(&mut self, top: &Fields<'_>) -> Result<(), Wrong> {
        let keys = ["in", "by", "binding"].into_iter().chain(ACTIONS).collect::<Vec<_>>();
        for (id, entry) in items(top, "sites", "site")? {
            let place = Place::Site(SiteId(id));
            self.spots.note(place, Part::Whole, entry.key_at);
            let fields = fields(&entry, "a site", &keys)?;
            let verb = fields.one_of(&ACTIONS)?;
            self.spots.note(place, Part::Target, verb.at());
            let caller = self.caller(&fields, place, verb.key == "native")?;
            let binding = match fields.get("binding") {
                Some(_) if verb.key != "direct" => {
                    fields.forbid("binding", "that only beside `direct`")?;
                    Binding::Lazy
                }
                Some(entry) => entry.word(&[("lazy", Binding::Lazy), ("eager", Binding::Eager)])?,
                None => Binding::Lazy,
            };
            let action = match verb.key {
                "ldftn" => Action::Ldftn(self.method(&verb)?),
                "direct" => Action::Direct { callee: self.method(&verb)?, binding },
                "calli" => Action::ManagedCalli(self.signature(&verb, place)?),
                _ => Action::UnmanagedCalli(self.signature(&verb, place)?),
            };
            self.layout().sites.push(Site { name: entry.key.to_owned(), caller, action });
        }
        Ok(())
    }

    fn caller(&mut self, fields: &Fields<'_>, place: Place, native: bool) -> Result<Caller, Wrong> {
        if native {
            fields.forbid("in", "none, as native code is in no assembly")?;
            fields.forbid("by", "none, as native code runs itself")?;
            return Ok(Caller::Native);
        }
        let assembly = self.assembly(fields, place)?;
        let interpreted = match fields.get("by") {
            None => false,
            Some(entry) => entry.word(&[("r2r", false), ("interpreter", true)])?,
        };
        Ok(if interpreted { Caller::Interpreter(assembly) } else { Caller::ReadyToRun(assembly) })
    }

    fn assembly(&mut self, fields: &Fields<'_>, place: Place) -> Result<AssemblyId, Wrong> {
        let entry = fields.need("in")?;
        self.spots.note(place, Part::Assembly, entry.at());
        let all: Vec<&str> = self.layout().assemblies.iter().map(|a| a.name.as_str()).collect();
        entry.reference("assembly", &all).map(AssemblyId)
    }

    fn method(&mut self, entry: &Entry<'_>) -> Result<MethodId, Wrong> {
        let all: Vec<&str> = self.layout().methods.iter().map(|m| m.name.as_str()).collect();
        entry.reference("method", &all).map(MethodId)
    }

    fn signature(&mut self, entry: &Entry<'_>, place: Place) -> Result<Signature, Wrong> {
        let start = self.inside(entry)?;
        // With an escape in the string, offsets within it mean nothing.
        let exact = start != entry.at();
        let offset = |at: usize| if exact { start + at } else { start };
        let parsed = signature::parse(entry.string()?, &self.layout().structs)
            .map_err(|wrong| Wrong::new(offset(wrong.at), wrong.message))?;
        self.spots.note(place, Part::Signature, entry.at());
        self.spots.note(place, Part::Ret, offset(parsed.ret_at));
        for (i, at) in parsed.params_at.into_iter().enumerate() {
            self.spots.note(place, Part::Param(i), offset(at));
        }
        Ok(parsed.signature)
    }

    /// Where the text of a string starts, after its quotes; where the string
    /// itself starts if it has escapes.
    fn inside(&self, entry: &Entry<'_>) -> Result<usize, Wrong> {
        let span = entry.value.span();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let quotes = if raw.starts_with(['"', '\'']) { 1 } else { 0 };
        let found = raw.get(quotes..).and_then(|rest| rest.find(entry.string().ok()?));
        Ok(span.start + found.map_or(0, |at| quotes + at))
    }
}

/// The entries of a table of the file; none if it is missing.
fn section<'t>(top: &Fields<'t>, key: &str) -> Result<Vec<Entry<'t>>, Wrong> {
    match top.get(key) {
        None => Ok(Vec::new()),
        Some(entry) => Ok(table::entries(entry.table()?)),
    }
}

/// The numbered items of a table of the file. More than there may be would not
/// fit their numbers, so that is an error here already; so is a name that no
/// message could refer to.
fn items<'t>(top: &Fields<'t>, key: &str, kind: &str) -> Result<Vec<(u16, Entry<'t>)>, Wrong> {
    let entries = section(top, key)?;
    if let Some(extra) = entries.get(MAX_ITEMS) {
        let message = format!("{} entries of `{key}`; expected at most {MAX_ITEMS}", entries.len());
        return Err(Wrong::new(extra.key_at, message));
    }
    if let Some(entry) = entries.iter().find(|entry| !names::is_identifier(entry.key)) {
        return Err(Wrong::new(entry.key_at, names::not_a_name(kind, entry.key)));
    }
    Ok((0..).zip(entries).collect())
}

fn fields<'t>(entry: &Entry<'t>, what: &str, allowed: &[&str]) -> Result<Fields<'t>, Wrong> {
    let table = entry.value.get_ref().as_table().ok_or_else(|| {
        let found = table::describe(entry.value.get_ref());
        Wrong::new(entry.at(), format!("{what} is {found}; expected a table `{{ ... }}`"))
    })?;
    Fields::new(what.into(), entry.at(), table, allowed)
}
