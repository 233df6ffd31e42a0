//! Forms and queries: `name=value&name=value` (WHATWG URL, `application/x-www-form-urlencoded`).
//!
//! A name may stand several times, as lists do; each is transformed. What is not named is copied.

use super::bound::Bound;
use super::{Fault, Place, Tally};
use std::borrow::Cow;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A body.
    Form,
    /// A query.
    Query,
}

impl Kind {
    /// The name that a place has in this kind of document.
    fn name(self, place: &Place) -> Option<&str> {
        match (self, place) {
            (Self::Form, Place::Form(name)) | (Self::Query, Place::Query(name)) => Some(name),
            _ => None,
        }
    }
}

/// Applies the contract's fields of this kind.
pub(super) fn apply(
    bound: &Bound,
    kind: Kind,
    bytes: &[u8],
    record: Option<&str>,
    tally: &mut Tally,
) -> Result<Vec<u8>, Fault> {
    let before = tally.counts();
    let mut out = Vec::with_capacity(bytes.len() + 64);
    for (at, pair) in bytes.split(|byte| *byte == b'&').enumerate() {
        if at > 0 {
            out.push(b'&');
        }
        let (name, value) = split(pair);
        let decoded = decode(name).unwrap_or(Cow::Borrowed(name));
        let named = |place: &Place| kind.name(place).is_some_and(|n| n.as_bytes() == &*decoded);
        let field = bound.bonds.iter().position(|bond| named(&bond.at));
        let (Some(field), Some(value)) = (field, value) else {
            out.extend_from_slice(pair);
            continue;
        };
        let bond = &bound.bonds[field];
        let plain = decode(value).ok_or_else(|| Fault::form("a broken `%` escape").at(&bond.at))?;
        let id = bond.record.as_ref().map(|place| find(kind, bytes, place)).transpose()?.flatten();
        let made = bound.text(field, &plain, id.as_deref().or(record), tally)?;
        out.extend_from_slice(name);
        out.push(b'=');
        encode(made.as_bytes(), &mut out);
    }
    bound.all_there(&before, tally, |place| kind.name(place).is_some())?;
    Ok(out)
}

/// The one value of a name, as text.
fn find(kind: Kind, bytes: &[u8], place: &Place) -> Result<Option<String>, Fault> {
    let Some(want) = kind.name(place) else { return Ok(None) };
    let mut found = None;
    for (name, value) in bytes.split(|byte| *byte == b'&').map(split) {
        let is_it = decode(name).is_some_and(|name| &*name == want.as_bytes());
        if let (true, Some(value)) = (is_it, value) {
            let text = decode(value).and_then(|value| String::from_utf8(value.into_owned()).ok());
            if found.replace(text).is_some() {
                return Err(Fault::form("the record has two ids").at(place));
            }
        }
    }
    Ok(found.flatten())
}

fn split(pair: &[u8]) -> (&[u8], Option<&[u8]>) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (&pair[..at], Some(&pair[at + 1..])),
        None => (pair, None),
    }
}

/// Takes escapes and `+` for what they stand for. Nothing if an escape is broken.
fn decode(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (rest.next().and_then(digit)?, rest.next().and_then(digit)?);
                (high * 16 + low) as u8
            }
            other => *other,
        });
    }
    Some(Cow::Owned(out))
}

/// Writes a value as forms are written.
fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(*byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
}
