//! An event in the shape that its function expects: a request in HTTP's binary mode, or a document.

use crate::batch::Said;
use crate::function::Function;
use crate::invoke::{Outcomes, whole};
use crate::stage::Permitted;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use model::event::STRUCTURED;
use model::manifest::{Contract, EventShape, FunctionSpec};
use model::wire::v1::{Caller, Trigger};
use model::{CloudEvent, Code, Problem, Timestamp, TriggerName};
use serde_json::{Value, json};

/// The account and the region that Lambda's functions are told.
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";

/// How a function gets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a request, with the attributes in header fields.
    Request,
    /// As a document.
    Document(EventShape),
}

/// How a function gets the events of a trigger.
pub(crate) fn form(function: &Function, name: &TriggerName) -> Form {
    let spec = &function.row.spec;
    if !takes_documents(spec) {
        return Form::Request;
    }
    let trigger = spec.on.iter().find(|trigger| trigger.name == *name);
    Form::Document(trigger.map_or(EventShape::Cloudevent, |trigger| trigger.shape))
}

/// Whether a function is called with documents.
pub(crate) fn takes_documents(spec: &FunctionSpec) -> bool {
    spec.native.as_ref().is_some_and(|native| {
        matches!(
            native.contract,
            Contract::Lambda
                | Contract::LambdaWeb
                | Contract::Openwhisk
                | Contract::Actionloop
                | Contract::Azure
                | Contract::Alibaba
        )
    })
}

/// The call of an event, after its payload went through the function's contract.
pub(crate) async fn shaped(mut permitted: Permitted) -> Outcomes<Permitted> {
    let identified = &permitted.identified;
    let Trigger::Event { name, .. } = &identified.trigger else { return Ok(permitted) };
    let Form::Document(shape) = form(&identified.function, name) else { return Ok(permitted) };
    let tells_of_an_end = matches!(identified.caller, Caller::Function(_));
    let received = &mut permitted.identified.throttled.received;
    let at = received.at;
    let (mut head, body) = std::mem::take(&mut received.request).into_parts();
    let body = whole(body, u64::MAX).await?;
    let broken = |error| Problem::new(Code::QueueDamaged).internal(error);
    // What tells of the end of a call is whole in the body. What was published never is, whatever
    // its data says of itself.
    let event = match tells_of_an_end {
        true => CloudEvent::from_json(&body).map_err(broken)?,
        false => CloudEvent::binary(&head.headers, &body).map_err(broken)?,
    };
    let (kind, text) = match shape {
        EventShape::Cloudevent => (STRUCTURED, event.to_json()),
        EventShape::Eventbridge => ("application/json", eventbridge(&event, at).to_string()),
    };
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    received.request = http::Request::from_parts(head, body);
    Ok(permitted)
}

/// What a message says that is done with others, after its payload went through the function's
/// contract. Of its request, only where it goes to is left.
pub(crate) async fn said_in(permitted: &mut Permitted) -> Outcomes<Said> {
    let identified = &mut permitted.identified;
    let received = &mut identified.throttled.received;
    let (head, body) = std::mem::take(&mut received.request).into_parts();
    received.request.uri_mut().clone_from(&head.uri);
    let body = whole(body, u64::MAX).await?;
    if !matches!(identified.trigger, Trigger::Event { .. }) {
        return Ok(Said::Call(head.headers, body));
    }
    let event = CloudEvent::binary(&head.headers, &body);
    let event = event.map_err(|error| Problem::new(Code::QueueDamaged).internal(error))?;
    Ok(Said::Event(event))
}

/// What EventBridge makes of it. A payload that is no JSON object stands in one.
pub(crate) fn eventbridge(event: &CloudEvent, at: Timestamp) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eventbridge_has_its_own_words_for_the_same() {
        let shape = |more: &str| {
            let text = format!(
                r#"{{"specversion":"1.0","id":"1","source":"/a","type":"x.y","time":"2026-01-02T03:04:05.678+01:00"{more}}}"#
            );
            let event = CloudEvent::from_json(text.as_bytes()).expect("an event");
            eventbridge(&event, Timestamp(0))
        };
        let whole = shape(r#","subject":"s","data":{"n":1}"#);
        assert_eq!(
            whole,
            json!({
                "version": "0", "id": "1", "detail-type": "x.y", "source": "/a",
                "account": "000000000000", "time": "2026-01-02T02:04:05Z", "region": "us-east-1",
                "resources": ["s"], "detail": { "n": 1 },
            })
        );
        assert_eq!(shape(r#","data":[1]"#)["detail"], json!({ "data": [1] }));
        assert_eq!(shape(r#","data_base64":"AP8=""#)["detail"], json!({ "data_base64": "AP8=" }));
        assert_eq!(shape("")["detail"], json!({}));
    }
}
