//! Arguments: what a person writes for a word of a given type.

use ::toml::de::DeValue;

use super::super::meaning::{self, object_address};
use super::super::{Layout, Type};
use super::SyntaxError;
use super::toml::{Value, describe, integer_in};

/// How the words of a type are written.
enum Writing {
    Bool,
    /// A two's complement number of so many bits.
    Signed(u32),
    Unsigned(u32),
    Float,
    Double,
    /// A word that stands for a larger value; see [`meaning::push_value`].
    Seed,
}

fn writing(ty: Type) -> Writing {
    match ty {
        Type::Bool => Writing::Bool,
        Type::I8 => Writing::Signed(8),
        Type::I16 => Writing::Signed(16),
        Type::I32 | Type::NInt => Writing::Signed(32),
        Type::I64 => Writing::Signed(64),
        Type::U8 => Writing::Unsigned(8),
        Type::U16 | Type::Char => Writing::Unsigned(16),
        Type::U32 | Type::NUInt | Type::Pointer | Type::Object => Writing::Unsigned(32),
        Type::U64 => Writing::Unsigned(64),
        Type::F32 => Writing::Float,
        Type::F64 => Writing::Double,
        Type::Int128 | Type::Vector128 | Type::Vector256 | Type::Vector512 | Type::Struct(_) => {
            Writing::Seed
        }
    }
}

/// Reads the argument for a parameter of type `ty`, spelled `spelling`.
pub(super) fn parse(
    layout: &Layout,
    ty: Type,
    spelling: &str,
    value: Value<'_>,
) -> Result<u64, SyntaxError> {
    if ty == Type::Object
        && let Some(object) = object(layout, value)
    {
        return Ok(object.into());
    }
    let (word, wanted) = match writing(ty) {
        Writing::Bool => (value.get_ref().as_bool().map(u64::from), "`true` or `false`".into()),
        Writing::Signed(bits) => {
            let half = 1i128 << (bits - 1);
            // The low 64 bits are the two's complement word.
            let word = integer_in(value, -half, half - 1).map(|v| v as u64);
            (word, format!("an integer from {} to {}", -half, half - 1))
        }
        Writing::Unsigned(64) => (
            unsigned(value, 64),
            "an integer from 0 to 0x7fffffffffffffff, or a string such as \"0xffffffffffffffff\""
                .into(),
        ),
        Writing::Unsigned(bits) => {
            let most = (1i128 << bits) - 1;
            let word = integer_in(value, 0, most).and_then(|v| u64::try_from(v).ok());
            (word, format!("an integer from 0 to {most}"))
        }
        Writing::Float => {
            let wanted = "a number such as 1.5, or its bits in a string such as \"0x3fc00000\"";
            (float(value).or_else(|| bits(value, 32)), wanted.into())
        }
        Writing::Double => {
            let wanted =
                "a number such as 1.5, or its bits in a string such as \"0x3ff8000000000000\"";
            (double(value).or_else(|| bits(value, 64)), wanted.into())
        }
        Writing::Seed => (
            unsigned(value, 64),
            "a seed from 0 to 0x7fffffffffffffff, or a string such as \"0xffffffffffffffff\""
                .into(),
        ),
    };
    match word {
        Some(word) => Ok(meaning::normalise(layout, ty, word)),
        None => {
            let found = describe(value.get_ref());
            let message = format!("{found} for a parameter `{spelling}`; expected {wanted}");
            Err(SyntaxError::new(value.span().start, message))
        }
    }
}

/// The address of the instance of a class that the value names.
pub(super) fn object(layout: &Layout, value: Value<'_>) -> Option<u32> {
    let name = value.get_ref().as_str()?;
    let object = object_address(layout.classes.position(|class| class.name == name)?);
    meaning::class_at(layout, object).map(|_| object)
}

/// Writes an object reference: the class whose instance it is, or a number.
pub(super) fn print_object(layout: &Layout, object: u32) -> String {
    match meaning::class_at(layout, object) {
        Some(class) => format!("\"{}\"", layout.class(class).name),
        None => number(object.into()),
    }
}

/// Writes a word, so that [`parse`] reads it back.
pub(super) fn print(layout: &Layout, ty: Type, word: u64) -> String {
    if let (Type::Object, Ok(object)) = (ty, u32::try_from(word)) {
        return print_object(layout, object);
    }
    match writing(ty) {
        Writing::Bool => (word & 1 == 1).to_string(),
        Writing::Signed(64) => number(i128::from(word as i64)),
        Writing::Signed(_) => number(i128::from(word as u32 as i32)),
        Writing::Float => {
            let value = f32::from_bits(word as u32);
            // TOML does not say which NaN its `nan` is.
            if value.is_nan() { format!("\"{:#010x}\"", word as u32) } else { format!("{value:?}") }
        }
        Writing::Double => {
            let value = f64::from_bits(word);
            if value.is_nan() { format!("\"{word:#018x}\"") } else { format!("{value:?}") }
        }
        Writing::Unsigned(_) | Writing::Seed => number(i128::from(word)),
    }
}

/// Writes a number: small and negative ones in decimal, others in hexadecimal,
/// and those that a TOML integer cannot hold as a string.
pub(super) fn number(value: i128) -> String {
    if value < 1000 {
        value.to_string()
    } else if value <= i128::from(i64::MAX) {
        format!("{value:#x}")
    } else {
        format!("\"{value:#x}\"")
    }
}

fn unsigned(value: Value<'_>, width: u32) -> Option<u64> {
    integer_in(value, 0, i128::from(i64::MAX))
        .and_then(|v| u64::try_from(v).ok())
        .or_else(|| bits(value, width))
}

/// A string of hexadecimal digits after `0x`, at most `width` bits of them.
fn bits(value: Value<'_>, width: u32) -> Option<u64> {
    let digits = value.get_ref().as_str()?.strip_prefix("0x")?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let word = u64::from_str_radix(digits, 16).ok()?;
    (width == 64 || word >> width == 0).then_some(word)
}

/// A finite number, or an infinity that is spelled out.
fn float(value: Value<'_>) -> Option<u64> {
    let text = float_text(value)?;
    let number: f32 = text.parse().ok()?;
    meant(text, number.is_infinite(), number.is_nan()).then(|| u64::from(number.to_bits()))
}

fn double(value: Value<'_>) -> Option<u64> {
    let text = float_text(value)?;
    let number: f64 = text.parse().ok()?;
    meant(text, number.is_infinite(), number.is_nan()).then(|| number.to_bits())
}

fn float_text<'t>(value: Value<'t>) -> Option<&'t str> {
    match value.get_ref() {
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    }
}

fn meant(text: &str, infinite: bool, nan: bool) -> bool {
    !nan && (!infinite || text.contains("inf"))
}
