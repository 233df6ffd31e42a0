//! Entries of a stream, and the messages in them.

use super::resp::{Reply, weight};
use crate::config::Redis;
use crate::form::{Said, Shape};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ports::source::{Arrival, Error, Fault};
use serde_json::{Map, Value};

/// Most fields of an entry.
pub(crate) const FIELDS_MAX: u64 = 1000;
/// The type of the events.
const KIND: &str = "dev.casemate.redis.entry";

/// What the entries of a reply are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Messages, in their order.
    pub(crate) arrivals: Vec<Arrival>,
    /// Entries that are not in the stream any more.
    pub(crate) gone: Vec<String>,
    /// Whether there were more than could be kept at once: they come when these are settled.
    pub(crate) more: bool,
}

/// Where events come from, and how large they may be.
pub(crate) struct Terms<'a> {
    pub(crate) config: &'a Redis,
    pub(crate) origin: &'a str,
    pub(crate) bytes_max: u64,
}

impl Terms<'_> {
    /// Reads what `XREADGROUP` answers.
    pub(crate) fn found(&self, reply: Reply) -> Result<Found, Error> {
        let mut found = Found::default();
        let streams = match reply {
            Reply::Nil => return Ok(found),
            Reply::List(streams, _) => streams,
            _ => return Err(odd()),
        };
        for stream in streams {
            let Reply::List(parts, _) = stream else { return Err(odd()) };
            let mut parts = parts.into_iter();
            match (parts.next(), parts.next()) {
                (Some(Reply::Bulk(_)), Some(Reply::List(entries, _))) => {
                    for entry in entries {
                        self.add(entry, &mut found)?;
                    }
                }
                _ => return Err(odd()),
            }
        }
        Ok(found)
    }

    fn add(&self, entry: Reply, found: &mut Found) -> Result<(), Error> {
        let Reply::List(parts, _) = entry else {
            // As much as fits was kept, and this is the rest.
            found.more = true;
            return Ok(());
        };
        let mut parts = parts.into_iter();
        let (id, fields) = match (parts.next(), parts.next()) {
            (Some(Reply::Bulk(id)), Some(fields)) => (text(&id), fields),
            (Some(Reply::Lost(_)), _) => {
                found.more = true;
                return Ok(());
            }
            _ => return Err(odd()),
        };
        let id = id.filter(|id| is_id(id)).ok_or_else(odd)?;
        let bytes = weight(&fields);
        let (fields, count) = match fields {
            Reply::Nil => {
                found.gone.push(id);
                return Ok(());
            }
            Reply::List(fields, count) => (fields, count / 2),
            lost @ Reply::Lost(_) => (vec![lost], 0),
            _ => return Err(odd()),
        };
        let said = Said { origin: self.origin, kind: KIND, id: &id, more: Vec::new() };
        let (event, fault) = if bytes > self.bytes_max {
            said.unfit(Fault::TooLarge { bytes, most: self.bytes_max }, Vec::new())?
        } else if count > FIELDS_MAX {
            said.unfit(Fault::Fields(count), Vec::new())?
        } else {
            let Some(fields) = pairs(fields) else {
                found.more = true;
                return Ok(());
            };
            self.message(said, &fields)?
        };
        found.arrivals.push(Arrival { token: id, event, fault });
        Ok(())
    }

    /// The message in an entry's fields.
    fn message(
        &self,
        mut said: Said<'_>,
        fields: &[(Bytes, Bytes)],
    ) -> Result<(model::CloudEvent, Option<Fault>), Error> {
        let named = |name: &str| {
            let mut found = fields.iter().filter(|(own, _)| own == name.as_bytes());
            (found.next().map(|(_, value)| value), found.next().is_some())
        };
        if let Some(key) = &self.config.key {
            match named(key) {
                (Some(value), false) => match text(value) {
                    Some(value) => said.more.push(("partitionkey", value)),
                    None => return said.unfit(Fault::Text, whole(fields).0),
                },
                (None, _) => {}
                (_, true) => return said.unfit(Fault::Form("`key` comes twice"), whole(fields).0),
            }
        }
        let Some(field) = &self.config.field else {
            let (data, fault) = whole(fields);
            return match fault {
                Some(fault) => said.unfit(fault, data),
                None => said.read(&Shape::Data("application/json".to_owned()), data),
            };
        };
        match named(field) {
            (Some(value), false) => said.read(&self.config.shape, value.to_vec()),
            (None, _) => said.unfit(Fault::Form("it does not have `field`"), whole(fields).0),
            (_, true) => said.unfit(Fault::Form("`field` comes twice"), whole(fields).0),
        }
    }
}

/// Names and values; nothing if some of them were not kept.
fn pairs(fields: Vec<Reply>) -> Option<Vec<(Bytes, Bytes)>> {
    let mut fields = fields.into_iter();
    let mut pairs = Vec::with_capacity(fields.len() / 2);
    while let Some(name) = fields.next() {
        match (name, fields.next()) {
            (Reply::Bulk(name), Some(Reply::Bulk(value))) => pairs.push((name, value)),
            _ => return None,
        }
    }
    Some(pairs)
}

/// All fields as a JSON object, and why it is none that a function gets. What is no text is in base64
/// then, and a name that comes twice has a list.
fn whole(fields: &[(Bytes, Bytes)]) -> (Vec<u8>, Option<Fault>) {
    let mut fault = None;
    let mut object: Map<String, Value> = Map::new();
    for (name, value) in fields {
        let name = text(name).unwrap_or_else(|| {
            fault = Some(Fault::Text);
            BASE64_STANDARD.encode(name)
        });
        let value = text(value).map_or_else(
            || {
                fault = Some(Fault::Text);
                serde_json::json!({ "base64": BASE64_STANDARD.encode(value) })
            },
            Value::String,
        );
        match object.get_mut(&name) {
            None => drop(object.insert(name, value)),
            Some(before) => {
                fault = fault.or(Some(Fault::Form("a field comes twice")));
                match before {
                    Value::Array(values) => values.push(value),
                    first => *first = Value::Array(vec![first.take(), value]),
                }
            }
        }
    }
    (Value::Object(object).to_string().into_bytes(), fault)
}

fn text(bytes: &Bytes) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// Whether a text is an entry's number: `MILLISECONDS-NUMBER`.
pub(crate) fn is_id(text: &str) -> bool {
    let digits =
        |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit());
    text.split_once('-').is_some_and(|(time, number)| digits(time) && digits(number))
}

pub(crate) fn odd() -> Error {
    Error::Down("it answers what no Redis does".to_owned())
}
