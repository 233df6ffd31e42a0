//! What the fuzzer and the tests call: see `docs/FUZZING.md`.

use super::{ATTRIBUTES_BYTES_MAX, BATCH_MAX, CloudEvent};
use crate::fuzz::Outcome;
use http::{HeaderMap, HeaderName, HeaderValue};

fn hold(kept: bool, promise: &str) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_owned()) }
}

/// A message: lines of header fields, an empty line, and a body.
///
/// # Errors
/// The promise that was broken.
pub fn cloudevent(bytes: &[u8]) -> Outcome {
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(0);
    let (head, body) = bytes.split_at(end);
    let body = body.strip_prefix(b"\n\n").unwrap_or(body);
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = parts.next().and_then(|value| HeaderValue::from_bytes(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let Ok(events) = CloudEvent::read(&headers, body) else { return Ok(()) };
    hold((1..=BATCH_MAX).contains(&events.len()), "a message of no events, or of too many")?;
    for event in &events {
        let size: usize = event.attributes().map(|(name, value)| name.len() + value.len()).sum();
        hold(size <= ATTRIBUTES_BYTES_MAX, "attributes above the limit")?;
        let full = [event.id(), event.source(), event.kind()].iter().all(|text| !text.is_empty());
        hold(full, "an event without what is required")?;
        comes_back(event)?;
    }
    let batch = CloudEvent::to_batch(&events);
    let again = CloudEvent::from_batch(batch.as_bytes()).map_err(|error| error.to_string())?;
    let ids = |all: &[CloudEvent]| all.iter().map(|it| it.id().to_owned()).collect::<Vec<_>>();
    hold(ids(&again) == ids(&events), "a batch comes back as another")
}

/// Whatever is read is read again from both modes, and is the same.
fn comes_back(event: &CloudEvent) -> Outcome {
    let mut headers = HeaderMap::new();
    for (name, value) in event.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_bytes(&value).map_err(|error| error.to_string())?;
        headers.append(name, value);
    }
    let again = CloudEvent::binary(&headers, event.data()).map_err(|error| error.to_string())?;
    hold(again == *event, "the binary mode says something else")?;
    let json = event.to_json();
    let again = CloudEvent::from_json(json.as_bytes()).map_err(|error| error.to_string())?;
    let same = |name: &&str| again.get(name) == event.get(name);
    let names: Vec<&str> = event.attributes().map(|(name, _)| name).collect();
    hold(names.iter().all(same), "JSON says something else of it")?;
    // White space around a value is no part of it in JSON.
    let text = |event: &CloudEvent| event.data().trim_ascii().to_vec();
    hold(text(&again) == text(event), "JSON has other data")
}
