//! Events that a function publishes: `POST http://events.casemate.internal/APPLICATION`, in each
//! mode of CloudEvents.
//!
//! What the invocation is known to have seen goes with each event. The calls that come of it hang
//! below it in the tree, and are as deep as a call of another function would be; they have a purse of
//! their own, since it may be over when they run.

use super::Broker;
use super::record::Step;
use crate::invoke::{too_large, unread};
use crate::publish::{Accepted, Publisher, labelled};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use model::wire::v1::Caller;
use model::{ApplicationName, Claims, CloudEvent, Code, Labelled, Labels, Problem, problem};
use policy::Denial;
use ports::host::{Answer, Body, HostError, HostReply, HttpCall};
use std::sync::Arc;

impl Broker {
    pub(super) async fn publish(
        self: Arc<Self>,
        call: HttpCall,
        labels: Labels,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let path = call.uri.path().trim_matches('/');
        let resource = path.chars().take(80).collect();
        let step = self.begin("publish", resource, path.as_bytes(), labels);
        let Ok(application) = ApplicationName::parse(path) else {
            let mut denial = Denial::of(Code::PublishDenied);
            denial.detail = Some("the path names no application".into());
            return Err(self.denied(&step, &denial));
        };
        let policies = &self.function.policies;
        policies.asks_to_publish(&application).map_err(|denial| self.denied(&step, &denial))?;
        self.is_open(&step)?;
        self.charge(&step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        self.without_secrets(&step, &call)?;
        let read = match body {
            Some(body) => self.read_events(&call, body).await?,
            None => self.read_events(&call, super::body::nothing()).await?,
        };
        let (events, bytes) = match read {
            Ok(read) => read,
            Err(problem) => return Ok(self.told(&step, &problem)),
        };
        match self.post_events(&step, &application, &events).await? {
            Ok(accepted) => {
                self.done(&step, bytes);
                let text = accepted.to_json().into_bytes();
                Ok(answer(StatusCode::ACCEPTED, "application/json", text))
            }
            Err(problem) => Ok(self.told(&step, &problem)),
        }
    }

    /// Decides, and puts the events with their calls.
    async fn post_events(
        &self,
        step: &Step,
        application: &ApplicationName,
        events: &[CloudEvent],
    ) -> Result<Result<Accepted, Problem>, HostError> {
        let (scope, name) = (&self.function.reference().scope, &self.function.reference().name);
        let depth = self.depth.saturating_add(1);
        let planned = {
            let caller = Caller::Function(name.clone());
            let from = Some((self.invocation, self.root));
            let publisher =
                Publisher { caller: &caller, source: None, claims: Claims::NONE, from, depth };
            let catalog = self.engine.catalog.load();
            let Some(view) = catalog.view(scope) else {
                return Err(self.denied(step, &Denial::of(Code::PublishDenied)));
            };
            let place = (scope, application);
            let permits = self.engine.may_publish(place, view, &publisher, events);
            let permits = permits.map_err(|denial| self.denied(step, &denial))?;
            self.engine.planned(place, view, &publisher, events, &permits)
        };
        let planned = match planned {
            Ok(planned) => planned,
            Err(problem) => return Ok(Err(problem)),
        };
        // An event that publishes the next one comes to an end as calls within calls do.
        self.grows(step, planned.calls())?;
        Ok(self.engine.post(planned).await)
    }

    /// The events of a request with the labels of this invocation, and the body's length.
    async fn read_events(
        &self,
        call: &HttpCall,
        mut body: Body,
    ) -> Result<Result<(Vec<CloudEvent>, u64), Problem>, HostError> {
        if call.method != Method::POST {
            return Ok(Err(Problem::new(Code::MethodNotAllowed)));
        }
        let most = self.engine.config.queue.body_bytes_max;
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if (bytes.len() + data.len()) as u64 > most {
                return Ok(Err(too_large(most)));
            }
            bytes.extend_from_slice(&data);
        }
        let events = match CloudEvent::read(&call.headers, &bytes) {
            Ok(events) => events,
            Err(error) => return Ok(Err(unread(&error))),
        };
        let labels = self.labels();
        let events: Result<Vec<_>, _> =
            events.into_iter().map(|event| labelled(event, &labels)).collect();
        Ok(events.map(|events| (events, bytes.len() as u64)))
    }

    /// The function asked for something that is none, or there is no room: it is told so.
    fn told(&self, step: &Step, problem: &Problem) -> Answer {
        self.failed(step, HostError::Failed, &problem.to_string());
        let status = StatusCode::from_u16(problem.code.status());
        let text = serde_json::to_vec(&problem.public_body(None)).unwrap_or_default();
        answer(status.unwrap_or(StatusCode::BAD_GATEWAY), problem::Body::MEDIA_TYPE, text)
    }
}

fn answer(status: StatusCode, kind: &'static str, text: Vec<u8>) -> Answer {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    Answer { reply: Labelled::plain(HostReply::Http(Box::new(head))), body: Some(body) }
}
