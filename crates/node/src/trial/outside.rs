//! The world outside of a trial: it gives the answers that an example declares, and no others.
//!
//! Invariant: nothing is dialled and no name is looked up.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use model::manifest::Outside;
use parking_lot::Mutex;
use ports::Future;
use ports::host::Body;
use ports::outbound::{Connecting, Connection, Error, Failure, Outbound, Outgoing};
use std::sync::Arc;

/// Answers as declared.
#[derive(Debug, Clone, Default)]
pub(super) struct Declared(Arc<Mutex<Vec<Outside>>>);

impl Declared {
    /// These are the answers from now on.
    pub(super) fn declare(&self, answers: Vec<Outside>) {
        *self.0.lock() = answers;
    }

    fn find(&self, head: &http::request::Parts) -> Result<http::Response<Body>, Error> {
        let answers = self.0.lock();
        let method = head.method.as_str();
        let found = answers.iter().find(|answer| answer.answers(method, &head.uri));
        let found = found.ok_or_else(|| {
            let detail = format!(
                "the example declares no answer: add `{{ request = \"{method} {}\", status = 200 }}` \
                 to its `outbound`",
                head.uri
            );
            Error { failure: Failure::Refused, detail }
        })?;
        response(found).ok_or_else(|| Error {
            failure: Failure::Protocol,
            detail: format!("the declared answer to `{}` has a header that is none", found.request),
        })
    }
}

fn response(declared: &Outside) -> Option<http::Response<Body>> {
    let text = match (&declared.body, &declared.json) {
        (Some(text), _) => text.clone(),
        (None, Some(json)) => json.to_string(),
        (None, None) => String::new(),
    };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = http::Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(declared.status).ok()?;
    let headers = response.headers_mut();
    if declared.json.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &declared.headers {
        headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(response)
}

impl Outbound for Declared {
    fn send(&self, outgoing: Outgoing) -> Future<'static, Result<http::Response<Body>, Error>> {
        let declared = self.clone();
        Box::pin(async move {
            let (head, body) = outgoing.request.into_parts();
            let broke = |error: ports::host::HostError| Error {
                failure: Failure::RequestBody,
                detail: error.to_string(),
            };
            body.collect().await.map_err(broke)?;
            declared.find(&head)
        })
    }

    fn connect(&self, connecting: Connecting) -> Future<'static, Result<Connection, Error>> {
        let detail = format!(
            "{}: an example connects to nothing; its `outbound` declares answers to requests only",
            connecting.destination
        );
        Box::pin(std::future::ready(Err(Error { failure: Failure::Refused, detail })))
    }
}
