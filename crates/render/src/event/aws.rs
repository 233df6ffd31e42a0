//! What AWS Lambda's functions get from EventBridge, SNS and S3.

use super::{Shapeless, Told, happened, last_part, millis, text};
use model::manifest::EventShape;
use model::{CloudEvent, Timestamp};
use serde_json::{Map, Value, json};

/// The account that Lambda's functions are told.
pub const ACCOUNT: &str = "000000000000";
/// The region that they are told.
pub const REGION: &str = "us-east-1";

/// What EventBridge makes of it. A payload that is no JSON object stands in one.
pub(super) fn eventbridge(event: &CloudEvent, at: Timestamp) -> Value {
    let all: Value = serde_json::from_str(&event.to_json()).unwrap_or_default();
    let detail = match (all.get("data"), all.get("data_base64")) {
        (Some(Value::Object(data)), _) => Value::Object(data.clone()),
        (Some(data), _) => json!({ "data": data }),
        (None, Some(data)) => json!({ "data_base64": data }),
        (None, None) => json!({}),
    };
    let said = event.get("time").and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let seconds = said.map_or(at.0.div_euclid(1_000_000), jiff::Timestamp::as_second);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    json!({
        "version": "0",
        "id": event.id(),
        "detail-type": event.kind(),
        "source": event.source(),
        "account": ACCOUNT,
        "time": time.to_string(),
        "region": REGION,
        "resources": event.get("subject").map(|subject| vec![subject]).unwrap_or_default(),
        "detail": detail,
    })
}

/// What SNS calls a function with: the payload is the message, and the attributes are its attributes.
pub(super) fn sns(event: &CloudEvent, told: &Told<'_>) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{}:{}", topic(told), told.id),
        "Sns": notification(event, told, "Url"),
    }]})
}

fn topic(told: &Told<'_>) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", told.trigger)
}

/// A notification. `url` is how it spells that word: one way to functions, another one to queues.
/// Nothing is signed, since it comes from the platform and over no network.
pub(super) fn notification(event: &CloudEvent, told: &Told<'_>, url: &str) -> Value {
    let (message, encoded) = text(event.data());
    let attribute = |value: &str| json!({ "Type": "String", "Value": value });
    let own = ["id", "time", "subject"];
    let all = event.attributes().filter(|(name, _)| !own.contains(name));
    let mut attributes: Map<String, Value> =
        all.map(|(name, value)| (name.to_owned(), attribute(value))).collect();
    if encoded {
        attributes.insert("content-transfer-encoding".to_owned(), attribute("base64"));
    }
    let mut whole = json!({
        "Type": "Notification",
        "MessageId": told.id,
        "TopicArn": topic(told),
        "Subject": event.get("subject"),
        "Message": message,
        "Timestamp": millis(happened(event, told)),
        "SignatureVersion": "1",
        "Signature": "",
        "MessageAttributes": attributes,
    });
    if let Some(whole) = whole.as_object_mut() {
        whole.insert(format!("SigningCert{url}"), "".into());
        whole.insert(format!("Unsubscribe{url}"), "".into());
    }
    whole
}

/// What is known of an object in a store.
struct Object {
    bucket: String,
    key: String,
    size: Option<u64>,
    tag: Option<String>,
    version: Option<String>,
}

impl Object {
    /// By the event's data, as EventBridge, Cloud Storage and uploads write it, or by its attributes,
    /// as folders have it: the subject is the object's name then, and the data is what is in it.
    fn of(event: &CloudEvent) -> Option<Self> {
        let data: Value = serde_json::from_slice(event.data()).unwrap_or_default();
        let object = data.get("object").filter(|it| it.is_object()).unwrap_or(&data);
        let text = |value: Option<&Value>| match value? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let any = |names: &[&str]| names.iter().find_map(|name| text(object.get(*name)));
        let described = any(&["key", "name"]);
        let bucket = data.get("bucket");
        let bucket = text(bucket).or_else(|| text(bucket?.get("name")));
        let bucket = bucket.or_else(|| text(data.get("container")));
        let bucket = bucket.or_else(|| event.get("bucket").map(str::to_owned));
        let subject = || event.get("subject").map(|it| it.strip_prefix("objects/").unwrap_or(it));
        let size = match described {
            // Cloud Storage writes it as a text.
            Some(_) => any(&["size", "bytes"]).and_then(|size| size.parse().ok()),
            None => Some(event.data().len() as u64),
        };
        Some(Self {
            bucket: bucket.unwrap_or_else(|| last_part(event.source()).to_owned()),
            key: described.or_else(|| subject().map(str::to_owned))?,
            size,
            tag: any(&["etag", "eTag"]),
            version: any(&["version-id", "versionId", "generation", "version"]),
        })
    }
}

/// What S3 says of an object.
pub(super) fn s3(event: &CloudEvent, told: &Told<'_>) -> Result<Value, Shapeless> {
    let why = "it names no object: neither `key` or `name` in its data, nor a subject";
    let object = Object::of(event).ok_or(Shapeless { shape: EventShape::S3, why })?;
    let gone = ["delete", "remove"].iter().any(|word| event.kind().to_lowercase().contains(word));
    let mut shown = json!({
        "key": form(&object.key),
        "sequencer": format!("{:016X}", told.queued.0.unsigned_abs()),
    });
    if let Some(shown) = shown.as_object_mut() {
        if !gone {
            shown.insert("size".to_owned(), object.size.into());
            shown.insert("eTag".to_owned(), object.tag.into());
        }
        if let Some(version) = object.version {
            shown.insert("versionId".to_owned(), version.into());
        }
    }
    Ok(json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": millis(happened(event, told)),
        "eventName": if gone { "ObjectRemoved:Delete" } else { "ObjectCreated:Put" },
        "userIdentity": { "principalId": ACCOUNT },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": told.id, "x-amz-id-2": told.id },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": told.trigger,
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": { "principalId": ACCOUNT },
                "arn": format!("arn:aws:s3:::{}", object.bucket),
            },
            "object": shown,
        },
    }]}))
}

/// A key as S3 writes it in events: as forms do, with its slashes.
fn form(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
