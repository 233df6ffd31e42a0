//! What is signed with a secret, and where the signature goes.

use super::field;
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest template, in bytes.
const TEMPLATE_BYTES_MAX: usize = 1024;

/// The digest below HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// In lower-case hexadecimal digits.
    #[default]
    Hex,
    /// In base64, with padding (RFC 4648, section 4).
    Base64,
}

/// What the secret's value is to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyText {
    /// The key itself.
    #[default]
    Text,
    /// The key in base64.
    Base64,
    /// The key in hexadecimal digits.
    Hex,
}

/// A signature over parts of the request, in a header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// What is signed, with `{method}`, `{host}`, `{path}`, `{query}`, `{body}`, `{timestamp}` (in
    /// seconds), `{timestamp_ms}` and `{header:NAME}` in it; `{{` and `}}` stand for braces.
    pub sign: String,
    /// The field that the signature goes into.
    pub header: String,
    /// What that field says, with `{signature}` in it once, and perhaps `{timestamp}` or
    /// `{timestamp_ms}`. Just the signature if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A field that says the time that was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The digest.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How the key is written in the secret.
    #[serde(default)]
    pub key: KeyText,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Itself.
    Text(String),
    /// The method.
    Method,
    /// The host, with its port if one is said.
    Host,
    /// The path, as it is sent.
    Path,
    /// The query, as it is sent, without `?`.
    Query,
    /// The body.
    Body,
    /// The time, in the template's unit.
    Time,
    /// A header field's values, with a comma and a space between them; nothing if there is none.
    Header(HeaderName),
    /// The signature.
    Signature,
}

/// In what a template counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// [`Hmac`] as it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mac {
    /// What is signed.
    pub sign: Vec<Part>,
    /// The field of the signature.
    pub header: HeaderName,
    /// What it says.
    pub value: Vec<Part>,
    /// The field of the time.
    pub timestamp_header: Option<HeaderName>,
    /// In what time is counted.
    pub unit: Unit,
    /// The digest.
    pub algorithm: Algorithm,
    /// How the signature is written.
    pub encoding: Encoding,
    /// How the key is written.
    pub key: KeyText,
}

impl Mac {
    /// Whether the whole body is needed.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.sign.contains(&Part::Body)
    }
}

impl Hmac {
    /// Reads its templates.
    pub(in crate::manifest) fn read(&self) -> Result<Mac, String> {
        let mut units = Vec::new();
        let sign = parts("hmac.sign", &self.sign, &mut units)?;
        let value = self.value.as_deref().unwrap_or("{signature}");
        let value = parts("hmac.value", value, &mut units)?;
        if sign.is_empty() || sign.contains(&Part::Signature) {
            return Err("`hmac.sign` says what is signed, without `{signature}`".to_owned());
        }
        let fits = |part: &&Part| {
            matches!(part, Part::Text(text) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
                || **part == Part::Time
        };
        let once = value.iter().filter(|part| **part == Part::Signature).count() == 1;
        if !once || value.iter().filter(fits).count() + 1 != value.len() {
            return Err("`hmac.value` is printable ASCII, has `{signature}` in it once, and beside it only `{timestamp}`".to_owned());
        }
        units.dedup();
        let unit = match units.as_slice() {
            [] => Unit::Seconds,
            [unit] => *unit,
            _ => {
                return Err(
                    "`hmac` counts time in one unit: `{timestamp}` or `{timestamp_ms}`".to_owned()
                );
            }
        };
        let timestamp_header = self.timestamp_header.as_deref();
        let timestamp_header =
            timestamp_header.map(|name| field("hmac.timestamp_header", name)).transpose()?;
        let told = timestamp_header.is_some() || value.contains(&Part::Time);
        if sign.contains(&Part::Time) && !told {
            return Err(
                "`hmac` signs the time: say it in `timestamp_header` or in `value`".to_owned()
            );
        }
        let header = field("hmac.header", &self.header)?;
        if timestamp_header.as_ref() == Some(&header) {
            return Err("`hmac.header` and `hmac.timestamp_header` are two fields".to_owned());
        }
        let (algorithm, encoding, key) = (self.algorithm, self.encoding, self.key);
        Ok(Mac { sign, header, value, timestamp_header, unit, algorithm, encoding, key })
    }
}

/// Reads a template.
fn parts(key: &str, template: &str, units: &mut Vec<Unit>) -> Result<Vec<Part>, String> {
    if template.len() > TEMPLATE_BYTES_MAX {
        return Err(format!("`{key}` has more than {TEMPLATE_BYTES_MAX} bytes"));
    }
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = ["{{", "}}"].iter().find_map(|pair| from.strip_prefix(pair)) {
            text.push_str(from.get(..1).unwrap_or_default());
            rest = after;
            continue;
        }
        let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, after) =
            name.ok_or_else(|| format!("`{key}`: a brace stands alone; write it twice"))?;
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts
            .push(part(name, units).ok_or_else(|| format!("`{key}`: `{{{name}}}` means nothing"))?);
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn part(name: &str, units: &mut Vec<Unit>) -> Option<Part> {
    Some(match name {
        "method" => Part::Method,
        "host" => Part::Host,
        "path" => Part::Path,
        "query" => Part::Query,
        "body" => Part::Body,
        "signature" => Part::Signature,
        "timestamp" => {
            units.push(Unit::Seconds);
            Part::Time
        }
        "timestamp_ms" => {
            units.push(Unit::Milliseconds);
            Part::Time
        }
        _ => Part::Header(HeaderName::try_from(name.strip_prefix("header:")?).ok()?),
    })
}
