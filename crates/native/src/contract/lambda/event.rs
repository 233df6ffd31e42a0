//! An invocation as the runtime gets it, and as extensions are told of it.

use super::super::Call;
use super::state::{Handed, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http_body_util::BodyExt as _;
use ports::executor::{Fault, FaultKind, Manner};
use render::lambda::{Around, event, trace_header};
use serde_json::{Value, json};

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const CLIENT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");

/// What the runtime gets, and what extensions are told.
pub(super) async fn of(call: Call, state: &State) -> Result<(Handed, Value), Fault> {
    let Call { request, manner, id, deadline_ms } = call;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(cut)?.to_bytes();
    let body = match manner {
        Manner::Request => {
            let function = state.facts.function.as_str();
            let around = Around { id: &id, function, time: state.clock.wall() };
            event(state.facts.form, &head, &body, &around)
        }
        // As AWS has it: who sends nothing sends an empty object.
        Manner::Event if body.is_empty() => Bytes::from_static(b"{}"),
        Manner::Event => body,
    };
    let trace = trace_header(&head.headers);
    let mut told = json!({
        "eventType": "INVOKE",
        "deadlineMs": deadline_ms,
        "requestId": id,
        "invokedFunctionArn": state.facts.arn,
    });
    if let (Some(trace), Some(told)) = (&trace, told.as_object_mut()) {
        let tracing = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
        told.insert("tracing".to_owned(), tracing);
    }
    let mut event = http::Response::new(body);
    let headers = event.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(DEADLINE, HeaderValue::from(deadline_ms));
    put(headers, REQUEST_ID, &id);
    put(headers, ARN, &state.facts.arn);
    trace.iter().for_each(|trace| put(headers, TRACE, trace));
    if manner == Manner::Event {
        client_context(&head).iter().for_each(|context| put(headers, CLIENT, context));
    }
    Ok((Handed { id, event }, told))
}

/// What a client's SDK says of itself, in JSON on one line. Nothing, if it is none.
fn client_context(head: &Parts) -> Option<String> {
    let said = head.headers.get("x-amz-client-context")?;
    let context: Value = serde_json::from_slice(&STANDARD.decode(said).ok()?).ok()?;
    Some(context.to_string())
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

fn cut(error: ports::executor::BodyError) -> Fault {
    Fault { kind: FaultKind::RequestBody(error), reason: error.to_string() }
}
