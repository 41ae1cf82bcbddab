//! Typed access to TOML tables, with an error for whatever is not expected.
//!
//! The `toml` crate parses, and its values know where they stand. What serde would do with them is
//! done here, as every error must be one line that points at the offending token, names it, says
//! what is expected and gives the nearest name that there is; and as a scenario's lists are tables
//! whose order counts.

use ::toml::Spanned;
use ::toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::super::validate::names::{self, expected, show, unknown};
use super::SyntaxError;
use crate::index::{Id, IndexVec};

/// A value with its place.
pub(super) type Value<'t> = &'t Spanned<DeValue<'t>>;

/// One `key = value`.
#[derive(Clone, Copy)]
pub(super) struct Entry<'t> {
    pub(super) key: &'t str,
    pub(super) key_at: usize,
    pub(super) value: Value<'t>,
}

impl<'t> Entry<'t> {
    /// Where the value starts.
    pub(super) fn at(&self) -> usize {
        self.value.span().start
    }

    pub(super) fn string(&self) -> Result<&'t str, SyntaxError> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, SyntaxError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("`true` or `false`"))
    }

    /// Only `true` makes sense.
    pub(super) fn word_true(&self) -> Result<(), SyntaxError> {
        if self.boolean()? { Ok(()) } else { Err(self.wrong_type("`true`, or nothing at all")) }
    }

    pub(super) fn array(&self) -> Result<&'t DeArray<'t>, SyntaxError> {
        self.value.get_ref().as_array().ok_or_else(|| self.wrong_type("an array"))
    }

    pub(super) fn table(&self) -> Result<&'t DeTable<'t>, SyntaxError> {
        self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table"))
    }

    pub(super) fn integer(&self, least: i128, most: i128) -> Result<i128, SyntaxError> {
        integer_in(self.value, least, most)
            .ok_or_else(|| self.wrong_type(&format!("an integer from {least} to {most}")))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, SyntaxError> {
        let given = self.string()?;
        words.iter().find(|(word, _)| *word == given).map(|&(_, meaning)| meaning).ok_or_else(
            || {
                let all: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
                let message = format!("`{}` is {}; {}", self.key, show(given), expected(&all));
                SyntaxError::new(self.at(), message)
            },
        )
    }

    /// The id of the item that the string names.
    pub(super) fn reference<I: Id, T>(
        &self,
        kind: &str,
        items: &IndexVec<I, T>,
        name_of: impl Fn(&T) -> &str,
    ) -> Result<I, SyntaxError> {
        let name = self.string()?;
        items.position(|candidate| name_of(candidate) == name).ok_or_else(|| {
            let all: Vec<&str> = items.iter().map(name_of).collect();
            SyntaxError::new(self.at(), unknown(kind, name, &all))
        })
    }

    fn wrong_type(&self, wanted: &str) -> SyntaxError {
        let found = describe(self.value.get_ref());
        SyntaxError::new(self.at(), format!("{} is {found}; expected {wanted}", show(self.key)))
    }
}

/// What a value is, for a message.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {}", show(text)),
        DeValue::Integer(number) => show(&number.to_string()),
        DeValue::Float(number) => show(&number.to_string()),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// The value as an integer within bounds.
pub(super) fn integer_in(value: Value<'_>, least: i128, most: i128) -> Option<i128> {
    let number = integer(value.get_ref().as_integer()?)?;
    (least..=most).contains(&number).then_some(number)
}

fn integer(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The entries of a table in the order written. TOML's tables have no order,
/// but a scenario's lists have.
pub(super) fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let mut entries: Vec<Entry<'t>> = table
        .iter()
        .map(|(key, value)| Entry { key: key.get_ref(), key_at: key.span().start, value })
        .collect();
    entries.sort_by_key(|entry| entry.key_at);
    entries
}

/// A table of which every key is known.
pub(super) struct Fields<'t> {
    /// What the table is, for a message.
    what: String,
    /// Where the table starts.
    pub(super) at: usize,
    entries: Vec<Entry<'t>>,
}

impl<'t> Fields<'t> {
    /// Fails at the first key that is not allowed.
    pub(super) fn new(
        what: String,
        at: usize,
        table: &'t DeTable<'t>,
        allowed: &[&str],
    ) -> Result<Self, SyntaxError> {
        let entries = entries(table);
        for entry in &entries {
            if !allowed.contains(&entry.key) {
                let message = if allowed.is_empty() {
                    format!("{what} with a key {}; expected none", show(entry.key))
                } else {
                    unknown(&format!("key of {what}"), entry.key, allowed)
                };
                return Err(SyntaxError::new(entry.key_at, message));
            }
        }
        Ok(Fields { what, at, entries })
    }

    pub(super) fn get(&self, key: &str) -> Option<Entry<'t>> {
        self.entries.iter().find(|entry| entry.key == key).copied()
    }

    pub(super) fn need(&self, key: &str) -> Result<Entry<'t>, SyntaxError> {
        self.get(key).ok_or_else(|| {
            SyntaxError::new(
                self.at,
                format!("{} without `{key}`; expected `{key} = ...`", self.what),
            )
        })
    }

    /// The one entry whose key is among those given, with what its key means.
    pub(super) fn one_of<T>(
        &self,
        keys: impl IntoIterator<Item = (&'static str, T)>,
    ) -> Result<(Entry<'t>, T), SyntaxError> {
        let mut keys: Vec<(&str, T)> = keys.into_iter().collect();
        let words: Vec<&str> = keys.iter().map(|&(word, _)| word).collect();
        let mut found = self.entries.iter().filter(|entry| words.contains(&entry.key));
        let Some(first) = found.next() else {
            let message = format!("{} that does nothing; {}", self.what, expected(&words));
            return Err(SyntaxError::new(self.at, message));
        };
        if let Some(second) = found.next() {
            let message = format!(
                "`{}` beside `{}` in {}; expected one of the two",
                second.key, first.key, self.what
            );
            return Err(SyntaxError::new(second.key_at, message));
        }
        let position = words.iter().position(|&word| word == first.key).unwrap_or(0);
        Ok((*first, keys.swap_remove(position).1))
    }

    /// Fails if the key is there, with what is expected instead.
    pub(super) fn forbid(&self, key: &str, instead: &str) -> Result<(), SyntaxError> {
        match self.get(key) {
            None => Ok(()),
            Some(entry) => {
                let message = format!("{} with `{key}`; expected {instead}", self.what);
                Err(SyntaxError::new(entry.key_at, message))
            }
        }
    }
}

/// Reads TOML; an error of the TOML reader gets the shape of ours.
pub(super) fn read(text: &str) -> Result<DeTable<'_>, SyntaxError> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let said = error.message();
        let message = match said {
            "duplicate key" => {
                let key = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
                format!("a second {}; expected each name once", show(key))
            }
            said if said == "recursion limit" || said.starts_with("cannot recurse") => {
                "too deep a nesting; expected a few levels at most".into()
            }
            said if said.starts_with("integers with a radix cannot be signed") => {
                "a sign before a hexadecimal number; expected decimal digits after it".into()
            }
            _ => match said.split_once(", expected ") {
                Some((wrong, wanted)) => format!("{wrong}; expected {wanted}"),
                None => format!("{said}; expected TOML"),
            },
        };
        SyntaxError::new(span.start, message.replace(names::breaks_line, " "))
    })
}
