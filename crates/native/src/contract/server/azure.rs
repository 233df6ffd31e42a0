//! Azure's way: a call and its answer are JSON.

use super::Inner;
use super::answer::{self, too_large};
use super::call::Got;
use super::fault::{bad, fault, request_body};
use super::hand::Hand;
use super::request::strip;
use super::said::Occasion;
use crate::contract::{Answer, Call};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full, LengthLimitError, Limited};
use model::Labelled;
use model::wire::v1::Level;
use ports::executor::{Fault, FaultKind, Manner, RequestBody};
use ports::host::Line;
use render::azure::trigger::Trigger;
use render::azure::{self, Rendered, Said};
use std::sync::Arc;

/// The binding of a trigger for HTTP, where the manifest names none: that of all templates.
const BINDING: &str = "req";
/// What JSON may add to a body: `\u0000` for a byte.
const JSON_TIMES: u64 = 6;
/// Room for fields and logs beside the body.
const JSON_BESIDE: u64 = 1 << 20;
/// Longest line of a log, in bytes.
const LINE_BYTES_MAX: usize = 16 << 10;

pub(super) async fn call(inner: &Arc<Inner>, call: Call, hand: Hand) -> Result<Answer, Fault> {
    let manner = call.manner;
    let request = invocation(inner, call).await?;
    let got = inner.send(request, hand).await?;
    let (status, bytes) = whole(inner, got).await?;
    if !status.is_success() {
        return Ok(failed(status));
    }
    let read = azure::Answer::read(&bytes);
    let rendered = read.and_then(|answer| match manner {
        Manner::Request => answer.render(),
        Manner::Event => Ok(answer.render_event()),
    });
    let Rendered { response, logs, undelivered } = rendered.map_err(|why| bad(why.to_string()))?;
    inner.log(Level::Info, logs);
    inner.log(
        Level::Platform,
        undelivered.into_iter().map(|name| format!("the output `{name}` leads nowhere here")),
    );
    let (mut parts, body) = response.into_parts();
    answer::check(&mut parts, &inner.limits)?;
    if body.len() as u64 > inner.limits.response_body_bytes {
        return Err(too_large(inner.limits.response_body_bytes));
    }
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Ok(Answer { response: Response::from_parts(parts, body), failed: None })
}

/// A call as the host of Azure's functions makes it.
async fn invocation(inner: &Inner, call: Call) -> Result<Request<RequestBody>, Fault> {
    let Call { request, manner, id, .. } = call;
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(request_body)?.to_bytes();
    let now = inner.with.clock.wall();
    let utc_now = now.to_string();
    let Inner { facts, row, server, .. } = inner;
    // A request says nothing of a trigger, whatever its fields say.
    let trigger = match manner {
        Manner::Request => None,
        Manner::Event => Trigger::read(&parts.headers, &body),
    };
    let sort = trigger.as_ref().map(|trigger| trigger.sort);
    let binding = server.binding.as_deref().or_else(|| Some(sort?.binding()));
    let binding = binding.unwrap_or(BINDING);
    let said = Said { function: &facts.called, binding, id: &id, utc_now: &utc_now };
    strip(&mut parts.headers, row, manner);
    let json = match (manner, &trigger) {
        (Manner::Request, _) => azure::request(&parts, &body, &said),
        (Manner::Event, Some(trigger)) => trigger.invocation(&said),
        (Manner::Event, None) => azure::event(&body, &said),
    };
    let json = json.map_err(|error| fault(FaultKind::Platform, error.to_string()))?;

    let mut headers = HeaderMap::new();
    for name in ["traceparent", "tracestate"] {
        if let Some(value) = parts.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    Occasion { facts, id: &id, manner, now, uri: &parts.uri }.say(row.said, &mut headers);
    if inner.hosted {
        // So that no request looks like an event. The name is the platform's, and no caller's.
        let sort = sort.map_or("1", azure::trigger::Sort::word);
        headers.insert("x-azure-functions-event", HeaderValue::from_static(sort));
    }
    // Servers refuse what names none, and events do not.
    let host = parts.uri.authority().and_then(|host| host.as_str().parse().ok());
    headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("localhost")));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    let body = Full::new(Bytes::from(json)).map_err(|never| match never {}).boxed_unsync();
    let mut request = Request::new(body);
    let path = format!("/{}", facts.called);
    *request.uri_mut() =
        path.parse().map_err(|_| fault(FaultKind::GuestError, format!("`{path}` is no path")))?;
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    Ok(request)
}

/// An answer, as long as its JSON may be for a body within the limits.
pub(super) async fn whole(inner: &Arc<Inner>, got: Got) -> Result<(StatusCode, Bytes), Fault> {
    let (parts, body) = got.response.into_parts();
    let limit = inner.limits.response_body_bytes;
    let most = limit.saturating_mul(JSON_TIMES).saturating_add(JSON_BESIDE);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    match Limited::new(body, most).collect().await {
        Ok(body) => {
            got.hold.finish(inner);
            Ok((parts.status, body.to_bytes()))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(error) => {
            let what = "the answer's body broke off";
            let fault = match error.downcast::<hyper::Error>() {
                Ok(error) => {
                    answer::broke(&error, Some(&got.hold.progress), FaultKind::BadResponse, what)
                }
                Err(error) => bad(format!("{what}: {error}")),
            };
            Err(inner.explained(fault).await)
        }
    }
}

/// What the caller of a function gets that failed: what Azure's host says too, which is nothing.
fn failed(status: StatusCode) -> Answer {
    let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(empty);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let what = format!("the custom handler answered {status}");
    Answer { response, failed: Some(fault(FaultKind::GuestError, what)) }
}

impl Inner {
    /// Puts lines into the log of the invocation in hand.
    fn log(&self, level: Level, lines: impl IntoIterator<Item = String>) {
        let Some(host) = self.with.seat.host() else { return };
        for line in lines {
            for line in line.lines() {
                let end = line.floor_char_boundary(LINE_BYTES_MAX);
                let (bytes, cut) = (line.as_bytes()[..end].to_vec(), end < line.len());
                host.log(Labelled::plain(Line { level, bytes, cut }));
            }
        }
    }
}
