//! The way of one call.

use super::answer::{self, Download, Hold};
use super::body::Upload;
use super::fault::{fault, whole};
use super::hand::Hand;
use super::link::{self, Link, STALE_MAX};
use super::request::{remove, shape};
use super::row::{Form, Signal, lists};
use super::said::Occasion;
use super::{Inner, azure, fnproject, whisk, worker};
use crate::contract::{Answer, AnswerBody, Call};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, request};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use ports::executor::{Fault, FaultKind, Manner};
use std::io;
use std::sync::Arc;

/// An answer's head, and all that its body needs.
pub(super) struct Got {
    pub(super) response: Response<Incoming>,
    pub(super) hold: Hold,
}

impl Inner {
    pub(super) async fn call(self: &Arc<Self>, call: Call) -> Result<Answer, Fault> {
        // Its answer would be a tunnel.
        if call.request.method() == Method::CONNECT {
            return Err(fault(FaultKind::GuestError, "CONNECT is no request to a function"));
        }
        let hand = self.hands.take();
        match self.row.form {
            Form::Azure if call.manner == Manner::Event || !self.forwards() => {
                return azure::call(self, call, hand).await;
            }
            Form::Whisk => return whisk::call(self, call, hand).await,
            Form::Worker => {
                if let Some(handler) = worker::Handler::of(&call) {
                    return worker::call(self, call, handler, hand).await;
                }
            }
            _ => {}
        }
        let Call { request, manner, id, deadline_ms } = call;
        let (mut parts, body) = request.into_parts();
        if self.row.form == Form::Fn {
            fnproject::shape(&mut parts, self.row, manner, &id, deadline_ms)?;
        } else {
            self.shape(&mut parts, manner, &id, body.is_end_stream());
        }
        let got = self.send(Request::from_parts(parts, body), hand).await?;
        let (response, failed) = self.answer(got, manner)?;
        Ok(Answer { response, failed })
    }

    /// Whether Azure's requests are passed on as they are: programs of its models are told of routes.
    fn forwards(&self) -> bool {
        self.server.forward || self.hosted
    }

    /// Makes a call's head what the contract says.
    pub(super) fn shape(&self, parts: &mut request::Parts, manner: Manner, id: &str, empty: bool) {
        let (facts, now, uri) = (&self.facts, self.with.clock.wall(), &parts.uri.clone());
        shape(parts, self.row, &Occasion { facts, id, manner, now, uri }, empty);
    }

    /// Sends a request, and waits for the answer's head.
    pub(super) async fn send(
        self: &Arc<Self>,
        request: Request<ports::executor::RequestBody>,
        hand: Hand,
    ) -> Result<Got, Fault> {
        let (parts, body) = request.into_parts();
        let (upload, progress) = Upload::new(body);
        let mut request = Request::from_parts(parts, upload);
        let mut tried = 0;
        loop {
            let (mut link, used) = self.link(tried).await?;
            tried += 1;
            match link.send(request).await {
                Ok(response) => {
                    let patience = link::patience(response.headers());
                    return Ok(Got { response, hold: Hold { link, progress, patience, hand } });
                }
                // Of a request that comes back nothing was sent: the server had closed.
                Err(mut error) => match error.take_message().filter(|_| used) {
                    Some(unsent) => request = unsent,
                    None => {
                        let what = "the server gave no whole answer";
                        let kind = FaultKind::NoResponse;
                        let fault = answer::broke(error.error(), Some(&progress), kind, what);
                        return Err(self.explained(fault).await);
                    }
                },
            }
        }
    }

    /// A connection, and whether it was used before.
    async fn link(self: &Arc<Self>, tried: usize) -> Result<(Link, bool), Fault> {
        if tried < STALE_MAX
            && let Some(link) = self.links.waiting().await
        {
            return Ok((link, true));
        }
        match self.links.connect().await {
            Ok(link) => Ok((link, false)),
            Err(error) => Err(self.explained(self.unreachable(&error)).await),
        }
    }

    pub(super) fn unreachable(&self, error: &io::Error) -> Fault {
        let what = format!("no connection to the server on port {}", self.facts.port);
        fault(FaultKind::NoResponse, format!("{what}: {}", whole(error)))
    }

    /// [`Inner::explain`], whatever runtime this is polled on.
    pub(super) async fn explained(self: &Arc<Self>, fault: Fault) -> Fault {
        let said = fault.clone();
        let found = self.task(|inner| Box::pin(async move { inner.explain(fault).await }));
        found.await.unwrap_or(said)
    }

    /// What the caller gets of an answer, and whether it says that the function failed.
    pub(super) fn answer(
        self: &Arc<Self>,
        got: Got,
        manner: Manner,
    ) -> Result<(Response<AnswerBody>, Option<Fault>), Fault> {
        let (mut parts, body) = got.response.into_parts();
        let said = match self.row.form {
            Form::Fn => Some(fnproject::unwrap(&mut parts, manner)?),
            _ => None,
        };
        answer::check(&mut parts, &self.limits)?;
        let failed = said.unwrap_or_else(|| self.failed(parts.status, &parts.headers, manner));
        let kept_back = self.row.kept_back;
        remove(&mut parts.headers, |name| lists(kept_back, name));
        if let (Some((name, value)), Some(_), Manner::Event) = (self.row.tells, &failed, manner) {
            parts.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let body = if body.is_end_stream() {
            got.hold.finish(self);
            Empty::new().map_err(|never| match never {}).boxed_unsync()
        } else {
            Download::new(body, got.hold, self)?.boxed_unsync()
        };
        Ok((Response::from_parts(parts, body), failed))
    }

    /// Whether an answer says that the function failed. Of an event every answer but 2xx does; a
    /// caller over HTTP was told something by most of them.
    fn failed(&self, status: StatusCode, headers: &HeaderMap, manner: Manner) -> Option<Fault> {
        let failed = |what: String| Some(fault(FaultKind::GuestError, what));
        for signal in self.row.signals {
            let (name, good) = match signal {
                Signal::There(name) => (*name, None),
                Signal::Not(name, good) => (*name, Some(*good)),
            };
            if let Some(value) =
                headers.get(name).filter(|value| good.is_none_or(|good| *value != good))
            {
                let value = String::from_utf8_lossy(value.as_bytes());
                return failed(format!("the server answered {status} with `{name}: {value}`"));
            }
        }
        let bad = match manner {
            Manner::Request => status.is_server_error(),
            Manner::Event => !status.is_success(),
        };
        if bad { failed(format!("the server answered {status}")) } else { None }
    }
}
