//! Reading what a request says about its signature: in `authorization`, or in the query.
//!
//! Invariant: a request says it in one place, and each part once.

use super::claim::{Claim, SKEW_US, Sent, Wrong};
use super::sign::{ALGORITHM, decoded};
use model::Timestamp;

/// Longest time that a presigned request holds, in seconds: one hour.
const EXPIRES_MAX: i64 = 3600;
/// Most fields that can be signed.
const NAMES_MAX: usize = 128;
/// Longest part of a credential, in bytes.
const PART_BYTES_MAX: usize = 64;

/// The parts of a signature, as one of the two places has them.
struct Parts {
    credential: String,
    names: String,
    signature: String,
    time: String,
    lasts_us: i64,
    presigned: bool,
}

pub(super) fn read(sent: &Sent<'_>) -> Result<Claim, Wrong> {
    let authorization = sent.field("authorization")?;
    let query = |pair: &str| pair.starts_with("X-Amz-Signature=");
    let parts = match (authorization, sent.query.split('&').any(query)) {
        (None, false) => return Err(Wrong::Missing),
        (Some(_), true) => {
            return Err(Wrong::Incomplete("there are two signatures, a field's and the query's"));
        }
        (Some(text), false) => of_field(sent, text)?,
        (None, true) => of_query(sent.query)?,
    };
    if sent.field("x-amz-security-token")?.is_some() {
        return Err(Wrong::Token);
    }
    claim(parts)
}

fn claim(parts: Parts) -> Result<Claim, Wrong> {
    let mut credential = parts.credential.split('/');
    let mut next = || {
        credential.next().filter(|part| {
            (1..=PART_BYTES_MAX).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_graphic())
        })
    };
    let malformed = || Wrong::Incomplete("'Credential' is KEY/DATE/REGION/SERVICE/aws4_request");
    let mut part = || next().map(str::to_owned).ok_or_else(malformed);
    let (access_key, date, region, service) = (part()?, part()?, part()?, part()?);
    if part()? != "aws4_request" || credential.next().is_some() {
        return Err(malformed());
    }
    let time = time(&parts.time).ok_or(Wrong::Incomplete("'X-Amz-Date' is no time"))?;
    if parts.time.get(..8) != Some(date.as_str()) {
        return Err(Wrong::Incomplete("the date of 'Credential' is not that of 'X-Amz-Date'"));
    }
    let names: Vec<String> = parts.names.split(';').map(str::to_owned).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase() && b != b':')
    };
    let sorted = names.windows(2).all(|pair| matches!(pair, [one, two] if one < two));
    if names.len() > NAMES_MAX || !names.iter().all(is_name) || !sorted {
        return Err(Wrong::Incomplete("'SignedHeaders' is no sorted list of names"));
    }
    let mut signature = [0; 32];
    let digits = parts.signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !digits || hex::decode_to_slice(&parts.signature, &mut signature).is_err() {
        return Err(Wrong::Incomplete("'Signature' is no SHA-256 in hexadecimal digits"));
    }
    let Parts { time: time_text, lasts_us, presigned, .. } = parts;
    Ok(Claim {
        access_key,
        region,
        service,
        time,
        lasts_us,
        presigned,
        time_text,
        names,
        signature,
    })
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
fn of_field(sent: &Sent<'_>, text: &str) -> Result<Parts, Wrong> {
    let rest = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
    let rest = rest.ok_or(Wrong::Incomplete("the algorithm is AWS4-HMAC-SHA256"))?;
    let [mut credential, mut names, mut signature] = [const { None::<&str> }; 3];
    for pair in rest.split(',') {
        let (name, value) = pair
            .trim_matches(' ')
            .split_once('=')
            .ok_or(Wrong::Incomplete("'Authorization' is a list of NAME=VALUE"))?;
        let place = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut names,
            "Signature" => &mut signature,
            _ => return Err(Wrong::Incomplete("'Authorization' has a part of another name")),
        };
        if place.replace(value).is_some() {
            return Err(Wrong::Incomplete("a part of 'Authorization' came twice"));
        }
    }
    let part = |part: Option<&str>, why| part.map(str::to_owned).ok_or(Wrong::Incomplete(why));
    let time = sent.field("x-amz-date")?;
    Ok(Parts {
        credential: part(credential, "Authorization header requires 'Credential' parameter.")?,
        names: part(names, "Authorization header requires 'SignedHeaders' parameter.")?,
        signature: part(signature, "Authorization header requires 'Signature' parameter.")?,
        time: part(time, "Authorization header requires existence of a 'X-Amz-Date' header.")?,
        lasts_us: SKEW_US,
        presigned: false,
    })
}

/// `X-Amz-Algorithm=…&X-Amz-Credential=…&X-Amz-Date=…&X-Amz-Expires=…&…`
fn of_query(query: &str) -> Result<Parts, Wrong> {
    let one = |name: &str| {
        let mut values =
            query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        match (values.next(), values.next()) {
            (Some(value), None) => String::from_utf8(decoded(value))
                .map_err(|_| Wrong::Incomplete("a parameter of the signature is no text")),
            (None, _) => Err(Wrong::Incomplete(
                "the query needs X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature",
            )),
            _ => Err(Wrong::Incomplete("a parameter of the signature came twice")),
        }
    };
    if one("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Wrong::Incomplete("the algorithm is AWS4-HMAC-SHA256"));
    }
    if query.split('&').any(|pair| pair.starts_with("X-Amz-Security-Token=")) {
        return Err(Wrong::Token);
    }
    let expires = one("X-Amz-Expires")?;
    let digits = !expires.is_empty() && expires.bytes().all(|b| b.is_ascii_digit());
    let expires = expires.parse().ok().filter(|_| digits);
    let expires: i64 = expires
        .filter(|seconds| (1..=EXPIRES_MAX).contains(seconds))
        .ok_or(Wrong::Incomplete("X-Amz-Expires is 1 to 3600 seconds here"))?;
    Ok(Parts {
        credential: one("X-Amz-Credential")?,
        names: one("X-Amz-SignedHeaders")?,
        signature: one("X-Amz-Signature")?,
        time: one("X-Amz-Date")?,
        lasts_us: expires * 1_000_000,
        presigned: true,
    })
}

/// A time as the fields write it, `20130524T000000Z`. `None` if it is none.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    let number = |from: usize, to: usize| {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let sound = bytes[8] == b'T'
        && bytes[15] == b'Z'
        && year >= 1970
        && (1..=12).contains(&month)
        && (1..=days).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    // Days since 1970 in the proleptic Gregorian calendar, with years that begin in March.
    let shifted = (month + 9) % 12;
    let years = year - i64::from(month <= 2);
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let date = years * 365 + years / 4 - years / 100 + years / 400 + day_of_year - 719_468;
    let seconds = ((date * 24 + hour) * 60 + minute) * 60 + second;
    sound.then_some(Timestamp(seconds * 1_000_000))
}
