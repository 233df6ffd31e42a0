//! Triggers of Azure's functions beside HTTP: a timer, a message of a queue, an event of Event Grid.
//!
//! What the platform knows of one is put together where it is known, and goes to where a process is
//! called as one document; there it becomes the invocation. Sources: `TimerInfo` and `ScheduleStatus`
//! of azure-webjobs-sdk-extensions, `GetHttpScriptInvocationContextValue` of azure-functions-host,
//! which writes texts as JSON within texts and leaves times as they are.

use super::{Said, invocation};
use crate::event::{Data, Told, at, happened, millis};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use model::{CloudEvent, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The content type of [`Trigger::to_json`].
pub const KIND: &str = "application/vnd.casemate.azure-trigger+json";

/// What a message that is never given up says of that: .NET's last second.
const NEVER: &str = "9999-12-31T23:59:59+00:00";

/// Which trigger it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// `timerTrigger`
    Timer,
    /// `queueTrigger`
    Queue,
    /// `eventGridTrigger`
    EventGrid,
}

impl Sort {
    /// As `function.json` and the programming models call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timer => "timerTrigger",
            Self::Queue => "queueTrigger",
            Self::EventGrid => "eventGridTrigger",
        }
    }

    /// The binding's name in Azure's templates.
    #[must_use]
    pub const fn binding(self) -> &'static str {
        match self {
            Self::Timer => "myTimer",
            Self::Queue => "myQueueItem",
            Self::EventGrid => "eventGridEvent",
        }
    }
}

/// What a function is called with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trigger {
    /// Which trigger it is.
    pub sort: Sort,
    value: Box<RawValue>,
    metadata: Map<String, Value>,
}

impl Trigger {
    fn new(sort: Sort, value: &impl Serialize, metadata: Map<String, Value>) -> Self {
        let value = serde_json::value::to_raw_value(value).unwrap_or_default();
        Self { sort, value, metadata }
    }

    /// One that came as a document.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?;
        if kind.as_bytes() != KIND.as_bytes() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// It as a document.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The invocation of a function.
    ///
    /// # Errors
    /// Never in practice: everything in it has a form in JSON.
    pub fn invocation(&self, said: &Said<'_>) -> serde_json::Result<Vec<u8>> {
        invocation(&self.value, self.metadata.clone(), said)
    }
}

/// A time of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// The time before, if there was one.
    pub last: Option<Timestamp>,
    /// The time that this is, or the next one, if it runs between two.
    pub next: Option<Timestamp>,
    /// Whether it runs late.
    pub late: bool,
}

/// A timer. What a host of Azure's says while a function runs: `Next` is the time that came.
#[must_use]
pub fn timer(tick: &Tick) -> Trigger {
    // .NET's first second, when there is none.
    let time = |time: Option<Timestamp>| {
        time.map_or_else(|| "0001-01-01T00:00:00+00:00".to_owned(), seconds)
    };
    let value = json!({
        "Schedule": { "AdjustForDST": true },
        "ScheduleStatus": {
            "Last": time(tick.last),
            "LastUpdated": time(tick.last),
            "Next": time(tick.next),
        },
        "IsPastDue": tick.late,
    });
    Trigger::new(Sort::Timer, &value, Map::new())
}

/// A message of a queue: what an event has as its data, and what is known of its call.
#[must_use]
pub fn queue(data: &[u8], told: &Told<'_>) -> Trigger {
    let quoted = |text: &str| Value::from(Value::from(text).to_string());
    let value = match std::str::from_utf8(data) {
        Ok(text) => quoted(text),
        Err(_) => BASE64_STANDARD.encode(data).into(),
    };
    let receipt = BASE64_STANDARD.encode(format!("{}/{}", told.id, told.attempt));
    let all = [
        ("DequeueCount", told.attempt.to_string().into()),
        ("ExpirationTime", told.expires.map_or_else(|| NEVER.to_owned(), seconds).into()),
        ("Id", quoted(told.id)),
        ("InsertionTime", seconds(told.queued).into()),
        ("NextVisibleTime", seconds(told.hidden).into()),
        ("PopReceipt", quoted(&receipt)),
    ];
    let all = all.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value));
    Trigger::new(Sort::Queue, &value, all.collect())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GridEvent<'a> {
    id: &'a str,
    topic: &'a str,
    subject: &'a str,
    event_type: &'a str,
    event_time: String,
    data: Box<RawValue>,
    data_version: &'a str,
    metadata_version: &'a str,
}

/// An event in Event Grid's own schema.
#[must_use]
pub fn eventgrid(event: &CloudEvent, told: &Told<'_>) -> Trigger {
    let value = GridEvent {
        id: event.id(),
        topic: event.source(),
        subject: event.get("subject").unwrap_or_default(),
        event_type: event.kind(),
        event_time: millis(happened(event, told)),
        data: Data::of(event).json(),
        data_version: event.get("dataschema").unwrap_or_default(),
        metadata_version: "1",
    };
    Trigger::new(Sort::EventGrid, &value, Map::new())
}

