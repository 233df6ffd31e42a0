//! Events over HTTP (the HTTP protocol binding): which mode a message is in, and the binary mode,
//! where attributes are header fields and the body is the data.

use super::{BATCH_MAX, CloudEvent, Error, check};
use ::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::collections::BTreeMap;

/// The media type of one event in JSON.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// The media type of a batch in JSON.
pub const BATCH: &str = "application/cloudevents-batch+json";
/// What every format of events begins with.
const FORMATS: &str = "application/cloudevents";
/// What the fields of attributes begin with.
const PREFIX: &str = "ce-";
const VERSION: &str = "1.0";

/// Whether a content type is JSON's.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let kind = essence(content_type);
    let sub = kind.split_once('/').map_or("", |(_, sub)| sub);
    sub == "json" || sub.ends_with("+json")
}

/// A media type without what may follow it, in small letters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl CloudEvent {
    /// The events of a message, in whichever mode it is.
    ///
    /// # Errors
    /// [`Error`]: one that is wrong makes all of them none.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Self>, Error> {
        let kind = match one(headers, CONTENT_TYPE.as_str())? {
            Some(value) => Some(text(CONTENT_TYPE.as_str(), value)?),
            None => None,
        };
        let said = kind.as_deref().unwrap_or_default();
        let essence = essence(said);
        if !essence.starts_with(FORMATS) {
            return Ok(vec![Self::binary(headers, body)?]);
        }
        let mut parameters = said.split(';').skip(1).map(str::trim);
        let utf8 = parameters.all(|it| {
            let (name, value) = it.split_once('=').unwrap_or((it, ""));
            let value = value.trim_matches('"');
            !name.eq_ignore_ascii_case("charset")
                || value.eq_ignore_ascii_case("utf-8")
                || value.eq_ignore_ascii_case("us-ascii")
        });
        match essence.as_str() {
            STRUCTURED if utf8 => Ok(vec![Self::from_json(body)?]),
            BATCH if utf8 => Self::from_batch(body),
            _ => Err(Error::Format(said.chars().take(80).collect())),
        }
    }

    /// An event whose attributes are header fields.
    ///
    /// # Errors
    /// [`Error`].
    pub fn binary(headers: &HeaderMap, body: &[u8]) -> Result<Self, Error> {
        let mut attributes = BTreeMap::new();
        let mut version = None;
        for name in headers.keys() {
            let Some(attribute) = name.as_str().strip_prefix(PREFIX) else { continue };
            check::name(attribute)?;
            if attribute == "datacontenttype" {
                let why = "is said by the field `content-type`";
                return Err(Error::Value { name: attribute.to_owned(), why });
            }
            let Some(value) = one(headers, name.as_str())? else { continue };
            let value = decoded(attribute, value)?;
            match attribute {
                "specversion" => version = Some(value),
                _ => drop(attributes.insert(attribute.to_owned(), value)),
            }
        }
        super::json::is_version(version.as_deref())?;
        if let Some(value) = one(headers, CONTENT_TYPE.as_str())? {
            let value = text("datacontenttype", value)?;
            attributes.insert("datacontenttype".to_owned(), value);
        }
        Self::new(attributes, body.to_vec())
    }

    /// The attributes as header fields; the body is [`CloudEvent::data`].
    #[must_use]
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut fields = vec![(format!("{PREFIX}specversion"), VERSION.as_bytes().to_vec())];
        for (name, value) in self.attributes() {
            fields.push(match name {
                "datacontenttype" => ("content-type".to_owned(), value.as_bytes().to_vec()),
                name => (format!("{PREFIX}{name}"), encoded(value)),
            });
        }
        fields
    }
}

/// The one value of a field.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h HeaderValue>, Error> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Error::Twice(name.to_owned())),
    }
}

fn text(name: &str, value: &HeaderValue) -> Result<String, Error> {
    let why = "is no text in UTF-8";
    let text = std::str::from_utf8(value.as_bytes());
    text.map(str::to_owned).map_err(|_| Error::Value { name: name.to_owned(), why })
}

/// What a field says (section 3.1.3.2): without quotation marks around it, and with `%XX` decoded.
fn decoded(name: &str, value: &HeaderValue) -> Result<String, Error> {
    let wrong = |why| Error::Value { name: name.to_owned(), why };
    let bytes = value.as_bytes();
    let quoted = bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let bytes = match quoted {
        Some(inner) => unquoted(inner).ok_or_else(|| wrong("is no quoted text"))?,
        None => bytes.to_vec(),
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let two = (byte == b'%').then(|| after.split_first_chunk::<2>()).flatten();
        match two.and_then(|(two, after)| Some((hex(two)?, after))) {
            Some((decoded, after)) => {
                out.push(decoded);
                rest = after;
            }
            // As the specification has it: a `%` that encodes nothing means itself.
            None => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| wrong("is no text in UTF-8"))
}

fn unquoted(inner: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => out.push(*bytes.next()?),
            b'"' => return None,
            byte => out.push(byte),
        }
    }
    Some(out)
}

fn hex(two: &[u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(two[0])? * 16 + digit(two[1])?).ok()
}

/// Spaces, quotation marks, percent signs, and all that is not printed as ASCII.
fn encoded(value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value.bytes() {
        if (b'!'..=b'~').contains(&byte) && byte != b'"' && byte != b'%' {
            out.push(byte);
        } else {
            out.extend(format!("%{byte:02X}").bytes());
        }
    }
    out
}

const _: () = assert!(BATCH_MAX > 0, "a batch has events");
