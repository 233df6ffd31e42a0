//! What the fuzzer and the tests call: tokens as text, credentials of requests, and signatures.
//!
//! Each target takes bytes that may be anything and gives back `Ok`, or the sentence that says
//! which promise was broken. Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::token::{self, TOKEN_CHARS};
use crate::{Credentials, Identity, Tokens, identify};
use model::token::TokenRow;
use model::{Timestamp, TokenName};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Stands for a valid token in an input.
const PLACE: &[u8] = b"TOKEN";

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// A token's text: 48 bytes make a token, and every three that follow change it at a place. Only
/// a text of the documented form with a check that fits is read, and it is the one text of its
/// token; what stands for a valid one in a request is read as it, whole.
///
/// # Errors
/// The promise that was broken.
pub fn token(bytes: &[u8]) -> Outcome {
    let raw = std::str::from_utf8(bytes).unwrap_or_default();
    hold(token::parse(raw).is_some() == well_formed(raw), "a text of another form is read")?;
    let Some((name, rest)) = bytes.split_first_chunk::<16>() else { return Ok(()) };
    let Some((secret, edits)) = rest.split_first_chunk::<32>() else { return Ok(()) };
    let minted = token::assemble(u128::from_be_bytes(*name), secret);
    let original = minted.token.expose();
    let read = token::parse(original).ok_or("a minted token is not read")?;
    hold(read.id() == minted.id.0 && read.hash() == minted.hash, "it is read as another")?;
    let mut text = original.clone().into_bytes();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(edit[0]) % (text.len() + 1);
        match edit[1] % 3 {
            0 if at < text.len() => text[at] = edit[2],
            1 if at < text.len() => drop(text.remove(at)),
            _ => text.insert(at, edit[2]),
        }
    }
    let Ok(text) = std::str::from_utf8(&text) else { return Ok(()) };
    let read = token::parse(text).is_some();
    hold(read == well_formed(text), format_args!("{text:?} is read or refused wrongly"))
}

/// The documented form, read character by character, with the check computed bit by bit.
fn well_formed(text: &str) -> bool {
    let fits = |(at, c): (usize, char)| match at {
        0 => c == 'c',
        1 => c == 'm',
        2 => c == 't',
        3 | 16 => c == '_',
        4..=15 => c.is_ascii_alphanumeric(),
        // The last character of the secret carries four bits: the two lowest are zero.
        59 => "AEIMQUYcgkosw048".contains(c),
        17..=58 => c.is_ascii_alphanumeric() || c == '-' || c == '_',
        _ => c.is_ascii_digit() || ('a'..='f').contains(&c),
    };
    text.chars().count() == TOKEN_CHARS
        && text.chars().enumerate().all(fits)
        && u32::from_str_radix(&text[60..], 16) == Ok(crc(&text.as_bytes()[..60]))
}

/// CRC-32 as its definition says it, one bit at a time.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(u32::MAX, byte)
}

/// The values of a request's `Authorization` fields, a line each, where `TOKEN` stands for a valid
/// token. The holder is known from exactly one field of the form `Bearer TOKEN` and from nothing
/// else; whoever sent a field is never anonymous; and no field with the token in it is handed on.
///
/// # Errors
/// The promise that was broken.
pub fn credentials(bytes: &[u8]) -> Outcome {
    let minted = token::assemble(7, &[9; 32]);
    let valid = minted.token.expose().as_bytes();
    let row = TokenRow {
        id: minted.id,
        name: TokenName::parse("ci").map_err(|error| error.to_string())?,
        hash: minted.hash,
        created: Timestamp(0),
        expires: Some(Timestamp(10)),
        key: None,
    };
    let tokens = Tokens::new([row]);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let values: Vec<Vec<u8>> = lines.map(|line| filled_in(line, valid)).collect();
    let credentials = Credentials::from_authorization(values.iter().map(Vec::as_slice));
    let who = identify(&credentials, &tokens, Timestamp(5));
    let expected = match values.as_slice() {
        [] => 0,
        [value] if is_bearer(value, valid) => 1,
        _ => 2,
    };
    let got = match who {
        Identity::Anonymous => 0,
        Identity::Token(_) => 1,
        Identity::Rejected => 2,
    };
    hold(got == expected, format_args!("it is {expected} and was taken for {got}"))?;
    let late = identify(&credentials, &tokens, Timestamp(10));
    hold(!matches!(late, Identity::Token(_)), "a token that has expired is taken")?;
    let holds_it = values.iter().any(|value| value.windows(valid.len()).any(|part| part == valid));
    hold(!holds_it || credentials.looks_like_ours(), "a valid token would be handed on")?;
    let shown = format!("{credentials:?}");
    hold(!shown.contains("cmt_"), "a credential is printed")
}

