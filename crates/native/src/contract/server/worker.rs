//! A Worker's events: a time of its schedule, and the question whether an invocation is over.
//!
//! Both go to a port of the jail's that no request of a caller's reaches, where our own module answers
//! (`workerd/entry.mjs`). Invariant: what a caller sends is a request to `fetch`, whatever it says.

use super::Inner;
use super::fault::{fault, whole};
use super::hand::Hand;
use super::link;
use crate::contract::{Answer, Call};
use http::{HeaderName, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use ports::executor::{Fault, FaultKind, Manner};
use std::sync::Arc;

/// The type of an event that is a time of a schedule.
const TICK: &str = "dev.casemate.schedule.tick";
const TYPE: HeaderName = HeaderName::from_static("ce-type");
/// What the handler is told of it.
const TOLD: [HeaderName; 2] =
    [HeaderName::from_static("ce-time"), HeaderName::from_static("ce-cron")];

/// Whether a call is a time of a schedule. No caller over HTTP can say so.
pub(super) fn is_scheduled(call: &Call) -> bool {
    let of = call.request.headers().get(TYPE);
    call.manner == Manner::Event && of.is_some_and(|of| of == TICK)
}

/// Tells the Worker's `scheduled`.
pub(super) async fn call(inner: &Arc<Inner>, call: Call, hand: Hand) -> Result<Answer, Fault> {
    let mut request = inner.own_request(Method::POST, "/scheduled", false)?;
    for name in TOLD {
        if let Some(value) = call.request.headers().get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let asked = inner.ask_on(&inner.events, request).await;
    drop(hand);
    let (status, _) = match asked {
        Ok(answered) => answered,
        Err(fault) => return Err(inner.explained(fault).await),
    };
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    let failed = match status {
        StatusCode::NO_CONTENT => None,
        StatusCode::NOT_IMPLEMENTED => {
            Some(fault(FaultKind::GuestError, "the Worker has no `scheduled` handler"))
        }
        status => {
            Some(fault(FaultKind::GuestError, format!("`scheduled` failed, and answered {status}")))
        }
    };
    *response.status_mut() =
        if failed.is_some() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT };
    Ok(Answer { response, failed })
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
