//! JSON documents: one pass over the bytes, in which the values that the contract names are
//! replaced and everything else is copied as it is.
//!
//! A document that is not JSON by the letter (RFC 8259) is refused, since whoever reads it after
//! us could see other fields in it.

mod text;
mod walk;

use super::bound::{Bond, Bound};
use super::erasable::Whose;
use super::{Direction, Duplicate, Fault, Place, Pointer, Tally};
use crate::transform::Value;
use std::ops::Range;
use walk::{Found, Seen, Walk};

/// What is done at a field's value, given the field's number and where the value stands.
type Visit<'v> = &'v mut dyn FnMut(usize, Range<usize>, Found<'_>) -> Result<(), Fault>;

/// Applies the contract's `body:` fields.
pub(super) fn apply(
    bound: &Bound,
    document: &[u8],
    record: Option<&str>,
    tally: &mut Tally,
) -> Result<Vec<u8>, Fault> {
    let text = std::str::from_utf8(document)
        .map_err(|error| Fault::form(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let before = tally.counts();
    let records = ids(bound, text, |bond| bond.record.as_ref())?;
    let subjects = ids(bound, text, |bond| bond.subject.as_ref())?;
    let mut out = Vec::with_capacity(document.len() + 64);
    let mut copied = 0;
    let pointers = bound.bonds.iter().map(|bond| pointer(&bond.at));
    walk(bound, text, pointers.collect(), &mut |field, range, found| {
        let value = match found {
            Found::Text(raw) => Value::Text(text::unescape(raw).ok_or_else(lone_surrogate)?),
            Found::Literal("null") => return Ok(()),
            Found::Literal(raw) => Value::Literal(raw.into()),
            Found::Container => return Err(Fault::value(crate::transform::Error::NotScalar)),
        };
        let own = records.get(field).and_then(Option::as_deref).or(record);
        let subject = subjects.get(field).and_then(Option::as_deref);
        let made = bound.value(field, &value, Whose { record: own, subject }, tally)?;
        out.extend_from_slice(text.get(copied..range.start).unwrap_or_default().as_bytes());
        copied = range.end;
        match made {
            Value::Text(made) => text::escape(&made, &mut out),
            Value::Literal(made) => out.extend_from_slice(made.as_bytes()),
        }
        Ok(())
    })?;
    out.extend_from_slice(text.get(copied..).unwrap_or_default().as_bytes());
    bound.all_there(&before, tally, |place| matches!(place, Place::Body(_)))?;
    Ok(out)
}

fn pointer(place: &Place) -> Option<&Pointer> {
    match place {
        Place::Body(pointer) => Some(pointer),
        _ => None,
    }
}

fn lone_surrogate() -> Fault {
    Fault::form("the text holds half a surrogate pair, which is no character")
}

/// The id of each field's record or subject, for those that say where it is.
fn ids(
    bound: &Bound,
    text: &str,
    place: fn(&Bond) -> Option<&Place>,
) -> Result<Vec<Option<String>>, Fault> {
    let places: Vec<Option<&Pointer>> =
        bound.bonds.iter().map(|bond| place(bond).and_then(pointer)).collect();
    let mut ids = vec![None; places.len()];
    if places.iter().all(Option::is_none) {
        return Ok(ids);
    }
    walk(bound, text, places, &mut |field, _, found| {
        let id = match found {
            Found::Text(raw) => text::unescape(raw).map(std::borrow::Cow::into_owned),
            Found::Literal("null") | Found::Container => None,
            Found::Literal(raw) => Some(raw.to_owned()),
        };
        // Of two ids none is right.
        if let (Some(slot), Some(id)) = (ids.get_mut(field), id)
            && slot.replace(id).is_some()
        {
            return Err(Fault::form("a record or a subject has two ids"));
        }
        Ok(())
    })?;
    Ok(ids)
}

fn walk(
    bound: &Bound,
    text: &str,
    pointers: Vec<Option<&Pointer>>,
    visit: Visit<'_>,
) -> Result<(), Fault> {
    let strict = bound.duplicate == Duplicate::Refuse;
    let place = |field: usize| bound.bonds.get(field).map(|bond| bond.at.to_string());
    let mut walk = Walk::new(text, pointers, bound.direction == Direction::Ingest);
    while let Some(seen) = walk.next()? {
        match seen {
            Seen::Value { field, range, found } => visit(field, range, found)
                .map_err(|fault| fault.at(place(field).unwrap_or_default()))?,
            Seen::Twice { field } if strict => {
                let fault = Fault::form("a key on the way there stands twice in its object");
                return Err(fault.at(place(field).unwrap_or_default()));
            }
            Seen::Twice { .. } => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
