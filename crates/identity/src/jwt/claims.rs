//! The claims of a token whose signature was checked: whether they hold, and what they say.

use super::json::{Json, Object};
use super::{IssuerConfig, Refused};
use bytes::Bytes;
use model::{Claims, Subject, Timestamp};

/// Times beyond this are nobody's: the year 5138, in seconds.
const SECONDS_MAX: f64 = 1e11;

/// What holds of a token, and for how long.
pub(super) struct Held {
    pub(super) subject: Subject,
    pub(super) claims: Claims,
    pub(super) passed: Option<Bytes>,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Checks who issued it, for whom and for when, and reads the rest.
pub(super) fn check(
    config: &IssuerConfig,
    object: &Object,
    now: Timestamp,
) -> Result<Held, Refused> {
    if object.text("iss") != Some(config.issuer.as_str()) {
        return Err("another issuer");
    }
    check_audience(config, object)?;
    let (from, until) = times(config, object)?;
    if now >= until {
        return Err("it has expired");
    }
    if now < from {
        return Err("it is not valid yet");
    }
    let subject = object.text(&config.subject_claim).ok_or("it names no subject")?;
    let subject = Subject::new(subject).map_err(|_| "its subject cannot be used")?;
    let claims = read(object).ok_or("two of its claims share a name")?;
    Ok(Held { subject, claims, passed: passed(config, object), from, until })
}

/// One of the audiences is ours (RFC 7519, section 4.1.3).
fn check_audience(config: &IssuerConfig, object: &Object) -> Result<(), Refused> {
    let ours = |text: &str| config.audience.iter().any(|audience| audience == text);
    let found = match object.get("aud") {
        Some(Json::Text(text)) => ours(text),
        Some(Json::List(items)) => {
            let texts = items.iter().all(|item| matches!(item, Json::Text(_)));
            texts && items.iter().any(|item| matches!(item, Json::Text(text) if ours(text)))
        }
        _ => false,
    };
    if found { Ok(()) } else { Err("another audience") }
}

/// From when to when it is valid, with the leeway in both directions.
fn times(config: &IssuerConfig, object: &Object) -> Result<(Timestamp, Timestamp), Refused> {
    let leeway = i64::try_from(config.leeway.as_micros()).unwrap_or(i64::MAX);
    let expires = time(object, "exp")?.ok_or("it does not say when it expires")?;
    let begins = time(object, "nbf")?.into_iter().chain(time(object, "iat")?).max();
    let from = begins.map_or(i64::MIN, |begins| begins.saturating_sub(leeway));
    Ok((Timestamp(from), Timestamp(expires.saturating_add(leeway))))
}

/// A NumericDate (RFC 7519, section 2), in microseconds.
fn time(object: &Object, name: &str) -> Result<Option<i64>, Refused> {
    let seconds = match object.get(name) {
        None => return Ok(None),
        Some(Json::Whole(seconds)) => *seconds as f64,
        Some(Json::Fraction(seconds)) => *seconds,
        Some(_) => return Err("one of its times is no number"),
    };
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err("one of its times is out of range");
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e17, as was just checked")]
    Ok(Some((seconds * 1e6) as i64))
}

/// All claims by name; `None` if a dotted name means two.
fn read(object: &Object) -> Option<Claims> {
    let mut pairs = Vec::new();
    for (name, value) in object.iter() {
        let words = matches!(name, "scope" | "scp");
        match value {
            Json::Text(text) if words => {
                pairs.push((name.to_owned(), text.split(' ').map(str::to_owned).collect()));
            }
            value => flatten(name.to_owned(), value, &mut pairs),
        }
    }
    Claims::new(pairs)
}

fn flatten(name: String, value: &Json, pairs: &mut Vec<(String, Vec<String>)>) {
    match value {
        Json::Object(object) => {
            for (inner, value) in object.iter() {
                flatten(format!("{name}.{inner}"), value, pairs);
            }
        }
        Json::List(items) => pairs.push((name, items.iter().filter_map(text).collect())),
        value => pairs.extend(text(value).map(|text| (name, vec![text]))),
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Text(text) => Some(text.clone()),
        Json::Truth(truth) => Some(truth.to_string()),
        Json::Whole(number) => Some(number.to_string()),
        Json::Fraction(number) => Some(number.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => None,
    }
}

/// What the guest is told: no larger than the token was.
fn passed(config: &IssuerConfig, object: &Object) -> Option<Bytes> {
    use base64::Engine;
    let passed = object.only(&config.pass);
    if passed.is_empty() {
        return None;
    }
    let json = serde_json::to_vec(&passed).ok()?;
    Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json).into())
}
