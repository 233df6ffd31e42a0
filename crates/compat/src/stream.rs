//! Calls whose answer is given as it comes: chunks of it, and then how it ended.

use crate::body::{Answer, Broken, put};
use crate::context::{Kind, Meant, event, wants_log};
use crate::ending::{Failure, invocation, refused, said_error, whole, why};
use crate::eventstream::{self, MEDIA_TYPE, PAYLOAD_BYTES_MAX};
use crate::fault::Fault;
use crate::invoke::{no_tenants, versioned};
use crate::serve::Shared;
use crate::signed::Signed;
use crate::tail::tail;
use bytes::Bytes;
use engine::{ReplyBody, Signer};
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use std::collections::VecDeque;

/// `InvokeWithResponseStream`
pub(crate) async fn invoke(
    shared: &Shared,
    head: &Parts,
    signed: Signed<'_>,
    id: &str,
) -> Result<Answer, Fault> {
    let kind = Kind::of(&head.headers)?;
    let log = wants_log(&head.headers)?;
    no_tenants(head)?;
    let Signed { signer, asked, body } = signed;
    let name = asked.named.first().map(String::as_str).unwrap_or_default();
    let meant = Meant::of(&shared.engine, &signer, head, name)?;
    let request = event(head, body.bytes)?;
    match kind {
        Kind::RequestResponse => {}
        Kind::DryRun => {
            let may = shared.engine.may_invoke_signed(&signer, meant.called(), request);
            may.map_err(|refusal| Fault::refused(&refusal.problem, &meant.arn, None))?;
            return Ok(versioned(crate::body::answer(204, Bytes::new(), id), &meant));
        }
        Kind::Event => {
            let why = "Member must satisfy enum value set: [RequestResponse, DryRun]";
            return Err(Fault::constraint("Event", "invocationType", why));
        }
    }
    let called = shared.engine.invoke_signed(&signer, meant.called(), request).await;
    let mut flow = Flow {
        shared: shared.clone(),
        signer,
        meant,
        log,
        id: String::new(),
        body: None,
        waiting: VecDeque::new(),
        failure: None,
        complete: false,
    };
    match called {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            flow.id = invocation(&parts.headers);
            if said_error(&parts) {
                let response = Response::from_parts(parts, body);
                let ended = whole(&shared.engine, &flow.signer, &flow.meant, response).await;
                flow.failure = Some((Failure::of_body(&ended.payload).kind, ended.payload));
            } else {
                flow.body = Some(body);
            }
        }
        Err(refusal) => {
            let (id, failure) = refused(&shared.engine, &flow.meant, &refusal)?;
            (flow.id, flow.failure) = (id, Some((failure.kind.clone(), failure.body())));
        }
    }
    Ok(flow.answer())
}

/// An answer on its way.
struct Flow {
    shared: Shared,
    signer: Signer,
    meant: Meant,
    log: bool,
    id: String,
    /// What the function still says.
    body: Option<ReplyBody>,
    /// What it has said and was not sent.
    waiting: VecDeque<Bytes>,
    /// The function's error: its type, and its words.
    failure: Option<(String, Bytes)>,
    complete: bool,
}

impl Flow {
    fn answer(self) -> Answer {
        let (id, version) = (self.id.clone(), self.meant.version.clone());
        let frames = stream::unfold(self, |mut flow| async move {
            let message = flow.next().await?;
            Some((Ok::<_, Broken>(Frame::data(message)), flow))
        });
        let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        put(headers, "x-amzn-requestid", &id);
        put(headers, "x-amz-executed-version", &version);
        answer
    }

    /// The next message. None after the last.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.waiting.pop_front() {
                let kind = "application/octet-stream";
                return Some(eventstream::event("PayloadChunk", kind, &chunk));
            }
            let Some(body) = &mut self.body else { break };
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.waiting.extend(pieces(data));
                    }
                }
                Some(Err(_)) => {
                    self.body = None;
                    let failure =
                        why(&self.shared.engine, &self.signer, &self.meant, &self.id).await;
                    self.failure = Some((failure.kind.clone(), failure.body()));
                }
                None => self.body = None,
            }
        }
        if std::mem::replace(&mut self.complete, true) {
            return None;
        }
        let mut end = serde_json::Map::new();
        if let Some((kind, details)) = &self.failure {
            end.insert("ErrorCode".to_owned(), json!(kind));
            end.insert("ErrorDetails".to_owned(), json!(String::from_utf8_lossy(details)));
        }
        if self.log {
            let tail = tail(&self.shared.engine, &self.signer, &self.meant, &self.id).await;
            end.insert("LogResult".to_owned(), json!(tail));
        }
        let end = serde_json::Value::Object(end).to_string();
        Some(eventstream::event("InvokeComplete", "application/json", end.as_bytes()))
    }
}

/// Data in pieces that fit into messages.
fn pieces(mut data: Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while !data.is_empty() {
        pieces.push(data.split_to(data.len().min(PAYLOAD_BYTES_MAX)));
    }
    pieces
}
