//! Events over HTTP: `POST /.casemate/events/APPLICATION` of the public listener, in each mode of
//! CloudEvents, and the handshake of its webhooks.
//!
//! Paths below `/.casemate/` are the platform's: no function's route can be there.

use super::credential::Shown;
use super::{Outcomes, Refusal, whole};
use crate::guard::network;
use crate::publish::Publisher;
use crate::rate::RateKey;
use crate::reply::ReplyBody;
use crate::request::{check_length, request_host};
use crate::slots::CallerKey;
use crate::stage::{Received, Throttled};
use crate::webhook;
use crate::wiring::Engine;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use model::event;
use model::manifest::{Auth, By, Way};
use model::wire::v1::Caller;
use model::{ApplicationName, Claims, CloudEvent, Code, Problem};
use std::sync::Arc;
use std::time::Duration;

/// What the path of an application's events begins with.
const PATH: &str = "/.casemate/events/";
/// How long the body may take.
const PATIENCE: Duration = Duration::from_secs(30);
const ORIGIN: &str = "webhook-request-origin";

/// Whether a request may carry an event in its header fields: the only ones whose fields `ce-…` the
/// outside may set.
#[must_use]
pub fn takes_events(method: &Method, path: &str) -> bool {
    *method == Method::POST && path.starts_with(PATH)
}

impl Engine {
    /// Answers a request to a path of the platform's own.
    pub(super) async fn own(self: &Arc<Self>, received: Received) -> Outcomes<Response<ReplyBody>> {
        let mut throttled = self.throttle(received)?;
        if throttled.received.request.uri().path().starts_with(webhook::PATH) {
            return self.webhook(throttled).await;
        }
        let application = throttled.received.request.uri().path().strip_prefix(PATH);
        let application = application.and_then(|name| ApplicationName::parse(name).ok());
        if application.is_some() && throttled.received.request.method() == Method::OPTIONS {
            return self.handshake(&throttled.received);
        }
        self.look_for_key(&throttled).await;
        let found = {
            let catalog = self.catalog.load();
            let host = request_host(&throttled.received.request);
            let found = catalog.serving_scope(host.as_deref(), &self.config.scope);
            found.map(|(scope, view)| (scope.clone(), Arc::clone(view)))
        };
        let Some((scope, view)) = found else {
            return Err(self.nothing_for(&throttled.received, &Caller::Anonymous));
        };
        let ways = self.config.issuers.names().map(|issuer| Way::Jwt(issuer.clone()));
        let ways = ways.chain([Way::Token, Way::Mtls]).collect();
        let shown = self.who_asks(&mut throttled.received, &view.verifier, &Auth::Ways(ways))?;
        let Some(application) = application.filter(|_| shown.caller != Caller::Anonymous) else {
            return Err(self.nothing_for(&throttled.received, &shown.caller));
        };
        if throttled.received.request.method() != Method::POST {
            let allow = vec![Method::POST, Method::OPTIONS];
            return Err(Refusal { allow, ..Code::MethodNotAllowed.into() });
        }
        self.paced(&throttled.received, &application, &shown.caller)?;
        let Throttled { received, seat } = throttled;
        let events = self.events_of(received.request).await?;
        let Shown { caller, vouched } = shown;
        let claims = vouched.as_ref().map_or(Claims::NONE, |vouched| &vouched.claims);
        let (source, from) = (received.peer, None);
        let publisher = Publisher { caller: &caller, source, claims, from, depth: 0 };
        let place = (&scope, &application);
        let permits = self.may_publish(place, &view, &publisher, &events).map_err(|denial| {
            let problem = Problem::new(denial.code).internal(&denial);
            Problem { hint: denial.hint.as_deref().map(str::to_owned), ..problem }
        })?;
        let planned = self.planned(place, &view, &publisher, &events, &permits)?;
        let accepted = self.post(planned).await?;
        // It counts on the node until it is on disk.
        drop(seat);
        let mut response = Response::new(ReplyBody::whole(Bytes::from(accepted.to_json())));
        *response.status_mut() = StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// The events of a request.
    async fn events_of(
        &self,
        request: http::Request<super::RequestBody>,
    ) -> Outcomes<Vec<CloudEvent>> {
        let most = self.config.queue.body_bytes_max;
        let too_large = |problem: Problem| match problem.code {
            Code::BodyTooLarge | Code::QueuedTooLarge => too_large(most),
            _ => problem,
        };
        check_length(&request, most).map_err(too_large)?;
        let (head, body) = request.into_parts();
        let body = tokio::time::timeout(PATIENCE, whole(body, most)).await;
        let body = body.unwrap_or_else(|_| Err(Code::ClientSlow.into())).map_err(too_large)?;
        CloudEvent::read(&head.headers, &body).map_err(|error| unread(&error).into())
    }

    /// Counts a publication for the limit that routes have which name none.
    fn paced(
        &self,
        received: &Received,
        application: &ApplicationName,
        caller: &Caller,
    ) -> Outcomes<()> {
        let Some(limit) = self.config.limit else { return Ok(()) };
        let whose = match limit.by {
            By::Caller => CallerKey::of(caller),
            By::Address => CallerKey::of(&received.peer.map(network)),
        };
        let key = RateKey::of(&(PATH, application, whose));
        let taken = self.rates.take(key, limit.into(), received.began);
        taken.map_err(|wait| Refusal::later(Code::RateLimited, wait))
    }

    /// Whether the events of an origin are welcome (HTTP 1.1 Web Hooks for Event Delivery, section
    /// 4). Nobody is called back.
    fn handshake(&self, received: &Received) -> Outcomes<Response<ReplyBody>> {
        let mut said = received.request.headers().get_all(ORIGIN).iter();
        let (Some(origin), None) = (said.next(), said.next()) else {
            let allow = vec![Method::POST, Method::OPTIONS];
            return Err(Refusal { allow, ..Code::MethodNotAllowed.into() });
        };
        let known = |own: &&String| own.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        if self.config.events.origins.iter().find(known).is_none() {
            return Err(Code::EventOrigin.into());
        }
        let mut response = Response::new(ReplyBody::whole(Bytes::new()));
        let headers = response.headers_mut();
        headers.insert("webhook-allowed-origin", origin.clone());
        headers.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
        headers.insert("allow", HeaderValue::from_static("POST, OPTIONS"));
        Ok(response)
    }
}

/// Why a message holds no events.
pub(crate) fn unread(error: &event::Error) -> Problem {
    let code = match error {
        event::Error::Format(_) => Code::EventFormat,
        _ => Code::BadEvent,
    };
    Problem::new(code).detail(error)
}

/// A message of events is larger than may wait in the queue.
pub(crate) fn too_large(most: u64) -> Problem {
    Problem::new(Code::EventTooLarge).detail(format!("at most {most} bytes are taken"))
}
