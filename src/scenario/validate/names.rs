//! Names: which are allowed, and how a message talks about one.

use std::fmt::Write as _;

/// The longest name of an item, in characters (all of them ASCII).
pub const MAX_NAME: usize = 64;

/// Names listed in one message.
const MAX_LISTED: usize = 8;
/// Characters of foreign text quoted in one message.
const MAX_QUOTED: usize = 80;

/// A C# identifier of ASCII letters, digits and underscores.
pub fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= MAX_NAME
}

/// What is said of a name that [`is_identifier`] rejects.
pub fn not_a_name(kind: &str, name: &str) -> String {
    format!(
        "{} is no {kind} name; expected a letter or `_`, then letters, digits and `_`, \
         at most {MAX_NAME}",
        show(name)
    )
}

/// The name of a fault or of a class of finding: words joined by hyphens.
pub fn is_slug(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A character that would break a line, or hide in it.
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text of unknown origin, quoted for a message: on one line, and not endless.
pub fn show(text: &str) -> String {
    let mut out = String::from("`");
    for (i, c) in text.chars().enumerate() {
        if i == MAX_QUOTED {
            out.push('…');
            break;
        }
        if breaks_line(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}

/// "unknown method `UcoAd`; expected one of ...", the nearest names first if
/// there are too many to list.
pub fn unknown(kind: &str, name: &str, candidates: &[&str]) -> String {
    let mut message = format!("unknown {kind} {}; ", show(name));
    if candidates.is_empty() {
        let _ = write!(message, "expected a declared {kind}, and there is none");
    } else if candidates.len() <= MAX_LISTED {
        message.push_str(&expected(candidates));
    } else {
        let mut nearest: Vec<&str> = candidates.to_vec();
        nearest.sort_by_key(|candidate| distance(name, candidate));
        let others = nearest.split_off(MAX_LISTED).len();
        // Half of the letters may be wrong, or two swapped.
        if distance(name, nearest[0]) <= name.len().max(4) {
            let _ = write!(message, "did you mean {}? ", show(nearest[0]));
        }
        let _ = write!(message, "{} or {others} more", expected(&nearest));
    }
    message
}

/// "expected `a`" or "expected one of `a`, `b`".
pub fn expected(candidates: &[&str]) -> String {
    let listed: Vec<String> = candidates.iter().map(|name| show(name)).collect();
    match listed.as_slice() {
        [only] => format!("expected {only}"),
        _ => format!("expected one of {}", listed.join(", ")),
    }
}

/// Levenshtein distance of the (capped) names, times two: a letter of the wrong case counts one,
/// which the distances of `strsim` cannot say.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(MAX_NAME).collect();
    let b: Vec<char> = b.chars().take(MAX_NAME).collect();
    let mut row: Vec<usize> = (0..=b.len()).map(|j| 2 * j).collect();
    for (i, &ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = 2 * (i + 1);
        for (j, &cb) in b.iter().enumerate() {
            let step = match ca == cb {
                true => 0,
                false if ca.eq_ignore_ascii_case(&cb) => 1,
                false => 2,
            };
            let best = (diagonal + step).min(row[j] + 2).min(row[j + 1] + 2);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "_", "UcoAdd2", &"x".repeat(MAX_NAME)] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "2a", "a-b", "ä", "a b", &"x".repeat(MAX_NAME + 1)] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn short_lists_are_given_whole_and_long_ones_nearest_first() {
        assert_eq!(
            unknown("method", "UcoAd", &["ManagedAdd", "UcoAdd"]),
            "unknown method `UcoAd`; expected one of `ManagedAdd`, `UcoAdd`"
        );
        assert_eq!(
            unknown("method", "x", &[]),
            "unknown method `x`; expected a declared method, and there is none"
        );
        let many: Vec<String> = (0..12).map(|i| format!("Method{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let message = unknown("method", "method11", &many);
        assert!(message.contains("did you mean `Method11`? expected one of `Method11`, "));
        assert!(message.ends_with(" or 4 more"), "{message}");
    }

    #[test]
    fn quoted_text_stays_on_one_line() {
        assert_eq!(show("a\nb\u{2028}"), "`a\\u{a}b\\u{2028}`");
        assert_eq!(show(&"y".repeat(500)).chars().count(), MAX_QUOTED + 3);
    }
}
