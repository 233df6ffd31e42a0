//! A batch in the shape that its function expects: CloudEvents in their batch mode, an event of
//! Amazon SQS as AWS Lambda gets it, or messages of a queue of Cloudflare Workers.

use super::{Form, numbered};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use md5::{Digest as _, Md5};
use model::event::{BATCH, is_json};
use model::manifest::EventShape;
use model::{CloudEvent, Code, FunctionRef, InvocationId, Problem, Timestamp};
use render::event::{ACCOUNT, REGION, Told};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The type of an event that is made of an asynchronous call.
const REQUESTED: &str = "dev.casemate.invocation.requested";

/// The content type by which a Worker's process knows that it is a queue's messages.
const QUEUE: &str = "application/vnd.casemate.queue+json";

/// What a message says.
pub(crate) enum Said {
    /// An event that was published.
    Event(CloudEvent),
    /// An asynchronous call.
    Call(HeaderMap, Bytes),
}

/// One of a batch.
pub(crate) struct Piece<'a> {
    pub(crate) id: InvocationId,
    pub(crate) function: &'a FunctionRef,
    /// What its queue is called: its trigger, or its function.
    pub(crate) queue: &'a str,
    pub(crate) caller: String,
    pub(crate) attempt: u32,
    pub(crate) queued: Timestamp,
    pub(crate) order: Option<[u8; 16]>,
    pub(crate) now: Timestamp,
    pub(crate) said: Said,
}

impl Piece<'_> {
    /// Its part of the batch, in JSON.
    pub(crate) fn text(&self, form: Form) -> Result<String, Problem> {
        let id = self.id.to_string();
        let wrong = |error: model::event::Error| Problem::new(Code::BadEvent).detail(error);
        match form {
            Form::Events => match &self.said {
                Said::Event(event) => numbered(event, &id).map_err(wrong),
                Said::Call(headers, body) => {
                    self.asked(headers, body).and_then(|it| numbered(&it, &id)).map_err(wrong)
                }
            },
            Form::Sqs(shape) => self.record(shape).map(|record| record.to_string()),
            Form::Queue => Ok(self.message()),
        }
    }

    /// A message of a Worker's queue. JSON stays what it is, so it is no value of ours.
    fn message(&self) -> String {
        let (kind, body) = match &self.said {
            Said::Event(event) => ("json", event.to_json()),
            Said::Call(headers, body) => content(headers, body),
        };
        let (id, attempts, at) = (self.id, self.attempt, millis(self.queued));
        format!(
            "{{\"id\":\"{id}\",\"timestamp\":{at},\"attempts\":{attempts},\"kind\":\"{kind}\",\"body\":{body}}}"
        )
    }

    /// An asynchronous call as an event.
    fn asked(&self, headers: &HeaderMap, body: &Bytes) -> Result<CloudEvent, model::event::Error> {
        let scope = &self.function.scope;
        let source = format!(
            "/tenants/{}/environments/{}/functions/{}",
            scope.tenant, scope.environment, self.function.name
        );
        let mut attributes = BTreeMap::from([
            ("id".to_owned(), self.id.to_string()),
            ("source".to_owned(), source),
            ("type".to_owned(), REQUESTED.to_owned()),
            ("time".to_owned(), self.queued.to_string()),
        ]);
        let plain = CloudEvent::new(attributes.clone(), body.to_vec())?;
        let Some(kind) = content_type(headers) else { return Ok(plain) };
        attributes.insert("datacontenttype".to_owned(), kind.to_owned());
        // What it says of itself may be no attribute's value.
        Ok(CloudEvent::new(attributes, body.to_vec()).unwrap_or(plain))
    }

    /// A record of an event of SQS.
    fn record(&self, shape: EventShape) -> Result<Value, Problem> {
        let (body, attributes) = match &self.said {
            Said::Event(event) => (self.body(event, shape)?, json!({})),
            Said::Call(headers, body) => of_call(headers, body),
        };
        let sent = millis(self.queued);
        let mut own = json!({
            "ApproximateReceiveCount": self.attempt.to_string(),
            "SentTimestamp": sent,
            "SenderId": self.caller,
            "ApproximateFirstReceiveTimestamp": millis(self.now),
        });
        if let (Some(order), Some(own)) = (self.order, own.as_object_mut()) {
            own.insert("MessageGroupId".to_owned(), hex::encode(order).into());
        }
        Ok(json!({
            "messageId": self.id,
            "receiptHandle": self.id,
            "md5OfBody": hex::encode(Md5::digest(body.as_bytes())),
            "body": body,
            "attributes": own,
            "messageAttributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.queue),
            "awsRegion": REGION,
        }))
    }

    fn body(&self, event: &CloudEvent, shape: EventShape) -> Result<String, Problem> {
        let id = self.id.to_string();
        let told = Told {
            id: &id,
            trigger: self.queue,
            attempt: self.attempt,
            queued: self.queued,
            expires: None,
            hidden: self.now,
            now: self.now,
        };
        let text = render::event::message(shape, event, &told);
        text.map_err(|why| Problem::new(Code::EventShapeless).detail(why))
    }
}

