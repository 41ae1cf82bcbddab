//! The compact form, for corpora of fuzzers.
//!
//! Four bytes of magic, a byte of version, and the scenario in postcard. It is
//! read by the program version that wrote it or a later one; what is worth
//! keeping is kept as [text](super::text).

use super::Scenario;
use super::validate::{Problem, validate};

/// The first bytes of every scenario in binary form.
pub const MAGIC: [u8; 4] = *b"CLPR";
/// The version that [`encode`] writes, and the only one that [`decode`] reads.
pub const VERSION: u8 = 2;
/// The most bytes that [`decode`] looks at.
pub const MAX_BYTES: usize = 1 << 20;

/// Why bytes are no scenario. Each message is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// More than [`MAX_BYTES`].
    #[error("{0} bytes of binary scenario; expected at most {MAX_BYTES}")]
    TooLarge(usize),
    /// Not this format at all.
    #[error("not a binary scenario; expected it to start with `CLPR`")]
    Magic,
    /// Another version of the format.
    #[error("a binary scenario of version {0}; expected version {VERSION}")]
    Version(u8),
    /// The bytes end too early.
    #[error("a truncated binary scenario; expected more than {0} bytes")]
    Truncated(usize),
    /// The bytes do not spell a scenario.
    #[error("a malformed binary scenario ({0}); expected what version {VERSION} writes")]
    Malformed(postcard::Error),
    /// Bytes are left over.
    #[error("{0} bytes after the binary scenario; expected none")]
    Trailing(usize),
    /// The bytes spell a scenario that must not be.
    #[error("an invalid binary scenario: {0}")]
    Invalid(#[from] Problem),
}

/// Writes a scenario; [`decode`] gives the same one back, if it is valid.
pub fn encode(scenario: &Scenario) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    // Only a type that cannot say its length would fail, and none is in there.
    postcard::to_extend(scenario, out).expect("plain data always encodes")
}

/// Reads a scenario that [`validate`] accepts.
pub fn decode(bytes: &[u8]) -> Result<Scenario, BinaryError> {
    let scenario = decode_any(bytes)?;
    validate(&scenario)?;
    Ok(scenario)
}

/// Reads a scenario without validating it, for
/// [`fixup`](super::generate::fixup) to repair.
pub fn decode_any(bytes: &[u8]) -> Result<Scenario, BinaryError> {
    if bytes.len() > MAX_BYTES {
        return Err(BinaryError::TooLarge(bytes.len()));
    }
    let truncated = BinaryError::Truncated(bytes.len());
    let Some(rest) = bytes.strip_prefix(&MAGIC) else {
        return Err(if MAGIC.starts_with(bytes) { truncated } else { BinaryError::Magic });
    };
    let body = match rest.split_first() {
        None => return Err(truncated),
        Some((&VERSION, body)) => body,
        Some((&other, _)) => return Err(BinaryError::Version(other)),
    };
    match postcard::take_from_bytes(body) {
        Ok((scenario, [])) => Ok(scenario),
        Ok((_, left)) => Err(BinaryError::Trailing(left.len())),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(truncated),
        Err(other) => Err(BinaryError::Malformed(other)),
    }
}
