//! Forms and queries: `name=value&name=value` (WHATWG URL, `application/x-www-form-urlencoded`).
//!
//! A name may stand several times, as lists do; each is transformed. What is not named is copied.

use super::bound::{Bond, Bound};
use super::erasable::Whose;
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
    let records = ids(bound, kind, bytes, |bond| bond.record.as_ref())?;
    let subjects = ids(bound, kind, bytes, |bond| bond.subject.as_ref())?;
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
        let own = records.get(field).and_then(Option::as_deref).or(record);
        let subject = subjects.get(field).and_then(Option::as_deref);
        let made = bound.text(field, &plain, Whose { record: own, subject }, tally)?;
        out.extend_from_slice(name);
        out.push(b'=');
        encode(made.as_bytes(), &mut out);
    }
    bound.all_there(&before, tally, |place| kind.name(place).is_some())?;
    Ok(out)
}

/// The id of each field's record or subject, for those that say where it is. The document is read
/// once for all of them.
fn ids(
    bound: &Bound,
    kind: Kind,
    bytes: &[u8],
    place: fn(&Bond) -> Option<&Place>,
) -> Result<Vec<Option<String>>, Fault> {
    let mut places: Vec<Place> = bound.bonds.iter().filter_map(place).cloned().collect();
    places.retain(|place| kind.name(place).is_some());
    places.dedup();
    let mut ids: Vec<Option<Option<String>>> = vec![None; places.len()];
    let pairs = bytes.split(|byte| *byte == b'&').filter(|_| !places.is_empty());
    for (name, value) in pairs.map(split) {
        let (Some(name), Some(value)) = (decode(name), value) else { continue };
        let named = |place: &&Place| kind.name(place).is_some_and(|n| n.as_bytes() == &*name);
        for (place, id) in places.iter().zip(&mut ids).filter(|(place, _)| named(place)) {
            let text = decode(value).and_then(|value| String::from_utf8(value.into_owned()).ok());
            // Of two ids none is right.
            if id.replace(text).is_some() {
                return Err(Fault::form("a record or a subject has two ids").at(place));
            }
        }
    }
    let own = |place: &Place| {
        let at = places.iter().position(|own| own == place)?;
        ids.get(at).cloned().flatten().flatten()
    };
    Ok(bound.bonds.iter().map(|bond| place(bond).and_then(own)).collect())
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
