//! What the fuzzer and the tests call: requests in which values stand that no contract names.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use super::{Sift, Sifted};
use model::manifest::Unnamed;
use model::{Code, DataClass, Secret, TenantName};
use protect::contract::{Contract, Direction};
use protect::detect::Detector;
use protect::transform::ClassKeys;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What covers everything that is found, and what puts tokens in its place.
static SIFTS: LazyLock<Result<[Sift; 2], String>> =
    LazyLock::new(|| Ok([of(Unnamed::Mask)?, of(Unnamed::Token)?]));

fn of(action: Unnamed) -> Result<Sift, String> {
    let detector = Detector::built_in().map_err(|error| error.to_string())?;
    let unnamed = detector.rules().map(|(_, rule)| (rule.class.clone(), action));
    let actions = Sift::actions(&detector, &unnamed.collect());
    let tenant = TenantName::parse("default").map_err(|error| error.to_string())?;
    let mut keys = |_: &DataClass| {
        Ok(ClassKeys {
            version: 1,
            fpe: Secret::new([1; 32]),
            siv: Secret::new([1; 64]),
            format_hash: Secret::new([1; 32]),
            hash: Secret::new([1; 32]),
            subject: None,
            salt: None,
            bound_to: None,
            others: Vec::new(),
        })
    };
    let mut tokens = BTreeMap::new();
    for class in actions.keys().filter(|_| action == Unnamed::Token) {
        let bound = Contract::of_found(class).bind(&tenant, Direction::Ingest, &mut keys);
        tokens.insert(class.clone(), bound.map_err(|problem| problem.to_string())?);
    }
    Ok(Sift { detector: Arc::new(detector), actions, tokens })
}

/// A request's text: its first byte says whether it is JSON, and whether values are covered or have
/// tokens put in their place. JSON stays JSON in which nothing but numbers, texts and names is
/// another, or it is refused; what is covered in another text keeps its length and its neighbours.
pub(crate) fn sift(bytes: &[u8]) -> Result<(), String> {
    let Some((how, text)) = bytes.split_first() else { return Ok(()) };
    let (is_json, tokens) = (how & 1 == 1, how & 2 == 2);
    let [mask, token] = SIFTS.as_ref().map_err(Clone::clone)?;
    let sift = if tokens { token } else { mask };
    let made = match sift.sifted(text, is_json, &[], &mut Sifted::default()) {
        Ok(None) => return Ok(()),
        Ok(Some(made)) => made,
        Err(problem) if problem.code == Code::DataUnnamed && is_json => return Ok(()),
        // Not everything that is found can have a token.
        Err(_) if tokens => return Ok(()),
        Err(problem) => return Err(format!("it cannot be covered: {problem}")),
    };
    if made == text {
        return Err("it was changed into itself".to_owned());
    }
    if is_json && let Ok(before) = serde_json::from_slice::<Value>(text) {
        let after: Value = serde_json::from_slice(&made)
            .map_err(|error| format!("it was JSON: {error}: {}", made.escape_ascii()))?;
        return alike(&before, &after);
    }
    if !is_json && !tokens {
        let covered = |(after, before): (&u8, &u8)| after == before || *after == b'*';
        if made.len() != text.len() || !made.iter().zip(text).all(covered) {
            return Err(format!("covered, it is {}", made.escape_ascii()));
        }
    }
    Ok(())
}

/// Whether one document is the other, but for numbers, texts and names.
fn alike(before: &Value, after: &Value) -> Result<(), String> {
    match (before, after) {
        (Value::Null, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::String(_)) => Ok(()),
        (Value::Bool(before), Value::Bool(after)) if before == after => Ok(()),
        (Value::Number(before), Value::Number(after)) if before == after => Ok(()),
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            before.iter().zip(after).try_for_each(|(before, after)| alike(before, after))
        }
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .filter_map(|(name, before)| Some((before, after.get(name)?)))
            .try_for_each(|(before, after)| alike(before, after)),
        _ => Err(format!("{before} became {after}")),
    }
}
