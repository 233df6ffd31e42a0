//! Answers: what the engine gave, or a problem document (RFC 9457).
//!
//! Invariant: nothing but [`model::problem::Body`] of a problem is written, so its internal text
//! stays inside.
//! Invariant: the length that an answer announces is the length that it has.

use crate::access::{AccessLog, Entry};
use crate::door::Refusal;
use crate::line::Line;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use model::InvocationId;
use model::problem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

/// Fields of a guest's answer that are between the gateway and the client.
const ONE_HOP: &[&str] =
    &["connection", "transfer-encoding", "upgrade", "te", "keep-alive", "proxy-connection"];

/// How to ask again (RFC 6750, section 3). It never says what was wrong with a credential.
const CHALLENGE: &str = "Bearer realm=\"casemate\"";

/// Counts a request from the moment it goes to the engine until its answer is over or dropped.
pub(crate) struct Ticket {
    line: Arc<Line>,
    /// Where it is written down, if anywhere.
    note: Option<Note>,
}

/// A line of the access log in the making.
struct Note {
    log: Arc<AccessLog>,
    entry: Box<Entry>,
}

impl Ticket {
    pub(crate) fn new(line: &Arc<Line>, parts: &Parts, log: Option<&Arc<AccessLog>>) -> Self {
        line.load.in_flight.fetch_add(1, Ordering::Relaxed);
        let note =
            log.map(|log| Note { log: Arc::clone(log), entry: Entry::begin(log, line, parts) });
        Self { line: Arc::clone(line), note }
    }

    /// What is noted of the request, if anything.
    pub(crate) fn entry(&mut self) -> Option<&mut Entry> {
        self.note.as_mut().map(|note| &mut *note.entry)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.line.answer_ends();
        self.line.load.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.line.load.ended.fetch_add(1, Ordering::Relaxed);
        if let Some(Note { log, mut entry }) = self.note.take() {
            entry.end();
            log.write(entry);
        }
    }
}

/// An answer's body.
pub(crate) struct Answer<B> {
    content: Content<B>,
    ticket: Ticket,
}

enum Content<B> {
    Reply(B),
    Text(Option<Bytes>),
}

impl<B: Body<Data = Bytes> + Unpin> Answer<B> {
    pub(crate) fn reply(body: B, ticket: Ticket) -> Self {
        Self::new(Content::Reply(body), ticket)
    }

    pub(crate) fn text(text: Bytes, ticket: Ticket) -> Self {
        Self::new(Content::Text(Some(text).filter(|text| !text.is_empty())), ticket)
    }

    fn new(content: Content<B>, ticket: Ticket) -> Self {
        let mut answer = Self { content, ticket };
        // hyper does not ask for a body that is over before it begins.
        if answer.ticket.note.is_some() && answer.is_end_stream() {
            answer.ticket.entry().into_iter().for_each(Entry::complete);
        }
        answer
    }

    fn take_note<E>(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, E>>>) {
        let over = match polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(_))) => self.is_end_stream(),
            _ => false,
        };
        let Some(entry) = self.ticket.entry() else { return };
        if let Poll::Ready(Some(Ok(frame))) = polled {
            entry.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        if over {
            entry.complete();
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = match &mut self.content {
            Content::Reply(body) => Pin::new(body).poll_frame(cx),
            Content::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        };
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.ticket.line.break_off();
        }
        if self.ticket.note.is_some() {
            self.take_note(&polled);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Reply(body) => body.is_end_stream(),
            Content::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Reply(body) => body.size_hint(),
            Content::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}

/// A refusal as a problem document.
pub(crate) fn document(refusal: &Refusal) -> Response<Bytes> {
    let code = refusal.problem.code;
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = refusal.problem.public_body(refusal.invocation);
    let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
    *response.status_mut() = status;
    describe(response.headers_mut(), refusal, status);
    response
}

/// The same as HTTP/1.1 has it on the wire, for who cannot be answered by hyper.
pub(crate) fn written(refusal: &Refusal) -> Vec<u8> {
    let response = document(refusal);
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let body = response.body();
    bytes.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    bytes
}

fn describe(headers: &mut HeaderMap, refusal: &Refusal, status: StatusCode) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::Body::MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    }
    if let Some(wait_s) = refusal.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    }
    let methods: Vec<&str> = refusal.allow.iter().map(Method::as_str).collect();
    if let Ok(allow) = HeaderValue::try_from(methods.join(", "))
        && !methods.is_empty()
    {
        headers.insert(header::ALLOW, allow);
    }
    for (name, value) in refusal.headers.iter().flat_map(|more| more.iter()) {
        headers.append(name, value.clone());
    }
    if let Some(id) = refusal.invocation {
        headers.insert(HeaderName::from_static("casemate-invocation"), invocation_value(id));
    }
}

