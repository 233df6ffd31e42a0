//! Events in JSON (the JSON event format), alone and in batches.
//!
//! The data's own bytes are kept as they came: no number in it is read and written again.

use super::{BATCH_MAX, CloudEvent, Error, is_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

const JSON: &str = "application/json";
/// Most members that are looked at before the attributes are counted.
const MEMBERS_MAX: usize = 256;

/// # Errors
/// The version is missing, or another one.
pub(super) fn is_version(said: Option<&str>) -> Result<(), Error> {
    match said {
        Some("1.0") => Ok(()),
        None => Err(Error::Missing("specversion")),
        Some(_) => Err(Error::Value { name: "specversion".to_owned(), why: "is not `1.0`" }),
    }
}

/// An object's members, in their order and with those that come twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MEMBERS_MAX {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(All)
    }
}

/// The items of a list, no more than a batch may have.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() == BATCH_MAX {
                        return Err(serde::de::Error::custom("too many events"));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        from.deserialize_seq(All)
    }
}

impl CloudEvent {
    /// An event in JSON.
    ///
    /// # Errors
    /// [`Error`].
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let Members(members) =
            serde_json::from_slice(text).map_err(|error| Error::Json(error.to_string()))?;
        let mut attributes = BTreeMap::new();
        let (mut data, mut base64) = (None, None);
        let mut seen = std::collections::BTreeSet::new();
        for (name, value) in &members {
            if !seen.insert(name.as_str()) {
                return Err(Error::Twice(name.chars().take(80).collect()));
            }
            // What is null is not there.
            if value.get() == "null" && name != "data" {
                continue;
            }
            match name.as_str() {
                "data" => data = Some(value.get()),
                "data_base64" => base64 = Some(value.get()),
                name => drop(attributes.insert(name.to_owned(), attribute(name, value.get())?)),
            }
        }
        is_version(attributes.remove("specversion").as_deref())?;
        let data = match (data, base64) {
            (Some(_), Some(_)) => return Err(Error::DataTwice),
            (None, None) | (Some("null"), None) => Vec::new(),
            (None, Some(text)) => bytes_of(text)?,
            (Some(value), None) => {
                let kind = attributes.entry("datacontenttype".to_owned());
                let is_text = !is_json(kind.or_insert_with(|| JSON.to_owned()));
                match serde_json::from_str::<String>(value) {
                    Ok(text) if is_text => text.into_bytes(),
                    _ => value.as_bytes().to_vec(),
                }
            }
        };
        Self::new(attributes, data)
    }

    /// The events of a batch.
    ///
    /// # Errors
    /// [`Error`]: one that is wrong makes all of them none.
    pub fn from_batch(text: &[u8]) -> Result<Vec<Self>, Error> {
        let Ok(Items(items)) = serde_json::from_slice(text) else { return Err(Error::Batch) };
        if items.is_empty() {
            return Err(Error::Batch);
        }
        let one = |(at, item): (usize, &&RawValue)| {
            let event = Self::from_json(item.get().as_bytes());
            event.map_err(|error| Error::Within(at + 1, Box::new(error)))
        };
        items.iter().enumerate().map(one).collect()
    }

    /// The event in JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"specversion\":\"1.0\"");
        for (name, value) in self.attributes() {
            // A name needs no escapes.
            out.push_str(&format!(",\"{name}\":{}", serde_json::Value::from(value)));
        }
        if !self.data.is_empty() {
            out.push_str(&self.data_member());
        }
        out.push('}');
        out
    }

    /// JSON stays what it is, a text is a text, and all else is base64.
    fn data_member(&self) -> String {
        let text = std::str::from_utf8(&self.data).ok();
        match (self.content_type(), text) {
            (Some(kind), Some(text)) if is_json(kind) => {
                let sound = serde_json::from_str::<IgnoredAny>(text).is_ok();
                // `null` would be no data at all.
                if sound && text.trim() != "null" {
                    return format!(",\"data\":{text}");
                }
            }
            (Some(_), Some(text)) => return format!(",\"data\":{}", serde_json::Value::from(text)),
            _ => {}
        }
        format!(",\"data_base64\":\"{}\"", STANDARD.encode(&self.data))
    }

    /// Events as a batch.
    #[must_use]
    pub fn to_batch(events: &[Self]) -> String {
        let events: Vec<String> = events.iter().map(Self::to_json).collect();
        format!("[{}]", events.join(","))
    }
}

/// A text, a whole number of 32 bits, or a truth: the types that JSON can tell apart.
fn attribute(name: &str, value: &str) -> Result<String, Error> {
    if let Ok(text) = serde_json::from_str::<String>(value) {
        return Ok(text);
    }
    let why = "is no text, no whole number of 32 bits, and neither true nor false";
    let wrong = || Error::Value { name: name.chars().take(80).collect(), why };
    match value {
        "true" | "false" => Ok(value.to_owned()),
        _ => value.parse::<i32>().map(|number| number.to_string()).map_err(|_| wrong()),
    }
}

fn bytes_of(value: &str) -> Result<Vec<u8>, Error> {
    let text = serde_json::from_str::<String>(value).map_err(|_| Error::Base64)?;
    STANDARD.decode(text).map_err(|_| Error::Base64)
}
