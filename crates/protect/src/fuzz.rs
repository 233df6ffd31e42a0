//! What the fuzzer and the tests call: documents that contracts are applied to.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::contract::{
    Bound, Boundary, Contract, Direction, Fault, Field, Format, Place, Stream, Tally,
};
use crate::transform::{ClassKeys, Kind};
use model::data::BuiltIn;
use model::{DataClass, Secret, TenantName};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// A document: its first byte says which kind. What was protected comes back, protected again it
/// is the same, and how a table is cut changes nothing. A table comes back byte for byte.
///
/// # Errors
/// The promise that was broken.
pub fn contract(bytes: &[u8]) -> Outcome {
    let Some((kind, document)) = bytes.split_first() else { return Ok(()) };
    match kind % 4 {
        3 => comes_back(&["form:a", "form:b"], document, |bound, body, record, tally| {
            let boundary = Boundary::of("multipart/form-data; boundary=x")?;
            bound.parts(body, &boundary, &["f".to_owned()], record, tally)
        }),
        0 => comes_back(&["body:/a", "body:/b/*", "body:/c/d", "body:/0"], document, Bound::json),
        1 => table(document),
        _ => comes_back(&["form:a", "form:b c"], document, Bound::form),
    }
}

type Apply = fn(&Bound, &[u8], Option<&str>, &mut Tally) -> Result<Vec<u8>, Fault>;

fn comes_back(places: &[&str], document: &[u8], apply: Apply) -> Outcome {
    let (protect, undo) = (bound(places, Direction::Protect)?, bound(places, Direction::Undo)?);
    let run = |bound: &Bound, bytes: &[u8]| apply(bound, bytes, None, &mut Tally::default());
    let Ok(made) = run(&protect, document) else { return Ok(()) };
    let back = run(&undo, &made).map_err(|fault| format!("it does not come back: {fault}"))?;
    match run(&protect, &back) {
        Ok(again) if again == made => Ok(()),
        Ok(_) => Err("protected again it is another".to_owned()),
        Err(fault) => Err(format!("what came back is refused: {fault}")),
    }
}

fn table(document: &[u8]) -> Outcome {
    let places = ["csv:a", "csv:b"];
    let (protect, undo) = (bound(&places, Direction::Protect)?, bound(&places, Direction::Undo)?);
    let whole = rows(&protect, document, usize::MAX);
    if rows(&protect, document, 3) != whole {
        return Err("in pieces it is another".to_owned());
    }
    let Ok(made) = whole else { return Ok(()) };
    match rows(&undo, &made, usize::MAX) {
        Ok(back) if back == document => Ok(()),
        Ok(_) => Err("it comes back as another".to_owned()),
        Err(fault) => Err(format!("it does not come back: {fault}")),
    }
}

fn rows(bound: &Bound, document: &[u8], piece: usize) -> Result<Vec<u8>, Fault> {
    let (mut stream, mut out) = (Stream::new(bound, Format::Csv)?, Vec::new());
    for piece in document.chunks(piece) {
        stream.push(piece, &mut out)?;
    }
    stream.finish(&mut out).map(|_| out)
}

/// Every second field becomes digits, all others tokens.
fn bound(places: &[&str], direction: Direction) -> Result<Bound, String> {
    let transforms = [Kind::Token, Kind::Digits].into_iter().cycle();
    let field = |(at, transform): (&&str, Kind)| {
        let at = Place::parse(at).map_err(|error| error.to_string())?;
        Ok::<_, String>(Field::new(at, BuiltIn::Pan.into(), transform))
    };
    let fields: Result<_, String> = places.iter().zip(transforms).map(field).collect();
    let contract = Contract { fields: fields?, ..Contract::default() };
    let tenant = TenantName::parse("default").map_err(|error| error.to_string())?;
    let mut keys = |_: &DataClass| {
        Ok(ClassKeys {
            version: 1,
            fpe: Secret::new([1; 32]),
            siv: Secret::new([1; 64]),
            format_hash: Secret::new([1; 32]),
            hash: Secret::new([1; 32]),
            subject: Some(Secret::new([1; 64])),
            salt: None,
            bound_to: None,
            others: Vec::new(),
        })
    };
    contract.bind(&tenant, direction, &mut keys).map_err(|problem| problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IgnoredAny;

    /// What is taken for JSON, a second reader takes, too.
    fn strict(bytes: &[u8]) -> Outcome {
        contract(bytes)?;
        let Some((0, document)) = bytes.split_first() else { return Ok(()) };
        let taken = bound(&["body:/a"], Direction::Protect)?;
        let taken = taken.json(document, None, &mut Tally::default()).is_ok();
        match serde_json::from_slice::<IgnoredAny>(document) {
            Err(error) if taken => Err(format!("another reader refuses it: {error}")),
            _ => Ok(()),
        }
    }

    #[test]
    fn contracts() {
        fuzzing::run("contract", 4000, strict);
    }
}