fn invocation_value(id: InvocationId) -> HeaderValue {
    // An id is hyphenated hexadecimal; the fallback is never used.
    HeaderValue::try_from(id.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Makes the engine's answer fit for the wire, or says why it never will be. The executor checks
/// the same; hyper trusts whoever comes last.
pub(crate) fn tidy<B: Body>(
    response: &mut Response<B>,
    method: &Method,
) -> Result<(), &'static str> {
    for name in ONE_HOP {
        response.headers_mut().remove(*name);
    }
    let status = response.status();
    if status.is_informational() {
        return Err("the answer has an interim status");
    }
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        return Ok(());
    }
    let mut lengths = response.headers().get_all(header::CONTENT_LENGTH).iter();
    let (announced, second) = (lengths.next(), lengths.next());
    let Some(announced) = announced else { return Ok(()) };
    let announced = announced.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let announced: Option<u64> = announced.and_then(|text| text.parse().ok());
    let (Some(announced), None) = (announced, second) else {
        return Err("the answer's content-length is no number");
    };
    let exact = response.body().size_hint().exact();
    let bodiless = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    match exact {
        Some(exact) if exact != announced && !(bodiless && exact == 0) => {
            Err("the answer's body is not as long as it says")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use model::{Code, Problem};

    fn tidied(
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
        method: &Method,
    ) -> Result<Vec<String>, &'static str> {
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        tidy(&mut response, method)?;
        Ok(response.headers().keys().map(ToString::to_string).collect())
    }

    #[test]
    fn fields_of_one_hop_do_not_leave() {
        let headers = [
            ("connection", "upgrade"),
            ("transfer-encoding", "chunked"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "websocket"),
            ("x-mine", "1"),
        ];
        assert_eq!(tidied(200, &headers, "a", &Method::GET).unwrap(), ["x-mine"]);
    }

    #[test]
    fn an_answer_that_lies_about_its_length_is_a_bad_response() {
        let get = &Method::GET;
        for headers in [
            &[("content-length", "2")][..],
            &[("content-length", "+3")],
            &[("content-length", "")],
            &[("content-length", "3"), ("content-length", "3")],
        ] {
            assert!(tidied(200, headers, "abc", get).is_err(), "{headers:?}");
        }
        assert!(tidied(200, &[("content-length", "3")], "abc", get).is_ok());
        assert!(tidied(101, &[], "", get).is_err());
        assert_eq!(tidied(204, &[("content-length", "5")], "", get).unwrap(), [""; 0]);
        assert!(tidied(200, &[("content-length", "5")], "", &Method::HEAD).is_ok());
        assert!(tidied(304, &[("content-length", "5")], "", get).is_ok());
    }

    #[test]
    fn a_document_says_what_strangers_may_know_and_no_more() {
        let problem = Problem::new(Code::CredentialRequired)
            .detail("for you")
            .internal("the guest said: hunter2");
        let invocation = InvocationId::from_parts(1_000_000, [7; 8]);
        let refusal = Refusal {
            problem,
            invocation: Some(invocation),
            retry_after_s: Some(3),
            allow: vec![Method::GET, Method::HEAD],
            headers: Some(Box::new(HeaderMap::from_iter([(
                header::VARY,
                "origin".parse().unwrap(),
            )]))),
        };
        let response = document(&refusal);
        assert_eq!(response.status(), 401);
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("www-authenticate"), "Bearer realm=\"casemate\"");
        assert_eq!(header("retry-after"), "3");
        assert_eq!(header("allow"), "GET, HEAD");
        assert_eq!(header("vary"), "origin");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("content-type"), "application/problem+json");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("casemate-invocation"), invocation.to_string());
        let text = std::str::from_utf8(response.body()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let body: problem::Body = serde_json::from_str(text).unwrap();
        assert_eq!((body.status, body.detail.as_deref()), (401, Some("for you")));
        assert_eq!(body.invocation, Some(invocation));
    }
}
