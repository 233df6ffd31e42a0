//! What a message that is believed says: the event in it, what makes it the same as another one, and
//! what its sender wants to hear.

use super::verify::Message;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use model::CloudEvent;
use model::manifest::{Sender, WebhookSpec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest part of an event's type, or id, that a message says.
const PART_CHARS_MAX: usize = 200;

/// What is done with a message.
pub(super) struct Reading {
    /// The event, if it is one and no question.
    pub(super) event: Option<CloudEvent>,
    /// What of the message was signed and is the same when it comes again.
    pub(super) mark: Vec<u8>,
    pub(super) answer: Answer,
}

/// What the sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// In JSON; nothing if empty.
    pub(super) body: String,
}

impl Answer {
    const OK: Self = Self { status: StatusCode::OK, body: String::new() };
    const NOTHING: Self = Self { status: StatusCode::NO_CONTENT, body: String::new() };

    fn json(value: &Value) -> Self {
        Self { status: StatusCode::OK, body: value.to_string() }
    }
}

/// Reads a message that is believed.
pub(super) fn read(spec: &WebhookSpec, message: &Message<'_>) -> Result<Reading, String> {
    let body: Value = serde_json::from_slice(message.body).unwrap_or_default();
    if let Some(answer) = question(spec.kind, &body) {
        return Ok(Reading { event: None, mark: Vec::new(), answer });
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| body.get(key).and_then(Value::as_u64).map(|it| it.to_string());
    let header = |name: &str| message.field(name).map(str::to_owned);
    let (kind, id) = match spec.kind {
        Sender::Standard => (text("type"), header("webhook-id")),
        Sender::Github => (header("x-github-event"), header("x-github-delivery")),
        Sender::Stripe => (text("type"), text("id")),
        Sender::Slack => {
            let inner = body.pointer("/event/type").and_then(Value::as_str).map(str::to_owned);
            (inner.or_else(|| text("type")), text("event_id"))
        }
        Sender::Discord => {
            let inner = body.pointer("/event/type").and_then(Value::as_str);
            (inner.map(str::to_lowercase).or_else(|| Some("interaction".to_owned())), text("id"))
        }
        Sender::Telegram => {
            let what = body.as_object().and_then(|all| all.keys().find(|key| *key != "update_id"));
            (what.cloned(), number("update_id"))
        }
        Sender::Hmac => (None, None),
    };
    // Only what was signed: who has an old message can write another delivery's number before it.
    let mark = match (spec.kind, &id) {
        (Sender::Standard | Sender::Stripe, Some(id)) => id.as_bytes().to_vec(),
        _ => message.body.to_vec(),
    };
    let id =
        id.filter(|id| !id.is_empty()).unwrap_or_else(|| audit::digest(message.body).to_string());
    let event = event(spec, kind.as_deref(), &id, message)?;
    Ok(Reading { event: Some(event), mark, answer: deferred(spec.kind, &body) })
}

/// The answer to what is no event: whether somebody is there, and whether it is who it should be.
fn question(kind: Sender, body: &Value) -> Option<Answer> {
    let word = body.get("type").and_then(Value::as_str);
    let number = body.get("type").and_then(Value::as_u64);
    match (kind, word, number) {
        (Sender::Slack, Some("url_verification"), _) => {
            let challenge = body.get("challenge").and_then(Value::as_str).unwrap_or_default();
            Some(Answer::json(&json!({ "challenge": challenge })))
        }
        // Of interactions, and of events.
        (Sender::Discord, _, Some(1)) if body.get("event").is_none() => {
            Some(Answer::json(&json!({ "type": 1 })))
        }
        (Sender::Discord, _, Some(0)) => Some(Answer::NOTHING),
        _ => None,
    }
}

/// What is said at once, while the function does its work later.
fn deferred(kind: Sender, body: &Value) -> Answer {
    if kind != Sender::Discord {
        return Answer::OK;
    }
    match body.get("type").and_then(Value::as_u64) {
        Some(1) => Answer::NOTHING,
        // Messages of components and forms stay as they are, and suggestions cannot wait.
        Some(3 | 5) => Answer::json(&json!({ "type": 6 })),
        Some(4) => Answer::json(&json!({ "type": 8, "data": { "choices": [] } })),
        _ => Answer::json(&json!({ "type": 5 })),
    }
}

fn event(
    spec: &WebhookSpec,
    kind: Option<&str>,
    id: &str,
    message: &Message<'_>,
) -> Result<CloudEvent, String> {
    let sender = spec.kind.word();
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_graphic).take(PART_CHARS_MAX).collect()
    };
    let kind = kind.map(plain).filter(|kind| !kind.is_empty());
    let kind = kind.unwrap_or_else(|| "message".to_owned());
    let mut all = BTreeMap::from([
        ("id".to_owned(), plain(id)),
        ("source".to_owned(), format!("/webhooks/{}", spec.name)),
        ("type".to_owned(), format!("webhook.{sender}.{kind}")),
    ]);
    let content = message.field(CONTENT_TYPE.as_str()).map(str::to_owned);
    all.extend(content.map(|content| ("datacontenttype".to_owned(), content)));
    let body = message.body.to_vec();
    // What it says of its content may be no media type.
    CloudEvent::new(all.clone(), body.clone()).or_else(|_| {
        all.remove("datacontenttype");
        CloudEvent::new(all, body).map_err(|error| error.to_string())
    })
}
