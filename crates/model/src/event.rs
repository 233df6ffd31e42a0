//! CloudEvents 1.0.2 (<https://github.com/cloudevents/spec>): what an event is, read strictly from
//! HTTP's binary mode, from JSON and from batches of it, and written again.
//!
//! Attributes are kept as the texts that the specification gives their values: `3` and `true` in JSON
//! are read, and are texts from then on, as they are in header fields.
//!
//! Invariant: an event that exists has an id, a source and a type, its attributes' names and values
//! are of the specification's alphabets, and all of it is within the limits below.

mod check;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod http;
mod json;
#[cfg(test)]
mod tests;

pub use self::http::{BATCH, STRUCTURED, is_json};

use std::collections::BTreeMap;

/// Longest name of an attribute.
pub const NAME_BYTES_MAX: usize = 40;
/// Longest value of an attribute, in bytes.
pub const VALUE_BYTES_MAX: usize = 2048;
/// Most attributes.
pub const ATTRIBUTES_MAX: usize = 64;
/// Most bytes of all attributes together, names and values.
pub const ATTRIBUTES_BYTES_MAX: usize = 16 << 10;
/// Most events of one batch.
pub const BATCH_MAX: usize = 100;

/// Why something is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A required attribute is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The name of an attribute.
    #[error(
        "`{}` is no attribute's name: use 1 to {NAME_BYTES_MAX} of `a` to `z` and `0` to `9`",
        .0.escape_debug()
    )]
    Name(String),
    /// An attribute comes twice.
    #[error("`{0}` comes twice")]
    Twice(String),
    /// The value of an attribute.
    #[error("`{name}` {why}")]
    Value {
        /// The attribute.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It says too much about itself.
    #[error(
        "it has more than {ATTRIBUTES_MAX} attributes, or more than {ATTRIBUTES_BYTES_MAX} bytes of them"
    )]
    Attributes,
    /// It has its data twice.
    #[error("it has `data` and `data_base64`")]
    DataTwice,
    /// Its data is not what it says.
    #[error("`data_base64` is no text in base64")]
    Base64,
    /// It is no JSON, or not of the shape that JSON needs here.
    #[error("it is no JSON object with attributes: {0}")]
    Json(String),
    /// It is no list, or one of too many.
    #[error("a batch is a list of 1 to {BATCH_MAX} events")]
    Batch,
    /// One of a batch.
    #[error("event {0} of the batch: {1}")]
    Within(usize, Box<Self>),
    /// A format that nobody reads here.
    #[error("`{}` is not read here: send header fields `ce-…` with a body, `application/cloudevents+json` or `application/cloudevents-batch+json`, in UTF-8", .0.escape_debug())]
    Format(String),
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    /// All but `specversion`, among them `datacontenttype`.
    attributes: BTreeMap<String, String>,
    /// The payload; empty if there is none.
    data: Vec<u8>,
}

impl CloudEvent {
    /// An event of these attributes, `specversion` not among them.
    ///
    /// # Errors
    /// [`Error`] says which is missing or wrong.
    pub fn new(attributes: BTreeMap<String, String>, data: Vec<u8>) -> Result<Self, Error> {
        for required in ["id", "source", "type"] {
            if !attributes.contains_key(required) {
                return Err(Error::Missing(required));
            }
        }
        let bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if attributes.len() > ATTRIBUTES_MAX || bytes > ATTRIBUTES_BYTES_MAX {
            return Err(Error::Attributes);
        }
        for (name, value) in &attributes {
            check::name(name)?;
            check::value(name, value)?;
        }
        Ok(Self { attributes, data })
    }

    /// An attribute's value. `specversion` is `1.0`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match name {
            "specversion" => Some("1.0"),
            name => self.attributes.get(name).map(String::as_str),
        }
    }

    /// What distinguishes it from all others of its source.
    #[must_use]
    pub fn id(&self) -> &str {
        self.get("id").unwrap_or_default()
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.get("source").unwrap_or_default()
    }

    /// What kind of event it is.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.get("type").unwrap_or_default()
    }

    /// What its payload is, if it says so.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.get("datacontenttype")
    }

    /// The payload; empty if there is none.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same event with another value of an attribute.
    ///
    /// # Errors
    /// [`Error`], if it is none then.
    pub fn with(mut self, name: &str, value: String) -> Result<Self, Error> {
        self.attributes.insert(name.to_owned(), value);
        Self::new(self.attributes, self.data)
    }

    /// The attributes by name, without `specversion`.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Whether a text can be an attribute's name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    check::name(text).is_ok()
}