/// What a call's body is in SQS, whose messages are text, and what is said of it.
fn of_call(headers: &HeaderMap, body: &Bytes) -> (String, Value) {
    let attribute = |text: &str| json!({ "stringValue": text, "stringListValues": [], "binaryListValues": [], "dataType": "String" });
    let mut attributes = serde_json::Map::new();
    if let Some(kind) = content_type(headers) {
        attributes.insert("content-type".to_owned(), attribute(kind));
    }
    let text = match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            attributes.insert("content-transfer-encoding".to_owned(), attribute("base64"));
            BASE64_STANDARD.encode(body)
        }
    };
    (text, Value::Object(attributes))
}

/// What a call's body is for a Worker: JSON, a text, or bytes.
fn content(headers: &HeaderMap, body: &Bytes) -> (&'static str, String) {
    let Ok(text) = std::str::from_utf8(body) else {
        return ("bytes", Value::from(BASE64_STANDARD.encode(body)).to_string());
    };
    let is_json = content_type(headers).is_some_and(is_json);
    if is_json && serde_json::from_str::<Value>(text).is_ok() {
        return ("json", text.to_owned());
    }
    ("text", Value::from(text).to_string())
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).filter(|kind| !kind.is_empty())
}

fn millis(time: Timestamp) -> String {
    time.0.div_euclid(1000).to_string()
}

