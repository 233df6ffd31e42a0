//! A Worker's events: a time of its schedule, messages of a queue, and the question whether an
//! invocation is over.
//!
//! All go to a port of the jail's that no request of a caller's reaches, where our own module answers
//! (`workerd/entry.mjs`). Invariant: what a caller sends is a request to `fetch`, whatever it says.

use super::Inner;
use super::body::Upload;
use super::fault::{fault, whole};
use super::hand::Hand;
use super::link;
use crate::contract::{Answer, Call};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use ports::executor::{Fault, FaultKind, Manner};
use std::sync::Arc;

/// The type of an event that is a time of a schedule.
const TICK: &str = "dev.casemate.schedule.tick";
/// The content type of messages of a queue.
const QUEUE: &str = "application/vnd.casemate.queue+json";
const TYPE: HeaderName = HeaderName::from_static("ce-type");
/// What the handler is told of it.
const TOLD: [HeaderName; 2] =
    [HeaderName::from_static("ce-time"), HeaderName::from_static("ce-cron")];
/// Most bytes of what our module answers.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A handler for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler {
    Scheduled,
    Queue,
}

impl Handler {
    /// The handler that a call is for, if it is for none of requests. No caller over HTTP can say so.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let headers = call.request.headers();
        if call.manner != Manner::Event {
            return None;
        }
        if headers.get(TYPE).is_some_and(|of| of == TICK) {
            return Some(Self::Scheduled);
        }
        let kind = headers.get(CONTENT_TYPE);
        kind.is_some_and(|kind| kind == QUEUE).then_some(Self::Queue)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queue => "queue",
        }
    }
}

/// Tells the Worker's handler.
pub(super) async fn call(
    inner: &Arc<Inner>,
    call: Call,
    handler: Handler,
    hand: Hand,
) -> Result<Answer, Fault> {
    let name = handler.name();
    let mut request = inner.own_request(Method::POST, &format!("/{name}"), false)?;
    let (head, body) = call.request.into_parts();
    for field in TOLD {
        if let Some(value) = head.headers.get(&field) {
            request.headers_mut().insert(field, value.clone());
        }
    }
    if handler == Handler::Queue {
        let length = head.headers.get(CONTENT_LENGTH).cloned();
        let length = length.unwrap_or(HeaderValue::from_static("0"));
        request.headers_mut().insert(CONTENT_LENGTH, length);
        *request.body_mut() = Upload::new(body).0;
    }
    let asked = told(inner, request).await;
    drop(hand);
    let (status, said) = match asked {
        Ok(answered) => answered,
        Err(fault) => return Err(inner.explained(fault).await),
    };
    let failed = match status {
        StatusCode::NO_CONTENT | StatusCode::OK => None,
        StatusCode::NOT_IMPLEMENTED => {
            Some(fault(FaultKind::GuestError, format!("the Worker has no `{name}` handler")))
        }
        status => {
            Some(fault(FaultKind::GuestError, format!("`{name}` failed, and answered {status}")))
        }
    };
    // What the runtime says of a failure is in the log.
    let said = if failed.is_some() { Bytes::new() } else { said };
    let mut response =
        Response::new(Full::new(said).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() =
        if failed.is_some() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
    Ok(Answer { response, failed })
}

/// What our module answers, whole.
async fn told(inner: &Inner, request: Request<Upload>) -> Result<(StatusCode, Bytes), Fault> {
    let path = request.uri().path().to_owned();
    let broken = |why: String| fault(FaultKind::NoResponse, format!("{path}: {why}"));
    let link = inner.events.connect().await;
    let mut link = link.map_err(|error| inner.unreachable(&error))?;
    let response = link.send(request).await.map_err(|error| broken(whole(error.error())))?;
    let (head, body) = response.into_parts();
    let said = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let said = said.map_err(|error| broken(error.to_string()))?;
    Ok((head.status, said.to_bytes()))
}

/// Waits until all is done that the Worker handed to `waitUntil`. Whether its process ended meanwhile is
/// seen elsewhere.
pub(super) async fn settled(inner: &Arc<Inner>) {
    if let Some(fault) = asked(inner).await.err() {
        tracing::debug!(%fault, "a Worker does not say whether it is done");
    }
}

async fn asked(inner: &Arc<Inner>) -> Result<(), Fault> {
    let mut tried = 0;
    loop {
        let waiting = if tried < link::STALE_MAX { inner.events.waiting().await } else { None };
        tried += 1;
        let used = waiting.is_some();
        let mut link = match waiting {
            Some(link) => link,
            None => inner.events.connect().await.map_err(|error| inner.unreachable(&error))?,
        };
        let mut request = inner.own_request(Method::GET, "/settled", false)?;
        request.headers_mut().remove(http::header::CONNECTION);
        match link.send(request).await {
            Ok(response) => {
                let patience = link::patience(response.headers());
                let read = response.into_body().collect().await;
                if read.is_ok() {
                    inner.events.keep(link, patience);
                }
                return Ok(());
            }
            // It closed the connection while nobody asked.
            Err(_) if used => {}
            Err(error) => {
                return Err(fault(FaultKind::NoResponse, whole(error.error())));
            }
        }
    }
}
