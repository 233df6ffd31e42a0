//! Events in the shapes in which other platforms give them to functions.
//!
//! Sources: the documentation of AWS Lambda (Amazon SNS, Amazon S3, Amazon DynamoDB, EventBridge), of
//! Azure Functions (Queue Storage, Event Grid) and of Google Cloud (events of Pub/Sub, background
//! functions). What such a shape says that an event does not, the platform says, never the publisher:
//! who publishes chooses the message, and not how often it was tried.

mod aws;
mod dynamodb;
mod google;
#[cfg(test)]
mod tests;

pub use aws::{ACCOUNT, REGION};

use crate::azure;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::CloudEvent;
use model::Timestamp;
use model::event::{STRUCTURED, is_json};
use model::manifest::EventShape;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The content type of all shapes that have none of their own.
const JSON: &str = "application/json";

/// What the platform knows of an event's call.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The call's id: the same at every attempt.
    pub id: &'a str,
    /// The name of its trigger.
    pub trigger: &'a str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was accepted.
    pub queued: Timestamp,
    /// When it is given up, if it is.
    pub expires: Option<Timestamp>,
    /// Until when nobody else has it.
    pub hidden: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// An event in the shape that its function expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shaped {
    /// A document, with its content type.
    Document(&'static str, String),
    /// Another event, in the words of another platform.
    Event(CloudEvent),
}

/// An event that cannot be given in a shape, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("as `{}`: {why}", .shape.word())]
pub struct Shapeless {
    shape: EventShape,
    why: &'static str,
}

/// The event in a shape.
///
/// # Errors
/// [`Shapeless`]: it does not say what the shape is about.
pub fn shaped(shape: EventShape, event: &CloudEvent, told: &Told<'_>) -> Result<Shaped, Shapeless> {
    let text = match shape {
        EventShape::Cloudevent => return Ok(Shaped::Document(STRUCTURED, event.to_json())),
        EventShape::Eventbridge => aws::eventbridge(event, told.now).to_string(),
        EventShape::Sns => aws::sns(event, told).to_string(),
        EventShape::S3 => aws::s3(event, told)?.to_string(),
        EventShape::Dynamodb => dynamodb::records(event, told)?.to_string(),
        EventShape::Queue => {
            let text = azure::trigger::queue(event.data(), told).to_json();
            return Ok(Shaped::Document(azure::trigger::KIND, text));
        }
        EventShape::Eventgrid => {
            let text = azure::trigger::eventgrid(event, told).to_json();
            return Ok(Shaped::Document(azure::trigger::KIND, text));
        }
        EventShape::Pubsub => return google::pubsub(event, told).map(Shaped::Event),
        EventShape::Background => google::background(event, told),
    };
    Ok(Shaped::Document(JSON, text))
}

/// What an event is as the body of a message of Amazon SQS, when it came there from what the shape
/// is of.
///
/// # Errors
/// [`Shapeless`]: it does not say what the shape is about.
pub fn message(
    shape: EventShape,
    event: &CloudEvent,
    told: &Told<'_>,
) -> Result<String, Shapeless> {
    match shape {
        // A subscription of a queue's has the notification alone.
        EventShape::Sns => Ok(aws::notification(event, told, "URL").to_string()),
        shape => match shaped(shape, event, told)? {
            Shaped::Document(_, text) => Ok(text),
            Shaped::Event(event) => Ok(event.to_json()),
        },
    }
}

/// An event's data: JSON keeps its bytes.
pub(crate) enum Data<'a> {
    Nothing,
    Json(&'a RawValue),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Data<'a> {
    pub(crate) fn of(event: &'a CloudEvent) -> Self {
        let data = event.data();
        if data.is_empty() {
            return Self::Nothing;
        }
        let Ok(text) = std::str::from_utf8(data) else { return Self::Bytes(data) };
        match event.content_type() {
            Some(kind) if is_json(kind) => {
                serde_json::from_str(text.trim()).map_or(Self::Text(text), Self::Json)
            }
            Some(_) => Self::Text(text),
            None => Self::Bytes(data),
        }
    }

    /// As one value of JSON: what is neither JSON nor text stands in an object.
    pub(crate) fn json(&self) -> Box<RawValue> {
        let value = match self {
            Self::Json(raw) => return (*raw).to_owned(),
            Self::Nothing => Value::Null,
            Self::Text(text) => Value::from(*text),
            Self::Bytes(bytes) => json!({ "data_base64": BASE64_STANDARD.encode(bytes) }),
        };
        serde_json::value::to_raw_value(&value).unwrap_or_default()
    }
}

/// Bytes as a text, and whether that is base64.
pub(crate) fn text(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64_STANDARD.encode(bytes), true),
    }
}

/// When the event says that it happened; else, when it came.
pub(crate) fn happened(event: &CloudEvent, told: &Told<'_>) -> jiff::Timestamp {
    let said = event.get("time").and_then(|time| time.parse().ok());
    said.unwrap_or_else(|| at(told.queued))
}

pub(crate) fn at(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(time.0).unwrap_or_default()
}

/// RFC 3339 with milliseconds.
pub(crate) fn millis(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// What comes after the last `/` or `:` of a text.
pub(crate) fn last_part(text: &str) -> &str {
    text.trim_end_matches(['/', ':']).rsplit(['/', ':']).next().unwrap_or_default()
}