/// All of a batch: its content type and its body. `queue` is what its queue is called.
pub(crate) fn gathered(form: Form, queue: &str, pieces: &[String]) -> (&'static str, String) {
    let all = pieces.join(",");
    match form {
        // A name needs no escapes.
        Form::Queue => (QUEUE, format!("{{\"queue\":\"{queue}\",\"messages\":[{all}]}}")),
        Form::Events => (BATCH, format!("[{all}]")),
        Form::Sqs(_) => ("application/json", format!("{{\"Records\":[{all}]}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(more: &str) -> CloudEvent {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/a","type":"x.y"{more},"data":{{"n":1.10}}}}"#
        );
        CloudEvent::from_json(text.as_bytes()).expect("an event")
    }

    fn piece(function: &FunctionRef, said: Said) -> Piece<'_> {
        Piece {
            id: InvocationId::from_parts(1_700_000_000_000_000, [1; 8]),
            function,
            queue: "paid",
            caller: "trigger:paid".to_owned(),
            attempt: 2,
            queued: Timestamp(1_700_000_000_123_456),
            order: None,
            now: Timestamp(1_700_000_001_000_000),
            said,
        }
    }

    #[test]
    fn events_say_which_message_they_are_and_nobody_else_does() {
        let function = testkit::queue::function("f");
        for more in ["", r#","casematemessage":"forged""#] {
            let piece = piece(&function, Said::Event(event(more)));
            let text = piece.text(Form::Events).expect("text");
            let (kind, body) = gathered(Form::Events, "paid", &[text.clone(), text]);
            assert_eq!(kind, "application/cloudevents-batch+json");
            let all: Value = serde_json::from_str(&body).expect(&body);
            assert_eq!(all[1]["casematemessage"], piece.id.to_string(), "{body}");
            assert!(!body.contains("forged") && body.contains("1.10"), "{body}");
            assert_eq!(CloudEvent::from_batch(body.as_bytes()).expect("a batch").len(), 2);
        }
    }

    #[test]
    fn a_call_is_an_event_whatever_its_type_and_its_bytes_are() {
        let function = testkit::queue::function("f");
        for (kind, body, data) in [
            ("application/json", &b"{\"a\":1}"[..], ("data", json!({ "a": 1 }))),
            ("text/plain", b"hello", ("data", "hello".into())),
            ("", b"\xff", ("data_base64", "/w==".into())),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().expect("a value"));
            let said = Said::Call(headers, Bytes::from_static(body));
            let text = piece(&function, said).text(Form::Events).expect("text");
            let read: Value = serde_json::from_str(&text).expect(&text);
            assert_eq!(read["type"], REQUESTED);
            assert_eq!(read["source"], "/tenants/default/environments/main/functions/f");
            assert_eq!(read[data.0], data.1, "{text}");
        }
    }

    #[test]
    fn a_worker_is_told_what_kind_of_body_each_message_has() {
        let function = testkit::queue::function("f");
        let said = |kind: &'static str, body: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().expect("a value"));
            Said::Call(headers, Bytes::from_static(body))
        };
        let all = [
            said("application/json", b"{\"n\": 1.10}"),
            said("application/json", b"{"),
            said("text/plain", b"a \"b\""),
            said("image/png", b"\xff"),
            Said::Event(event("")),
        ];
        let text = |said| piece(&function, said).text(Form::Queue).expect("text");
        let texts: Vec<String> = all.into_iter().map(text).collect();
        let (kind, body) = gathered(Form::Queue, "paid", &texts);
        assert_eq!(kind, "application/vnd.casemate.queue+json");
        assert!(body.contains("{\"n\": 1.10}"), "{body}");
        let all: Value = serde_json::from_str(&body).expect(&body);
        assert_eq!(all["queue"], "paid");
        let said = |at: usize| {
            let message = &all["messages"][at];
            (message["kind"].as_str().expect("text"), message["body"].clone())
        };
        assert_eq!(said(1), ("text", "{".into()));
        assert_eq!(said(2), ("text", "a \"b\"".into()));
        assert_eq!(said(3), ("bytes", "/w==".into()));
        assert_eq!((said(4).0, said(4).1["type"].as_str()), ("json", Some("x.y")));
        let first = &all["messages"][0];
        assert_eq!(
            (&first["attempts"], &first["timestamp"]),
            (&json!(2), &json!(1_700_000_000_123_i64))
        );
    }

    #[test]
    fn a_record_has_what_sqs_says() {
        let function = testkit::queue::function("f");
        let order = Some([0xab; 16]);
        let piece = Piece { order, ..piece(&function, Said::Event(event(""))) };
        let text = piece.text(Form::Sqs(EventShape::Cloudevent)).expect("text");
        let (_, body) = gathered(Form::Sqs(EventShape::Cloudevent), "paid", &[text]);
        let all: Value = serde_json::from_str(&body).expect(&body);
        let record = &all["Records"][0];
        let said = record["body"].as_str().expect("text");
        assert_eq!(CloudEvent::from_json(said.as_bytes()).expect("an event"), event(""));
        assert_eq!(record["messageId"], piece.id.to_string());
        assert_eq!(record["eventSource"], "aws:sqs");
        assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:paid");
        assert_eq!(record["md5OfBody"].as_str().map(str::len), Some(32));
        assert_eq!(
            record["attributes"],
            json!({
                "ApproximateReceiveCount": "2",
                "SentTimestamp": "1700000000123",
                "SenderId": "trigger:paid",
                "ApproximateFirstReceiveTimestamp": "1700000001000",
                "MessageGroupId": "ab".repeat(16),
            })
        );
        let said = Said::Call(HeaderMap::new(), Bytes::from_static(b"\xff"));
        let bytes = self::piece(&function, said).record(EventShape::Cloudevent).expect("a record");
        assert_eq!(bytes["body"], "/w==");
        let encoding = &bytes["messageAttributes"]["content-transfer-encoding"];
        assert_eq!(encoding["stringValue"], "base64");
    }

    /// RFC 1321, appendix A.5.
    #[test]
    fn the_digest_is_that_of_the_body() {
        let function = testkit::queue::function("f");
        let said = Said::Call(HeaderMap::new(), Bytes::from_static(b"abc"));
        let record = piece(&function, said).record(EventShape::Cloudevent).expect("a record");
        assert_eq!(record["md5OfBody"], "900150983cd24fb0d6963f7d28e17f72");
    }
}
