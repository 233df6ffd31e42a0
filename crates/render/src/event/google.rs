//! What functions of Google Cloud get: an event of Pub/Sub, and the form of background functions that
//! came before CloudEvents.

use super::{Data, Shapeless, Told, happened, millis};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::CloudEvent;
use model::manifest::EventShape;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The project that functions are told.
const PROJECT: &str = "casemate";
/// The type of events of Pub/Sub.
const PUBLISHED: &str = "google.cloud.pubsub.topic.v1.messagePublished";
/// What a background function's data says that it is, if it is a message.
const MESSAGE: &str = "type.googleapis.com/google.pubsub.v1.PubsubMessage";

/// The event as a message of Pub/Sub, as that has CloudEvents: the data is its data, and the attributes
/// are its attributes.
fn message(event: &CloudEvent) -> (String, Map<String, Value>) {
    let named = |name: &str| match name {
        "datacontenttype" => "content-type".to_owned(),
        name => format!("ce-{name}"),
    };
    let all = [("specversion", "1.0")].into_iter().chain(event.attributes());
    let attributes = all.map(|(name, value)| (named(name), value.into())).collect();
    (BASE64_STANDARD.encode(event.data()), attributes)
}

/// The event that Eventarc makes of a message of Pub/Sub.
pub(super) fn pubsub(event: &CloudEvent, told: &Told<'_>) -> Result<CloudEvent, Shapeless> {
    let time = millis(happened(event, told));
    let (data, attributes) = message(event);
    let mut said = json!({
        "data": data,
        "attributes": attributes,
        "messageId": told.id,
        "message_id": told.id,
        "publishTime": time,
        "publish_time": time,
    });
    if let (Some(said), Some(key)) = (said.as_object_mut(), event.get("partitionkey")) {
        said.insert("orderingKey".to_owned(), key.into());
    }
    let subscription = format!("projects/{PROJECT}/subscriptions/{}", told.trigger);
    let body = json!({ "message": said, "subscription": subscription });
    let source = format!("//pubsub.googleapis.com/projects/{PROJECT}/topics/{}", told.trigger);
    let attributes = [
        ("id", told.id),
        ("source", source.as_str()),
        ("type", PUBLISHED),
        ("time", time.as_str()),
        ("datacontenttype", "application/json"),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let made = CloudEvent::new(BTreeMap::from(attributes), body.to_string().into_bytes());
    made.map_err(|_| Shapeless { shape: EventShape::Pubsub, why: "its message is no event" })
}

#[derive(Serialize)]
struct Background<'a> {
    context: Context<'a>,
    data: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    event_id: &'a str,
    timestamp: String,
    event_type: &'a str,
    resource: Resource<'a>,
}

#[derive(Serialize)]
struct Resource<'a> {
    service: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// What a background function gets. Data that is no JSON is a message of Pub/Sub.
pub(super) fn background(event: &CloudEvent, told: &Told<'_>) -> String {
    let data = Data::of(event);
    let (data, kind) = match &data {
        Data::Json(_) => (data.json(), event.kind()),
        _ => {
            let (data, attributes) = message(event);
            let message = json!({ "@type": MESSAGE, "data": data, "attributes": attributes });
            (serde_json::value::to_raw_value(&message).unwrap_or_default(), MESSAGE)
        }
    };
    let whole = Background {
        context: Context {
            event_id: event.id(),
            timestamp: millis(happened(event, told)),
            event_type: event.kind(),
            resource: Resource {
                service: event.source(),
                name: event.get("subject").unwrap_or(event.source()),
                kind,
            },
        },
        data,
    };
    serde_json::to_string(&whole).unwrap_or_default()
}
