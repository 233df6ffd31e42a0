//! The alphabets of attributes.

use super::{Error, NAME_BYTES_MAX, VALUE_BYTES_MAX};

/// `data` is no attribute, and JSON's name for it in base64 could not be one.
pub(super) fn name(text: &str) -> Result<(), Error> {
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !plain || text == "data" {
        return Err(Error::Name(text.chars().take(NAME_BYTES_MAX + 1).collect()));
    }
    Ok(())
}

pub(super) fn value(name: &str, text: &str) -> Result<(), Error> {
    let wrong = |why| Err(Error::Value { name: name.to_owned(), why });
    if text.is_empty() {
        return wrong("is empty");
    }
    if text.len() > VALUE_BYTES_MAX {
        return wrong("is longer than 2048 bytes");
    }
    if text.chars().any(is_forbidden) {
        return wrong("has a control character or one that no text has");
    }
    match name {
        "specversion" => wrong("is said elsewhere"),
        "source" if !is_reference(text) => wrong("is no URI reference"),
        "dataschema" if !is_absolute(text) => wrong("is no absolute URI"),
        "time" if text.parse::<jiff::Timestamp>().is_err() || !text.contains(['T', 't']) => {
            wrong("is no time of RFC 3339")
        }
        "datacontenttype" if !is_media_type(text) => wrong("is no media type"),
        _ => Ok(()),
    }
}

/// Control characters and code points that are no characters (section 3.1, `String`).
fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// The characters of RFC 3986, with `%` before two hexadecimal digits only.
fn is_reference(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    })
}

fn is_absolute(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(word);
    sound && is_reference(text)
}

/// `TYPE/SUBTYPE` and what may follow behind a semicolon.
fn is_media_type(text: &str) -> bool {
    let kind = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let seen = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    seen && kind.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}