fn filled_in(line: &[u8], token: &[u8]) -> Vec<u8> {
    match line.windows(PLACE.len()).position(|part| part == PLACE) {
        Some(at) => [&line[..at], token, &line[at + PLACE.len()..]].concat(),
        None => line.to_vec(),
    }
}

fn is_bearer(value: &[u8], token: &[u8]) -> bool {
    let (scheme, rest) = value.split_at(value.len().min(7));
    scheme.eq_ignore_ascii_case(b"bearer ") && rest == token
}

/// What a request says about its signature, on three lines: `authorization`, the query, and
/// `x-amz-date`. What is read is in its bounds, is signed anew to the same claim, and then holds; and
/// nothing that was not signed with the key does.
///
/// # Errors
/// The promise that was broken.
pub fn sigv4(bytes: &[u8]) -> Outcome {
    use crate::sigv4::{Claim, Key, Sent, Signing, sign};
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n').map(str::as_bytes);
    let mut next = || lines.next().unwrap_or_default();
    let (authorization, query, date) = (next(), next(), next());
    let query = std::str::from_utf8(query).unwrap_or_default();
    let mut fields: Vec<(&str, &[u8])> = vec![("host", b"h"), ("x-amz-date", date)];
    if !authorization.is_empty() {
        fields.push(("authorization", authorization));
    }
    let sent = Sent { method: "POST", path: "/", query, fields: &fields };
    let Ok(claim) = Claim::read(&sent) else { return Ok(()) };
    let lasts = (1..=3_600_000_000).contains(&claim.lasts_us);
    hold(lasts && claim.time.0 >= 0, "it holds for longer than any may")?;
    let (secret, body) = (model::Secret::new(b"a key".to_vec()), crate::sha256(b""));
    hold(claim.verify(&sent, &secret, &body).is_err(), "another's signature is taken for ours")?;
    if claim.presigned {
        return Ok(());
    }
    // As the key's holder would have signed it.
    let names = claim.names();
    let of = |name: &str| {
        let own = fields.iter().filter(|(known, _)| *known == name);
        own.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    if names.iter().any(|name| name == "authorization") {
        return Ok(());
    }
    let key = Key {
        id: &claim.access_key,
        secret: b"a key",
        region: &claim.region,
        service: &claim.service,
    };
    let signing = Signing {
        method: "POST",
        path: "/",
        query,
        fields: names.iter().map(|name| (name.as_str(), of(name))).collect(),
        payload: crate::sigv4::EMPTY,
        s3: false,
        time: std::str::from_utf8(date).unwrap_or_default(),
    };
    let authorization = sign(&key, signing).authorization;
    let signed = ("authorization", authorization.as_bytes());
    let fields = [fields[0], fields[1], signed];
    let sent = Sent { fields: &fields, ..sent };
    let again =
        Claim::read(&sent).map_err(|wrong| format!("what was signed is not read: {wrong}"))?;
    hold(again.access_key == claim.access_key, "it is read as another's")?;
    hold(again.verify(&sent, &secret, &body).is_ok(), "what was signed is not taken")
}

#[cfg(test)]
mod tests {
    #[test]
    fn token() {
        fuzzing::run("token", 4000, super::token);
    }

    #[test]
    fn credentials() {
        fuzzing::run("credentials", 2000, super::credentials);
    }

    #[test]
    fn signatures_keep_their_promises() {
        fuzzing::run("sigv4", 2000, super::sigv4);
    }
}
