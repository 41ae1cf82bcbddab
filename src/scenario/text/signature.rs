//! Signatures in one string: `instance void (int, S12)`.

use super::super::spell::MODIFIERS;
use super::super::validate::names::{show, unknown};
use super::super::{Signature, Struct, StructId, Type};
use super::SyntaxError;
use crate::index::IndexVec;

/// A signature, and where its types stand in the string.
pub(super) struct Parsed {
    pub(super) signature: Signature,
    pub(super) ret_at: usize,
    pub(super) params_at: Vec<usize>,
}

/// Every word of a signature but the names of structs.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let types = Type::PRIMITIVES.iter().map(|&(_, spelling)| spelling);
    MODIFIERS.into_iter().chain(["void"]).chain(types)
}

/// Reads a signature; the offset of an error counts from the string's start.
pub(super) fn parse(
    text: &str,
    structs: &IndexVec<StructId, Struct>,
) -> Result<Parsed, SyntaxError> {
    let mut cursor = Cursor { text, at: 0 };
    let (mut ret_at, mut word) = cursor.word();
    let [instance, context, continuation] = MODIFIERS.map(|modifier| {
        let found = word == modifier;
        if found {
            (ret_at, word) = cursor.word();
        }
        found
    });
    let ret = if word == "void" { None } else { Some(type_named(ret_at, word, structs)?) };
    cursor.expect('(')?;
    let mut params = Vec::new();
    let mut params_at = Vec::new();
    if !cursor.eat(')') {
        loop {
            let (at, word) = cursor.word();
            params.push(type_named(at, word, structs)?);
            params_at.push(at);
            if cursor.eat(')') {
                break;
            }
            cursor.expect(',')?;
        }
    }
    cursor.end()?;
    let signature = Signature { instance, context, continuation, ret, params };
    Ok(Parsed { signature, ret_at, params_at })
}

/// The type that a word spells.
pub(super) fn type_named(
    at: usize,
    word: &str,
    structs: &IndexVec<StructId, Struct>,
) -> Result<Type, SyntaxError> {
    if let Some(&(ty, _)) = Type::PRIMITIVES.iter().find(|(_, spelling)| *spelling == word) {
        return Ok(ty);
    }
    if let Some(id) = structs.position(|s| s.name == word) {
        return Ok(Type::Struct(id));
    }
    if word.is_empty() {
        return Err(SyntaxError::new(at, "a type is missing; expected one such as `int`"));
    }
    if word == "void" {
        return Err(SyntaxError::new(
            at,
            "`void` is no type of a value; expected one such as `int`",
        ));
    }
    let primitives = Type::PRIMITIVES.iter().map(|&(_, spelling)| spelling);
    let all: Vec<&str> = primitives.chain(structs.iter().map(|s| s.name.as_str())).collect();
    Err(SyntaxError::new(at, unknown("type", word, &all)))
}

/// A place in the string.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&mut self) -> &'t str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    /// The text up to white space or punctuation, perhaps none, and its offset.
    fn word(&mut self) -> (usize, &'t str) {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',');
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let at = self.at;
        self.at += word.len();
        (at, word)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), SyntaxError> {
        if self.eat(wanted) {
            return Ok(());
        }
        let also = if wanted == ',' { " or `)`" } else { "" };
        let found = self.found();
        Err(SyntaxError::new(self.at, format!("{found} in a signature; expected `{wanted}`{also}")))
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let found = self.found();
        Err(SyntaxError::new(self.at, format!("{found} after a signature; expected nothing")))
    }

    fn found(&mut self) -> String {
        match self.rest().chars().next() {
            None => "the string ends".into(),
            Some(c) => show(c.encode_utf8(&mut [0; 4])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Layout;
    use super::super::super::spell::spell;
    use super::*;

    #[test]
    fn every_primitive_is_read_back() {
        let layout = Layout::default();
        for (ty, spelling) in Type::PRIMITIVES {
            let (ret, params) = (Some(ty), vec![ty, ty]);
            let signature =
                Signature { instance: true, context: true, continuation: true, ret, params };
            let text = spell(&layout, &signature);
            let expected = format!("instance generic async {spelling} ({spelling}, {spelling})");
            assert_eq!(text, expected);
            assert_eq!(parse(&text, &layout.structs).expect(&text).signature, signature);
        }
    }

    #[test]
    fn errors_point_into_the_string() {
        for (text, at) in [
            ("", 0),
            ("int", 3),
            ("int (int, itn)", 10),
            ("int (int int)", 9),
            ("int (int,)", 9),
            ("int (void)", 5),
            ("instance (int)", 9),
            ("int (int) x", 10),
            ("int (int", 8),
        ] {
            let wrong = parse(text, &IndexVec::default()).err().expect(text);
            assert_eq!(wrong.at, at, "{text}: {}", wrong.message);
        }
    }
}