/// Whole seconds, as .NET writes a time with its offset.
fn seconds(time: Timestamp) -> String {
    at(time).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAID: Said<'_> =
        Said { function: "Note", binding: "myQueueItem", id: "i", utc_now: "2026-11-22T15:00:00Z" };

    fn told(expires: Option<Timestamp>) -> Told<'static> {
        Told {
            id: "0199aaaa-0000-7000-8000-000000000001",
            trigger: "notes",
            attempt: 2,
            queued: Timestamp(1_795_359_600_123_456),
            expires,
            hidden: Timestamp(1_795_359_670_000_000),
            now: Timestamp(1_795_359_660_000_000),
        }
    }

    /// What a process is called with, after the way there.
    fn called(trigger: &Trigger) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, KIND.parse().expect("a value"));
        let there = Trigger::read(&headers, trigger.to_json().as_bytes()).expect("a trigger");
        assert_eq!(there.sort, trigger.sort);
        serde_json::from_slice(&there.invocation(&SAID).expect("JSON")).expect("JSON")
    }

    #[test]
    fn a_message_is_what_azures_host_writes() {
        let expected = json!({
            "Data": { "myQueueItem": "\"{\\\"order\\\": 7}\"" },
            "Metadata": {
                "DequeueCount": "2",
                "ExpirationTime": "9999-12-31T23:59:59+00:00",
                "Id": "\"0199aaaa-0000-7000-8000-000000000001\"",
                "InsertionTime": "2026-11-22T15:00:00+00:00",
                "NextVisibleTime": "2026-11-22T15:01:10+00:00",
                "PopReceipt": "\"MDE5OWFhYWEtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxLzI=\"",
                "sys": { "MethodName": "Note", "UtcNow": "2026-11-22T15:00:00Z", "RandGuid": "i" },
            },
        });
        assert_eq!(called(&queue(br#"{"order": 7}"#, &told(None))), expected);
        let bytes = called(&queue(&[0xff], &told(Some(Timestamp(1_795_359_720_000_000)))));
        assert_eq!(bytes["Data"]["myQueueItem"], "/w==");
        assert_eq!(bytes["Metadata"]["ExpirationTime"], "2026-11-22T15:02:00+00:00");
    }

    #[test]
    fn a_timer_says_when_it_was_due_before_and_whether_it_is_late() {
        let tick = |last, late| {
            let tick = Tick { last, next: Some(Timestamp(1_795_359_600_000_000)), late };
            called(&timer(&tick))["Data"]["myQueueItem"].clone()
        };
        assert_eq!(
            tick(Some(Timestamp(1_795_359_300_000_000)), true),
            json!({
                "Schedule": { "AdjustForDST": true },
                "ScheduleStatus": {
                    "Last": "2026-11-22T14:55:00+00:00",
                    "LastUpdated": "2026-11-22T14:55:00+00:00",
                    "Next": "2026-11-22T15:00:00+00:00",
                },
                "IsPastDue": true,
            })
        );
        assert_eq!(tick(None, false)["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    }

    #[test]
    fn an_event_keeps_the_digits_of_its_data() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/a","type":"x.y","subject":"s","time":"2026-11-22T16:00:00.5+01:00","datacontenttype":"application/json","data":{"n":1.10}}"#;
        let event = CloudEvent::from_json(text.as_bytes()).expect("an event");
        let trigger = eventgrid(&event, &told(None));
        assert!(trigger.to_json().contains("1.10"));
        assert_eq!(
            called(&trigger)["Data"]["myQueueItem"],
            json!({
                "id": "1", "topic": "/a", "subject": "s", "eventType": "x.y",
                "eventTime": "2026-11-22T15:00:00.500Z", "data": { "n": 1.10 },
                "dataVersion": "", "metadataVersion": "1",
            })
        );
    }

    #[test]
    fn nothing_else_is_read_as_a_trigger() {
        let mut headers = HeaderMap::new();
        let whole = timer(&Tick { last: None, next: None, late: false }).to_json();
        assert!(Trigger::read(&headers, whole.as_bytes()).is_none());
        headers.insert(CONTENT_TYPE, "application/json".parse().expect("a value"));
        assert!(Trigger::read(&headers, whole.as_bytes()).is_none());
        headers.insert(CONTENT_TYPE, KIND.parse().expect("a value"));
        assert!(Trigger::read(&headers, whole.as_bytes()).is_some());
        assert!(
            Trigger::read(&headers, b"{\"sort\":\"blob\",\"value\":1,\"metadata\":{}}").is_none()
        );
    }

    proptest! {
        #[test]
        fn a_message_arrives_whatever_it_is(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let called = called(&queue(&data, &told(None)));
            let got = called["Data"]["myQueueItem"].as_str().expect("text").to_owned();
            match std::str::from_utf8(&data) {
                Ok(text) => prop_assert_eq!(serde_json::from_str::<String>(&got).expect("JSON"), text),
                Err(_) => prop_assert_eq!(BASE64_STANDARD.decode(got).expect("base64"), data),
            }
        }
    }
}
