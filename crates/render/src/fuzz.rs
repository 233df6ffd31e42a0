//! What the fuzzer and the tests call: what foreign programs answer.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::azure::{Answer, Rendered};
use crate::event::{Shaped, Told, shaped};
use model::manifest::EventShape;
use model::{CloudEvent, Timestamp};
use serde_json::Value;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// An answer of an Azure custom handler. What is rendered is a final answer whose fields frame
/// nothing, and rendering does not depend on how the JSON is laid out.
///
/// # Errors
/// The promise that was broken.
pub fn azure_answer(bytes: &[u8]) -> Outcome {
    let Ok(answer) = Answer::read(bytes) else { return Ok(()) };
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let again = serde_json::to_vec_pretty(&value).map_err(|error| error.to_string())?;
        if Answer::read(&again).as_ref() != Ok(&answer) {
            return Err("laid out differently, it is another answer".to_owned());
        }
    }
    check(&answer.clone().render_event())?;
    answer.render().map_or(Ok(()), |rendered| check(&rendered))
}

/// An event in JSON, in every shape. A shape is JSON or an event of CloudEvents, and what it says of the
/// call is the platform's.
///
/// # Errors
/// The promise that was broken.
pub fn event_shape(bytes: &[u8]) -> Outcome {
    let Ok(event) = CloudEvent::from_json(bytes) else { return Ok(()) };
    let told = Told {
        id: "0199aaaa-0000-7000-8000-000000000001",
        trigger: "shop",
        attempt: 3,
        queued: Timestamp(1_795_359_600_000_000),
        expires: None,
        hidden: Timestamp(1_795_359_610_000_000),
        now: Timestamp(1_795_359_600_000_000),
    };
    for shape in EventShape::ALL {
        let text = match shaped(shape, &event, &told) {
            Ok(Shaped::Document(_, text)) => text,
            Ok(Shaped::Event(event)) => event.to_json(),
            Err(_) => continue,
        };
        let read: Value = serde_json::from_str(&text)
            .map_err(|error| format!("as `{}`, it is no JSON: {error}", shape.word()))?;
        let (own, expected) = match shape {
            EventShape::Queue => (&read["metadata"]["DequeueCount"], "3"),
            EventShape::Sns => (&read["Records"][0]["Sns"]["MessageId"], told.id),
            EventShape::S3 => (&read["Records"][0]["s3"]["configurationId"], "shop"),
            EventShape::Dynamodb => (&read["Records"][0]["eventSource"], "aws:dynamodb"),
            EventShape::Pubsub => (&read["data"]["message"]["messageId"], told.id),
            _ => continue,
        };
        if own != expected {
            return Err(format!("as `{}`, the event says what is the platform's", shape.word()));
        }
    }
    Ok(())
}

fn check(rendered: &Rendered) -> Outcome {
    let (status, headers) = (rendered.response.status(), rendered.response.headers());
    if !(200..600).contains(&status.as_u16()) {
        return Err(format!("the status {status}"));
    }
    if headers.contains_key("content-length") || headers.contains_key("transfer-encoding") {
        return Err("a field that frames the message".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn azure_answers() {
        fuzzing::run("azure_answer", 3000, super::azure_answer);
    }

    #[test]
    fn event_shapes() {
        fuzzing::run("event_shape", 3000, super::event_shape);
    }
}
