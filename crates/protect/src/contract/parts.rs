//! Bodies of several parts: `multipart/form-data` (RFC 7578).
//!
//! What is read here a function reads again, with a reader of its own. So everything is refused that
//! two readers could read differently: a boundary that stands where no part begins, text around the
//! parts, names with escapes, line ends that are half of one.

mod head;

use super::bound::{Bond, Bound};
use super::erasable::Whose;
use super::{Direction, Fault, Place, Tally, alike};
use head::Head;
use std::ops::Range;

/// Most parts of a body.
const PARTS_MAX: usize = 1024;
/// Longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// What stands between the parts of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// The boundary that a value of `content-type` names.
    ///
    /// # Errors
    /// It names none, two, or one that a boundary cannot be.
    pub fn of(content_type: &str) -> Result<Self, Fault> {
        let mut found = None;
        let parameters = content_type.split(';').skip(1);
        for parameter in parameters.filter(|parameter| !parameter.trim().is_empty()) {
            let Some((name, value)) = parameter.split_once('=') else {
                return Err(Fault::parts("a parameter of `content-type` has no value"));
            };
            let (name, value) = (name.trim(), value.trim());
            let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let value = bare.unwrap_or(value);
            if name.eq_ignore_ascii_case("boundary") {
                if found.replace(value).is_some() {
                    return Err(Fault::parts("`content-type` names two boundaries"));
                }
            } else if !name.eq_ignore_ascii_case("charset") || !head::is_utf8(value) {
                return Err(Fault::parts("a parameter of `content-type` that no form needs"));
            }
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
        match found {
            Some(text) if (1..=BOUNDARY_MAX).contains(&text.len()) && text.bytes().all(fits) => {
                Ok(Self(format!("--{text}")))
            }
            _ => Err(Fault::parts("`content-type` names no boundary that can be one")),
        }
    }

    /// Where it stands in these bytes, from `at` on.
    fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mark = self.0.as_bytes();
        let found = bytes.get(at..)?.windows(mark.len()).position(|window| window == mark)?;
        Some(at + found)
    }
}

/// One part.
struct Part<'b> {
    head: Head<'b>,
    /// Where its head stands, with the line end of its last line.
    fields: Range<usize>,
    content: Range<usize>,
}

/// Applies the contract's `form:` fields.
pub(super) fn apply(
    bound: &Bound,
    (body, boundary): (&[u8], &Boundary),
    files: &[String],
    record: Option<&str>,
    tally: &mut Tally,
) -> Result<Vec<u8>, Fault> {
    let before = tally.counts();
    let parts = read(body, boundary)?;
    let own = |name: &str| {
        bound.bonds.iter().position(|bond| matches!(&bond.at, Place::Form(own) if own == name))
    };
    for part in &parts {
        check(bound, part, files, own(part.head.name).is_some())?;
    }
    let records = ids(bound, body, &parts, |bond| bond.record.as_ref())?;
    let subjects = ids(bound, body, &parts, |bond| bond.subject.as_ref())?;
    let mut out = Vec::with_capacity(body.len() + 64);
    let mut copied = 0;
    for part in &parts {
        let Some(field) = own(part.head.name) else { continue };
        let plain = body.get(part.content.clone()).unwrap_or_default();
        let whose = Whose {
            record: records.get(field).copied().flatten().or(record),
            subject: subjects.get(field).copied().flatten(),
        };
        let made = bound.text(field, plain, whose, tally)?;
        if boundary.find(made.as_bytes(), 0).is_some() {
            return Err(Fault::parts("the boundary stands in a value"));
        }
        out.extend_from_slice(body.get(copied..part.fields.start).unwrap_or_default());
        part.head.write(&mut out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(made.as_bytes());
        copied = part.content.end;
    }
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    bound.all_there(&before, tally, |place| matches!(place, Place::Form(_)))?;
    Ok(out)
}

/// The parts of a body, of which nothing is left over.
fn read<'b>(body: &'b [u8], boundary: &Boundary) -> Result<Vec<Part<'b>>, Fault> {
    let odd = || Fault::parts("the boundary stands where no part begins or ends");
    let mut parts = Vec::new();
    if !body.starts_with(boundary.0.as_bytes()) {
        return Err(Fault::parts("it does not begin with its boundary"));
    }
    let mut at = boundary.0.len();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if matches!(rest, b"--" | b"--\r\n") {
            return Ok(parts);
        }
        if !rest.starts_with(b"\r\n") {
            return Err(odd());
        }
        if parts.len() == PARTS_MAX {
            return Err(Fault::parts("it has more than 1024 parts"));
        }
        let begin = at + 2;
        let mark = boundary.find(body, begin).ok_or_else(|| Fault::parts("it does not end"))?;
        let end = mark.checked_sub(2).filter(|end| *end >= begin).ok_or_else(odd)?;
        if body.get(end..mark) != Some(b"\r\n") {
            return Err(odd());
        }
        parts.push(part(body, begin, end)?);
        at = mark + boundary.0.len();
    }
}

fn part(body: &[u8], begin: usize, end: usize) -> Result<Part<'_>, Fault> {
    let whole = body.get(begin..end).unwrap_or_default();
    let found = whole.windows(4).position(|window| window == b"\r\n\r\n");
    let length = found.ok_or_else(|| Fault::parts("a part has no head"))? + 2;
    let head = Head::read(whole.get(..length).unwrap_or_default())?;
    let fields = begin..begin + length;
    Ok(Part { head, content: fields.end + 2..end, fields })
}

/// Whether a part may pass: as a field that is plain text, or as a file that the contract names.
fn check(bound: &Bound, part: &Part<'_>, files: &[String], is_own: bool) -> Result<(), Fault> {
    let name = part.head.name;
    if part.head.is_file() {
        if is_own {
            return Err(Fault::parts("a field of the contract is sent as a file"));
        }
        if !files.iter().any(|own| own == name) {
            return Err(Fault::parts("a part is a file that the contract does not name"));
        }
    }
    let names = || {
        bound.bonds.iter().filter_map(|bond| match &bond.at {
            Place::Form(name) => Some(name.as_str()),
            _ => None,
        })
    };
    if bound.direction == Direction::Ingest && alike::is_like(names, name) {
        return Err(Fault::form(alike::WHY));
    }
    Ok(())
}

/// The id of each field's record or subject, for those that say where it is.
fn ids<'b>(
    bound: &Bound,
    body: &'b [u8],
    parts: &[Part<'_>],
    place: fn(&Bond) -> Option<&Place>,
) -> Result<Vec<Option<&'b str>>, Fault> {
    let id = |place: &Place| -> Result<Option<&'b str>, Fault> {
        let Place::Form(name) = place else { return Ok(None) };
        let mut own = parts.iter().filter(|part| part.head.name == name);
        match (own.next(), own.next()) {
            // Of two ids none is right.
            (_, Some(_)) => Err(Fault::form("a record or a subject has two ids").at(place)),
            (Some(part), None) => {
                let bytes = body.get(part.content.clone()).unwrap_or_default();
                Ok(std::str::from_utf8(bytes).ok())
            }
            (None, None) => Ok(None),
        }
    };
    bound.bonds.iter().map(|bond| place(bond).map_or(Ok(None), id)).collect()
}

#[cfg(test)]
mod tests;
