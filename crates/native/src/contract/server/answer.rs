//! Is the server's answer one that can be sent, and its body on its way out.
//!
//! The same rules hold as for a component's answer, except that what concerns the connection to the
//! server is taken out and not refused: every server sends it.

use super::Inner;
use super::body::Progress;
use super::fault::{bad, fault, is_garbage, request_body, whole};
use super::hand::Hand;
use super::link::Link;
use super::request::clean;
use crate::contract::task::Task;
use bytes::Bytes;
use http::header;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use model::Limits;
use ports::executor::{Fault, FaultKind};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long a process that hung up may take to end. It explains the one by the other.
const DEATH: Duration = Duration::from_millis(100);

/// Checks an answer's head, and takes out what is not for callers. Gives the length of the body, if
/// the head states it.
///
/// # Errors
/// [`FaultKind::BadResponse`] with the reason.
pub(super) fn check(parts: &mut Parts, limits: &Limits) -> Result<Option<u64>, Fault> {
    let status = parts.status.as_u16();
    if !(200..600).contains(&status) {
        return Err(bad(format!("status {status} is no final status")));
    }
    clean(&mut parts.headers);
    parts.extensions.clear();
    let count = parts.headers.len();
    if count > limits.headers as usize {
        return Err(bad(format!("{count} header fields; the limit is {}", limits.headers)));
    }
    let mut bytes = 0;
    for (name, value) in &parts.headers {
        if name.as_str().starts_with("casemate-") {
            return Err(bad(format!("the header field `{name}` is the platform's")));
        }
        bytes += name.as_str().len() as u64 + value.len() as u64;
    }
    let limit = limits.header_bytes;
    if bytes > limit {
        return Err(bad(format!("{bytes} bytes of header fields; the limit is {limit}")));
    }
    content_length(parts)
}

fn content_length(parts: &Parts) -> Result<Option<u64>, Fault> {
    let mut values = parts.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let length = digits.and_then(|text| text.parse().ok());
    if length.is_none() || values.next().is_some() {
        return Err(bad("the header field `content-length` is no single number"));
    }
    Ok(length)
}

pub(super) fn too_large(limit: u64) -> Fault {
    fault(FaultKind::ResponseTooLarge, format!("the body is larger than {limit} bytes"))
}

/// What a call holds until its answer's end.
pub(super) struct Hold {
    pub(super) link: Link,
    pub(super) progress: Progress,
    pub(super) patience: Duration,
    pub(super) hand: Hand,
}

impl Hold {
    /// The answer is whole: its connection can take another call, if the request is whole too.
    pub(super) fn finish(self, inner: &Inner) {
        if self.progress.is_done() {
            inner.links.keep(self.link, self.patience);
        }
        drop(self.hand);
    }
}

/// The body of an answer.
pub(super) struct Download {
    body: Incoming,
    /// Given back at the end; dropped with the connection if there is none.
    hold: Option<Hold>,
    inner: Arc<Inner>,
    sent: u64,
    limit: u64,
    /// Why it broke off, while that is found out.
    broken: Option<Task<Fault>>,
}

impl Download {
    /// The body of a good head.
    ///
    /// # Errors
    /// [`FaultKind::ResponseTooLarge`], before anything is sent.
    pub(super) fn new(body: Incoming, hold: Hold, inner: &Arc<Inner>) -> Result<Self, Fault> {
        let limit = inner.limits.response_body_bytes;
        if body.size_hint().lower() > limit {
            return Err(too_large(limit));
        }
        let (inner, hold) = (Arc::clone(inner), Some(hold));
        Ok(Self { body, hold, inner, sent: 0, limit, broken: None })
    }

    fn take(&mut self, bytes: &Bytes) -> Result<(), Fault> {
        self.sent = self.sent.saturating_add(bytes.len() as u64);
        if self.sent > self.limit { Err(too_large(self.limit)) } else { Ok(()) }
    }

    fn breaks(&mut self, error: &hyper::Error) {
        let progress = self.hold.take().map(|hold| hold.progress);
        let what = format!("the answer's body broke off after {} bytes", self.sent);
        let fault = broke(error, progress.as_ref(), FaultKind::BadResponse, &what);
        self.broken =
            Some(self.inner.task(|inner| Box::pin(async move { inner.explain(fault).await })));
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        loop {
            if let Some(broken) = &mut this.broken {
                let fault =
                    ready!(Pin::new(broken).poll(cx)).unwrap_or_else(crate::contract::task::lost);
                this.broken = None;
                return Poll::Ready(Some(Err(fault)));
            }
            // After an error there is nothing more.
            if this.hold.is_none() {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    let counted = this.take(&bytes).map(|()| Frame::data(bytes));
                    if counted.is_err() {
                        this.hold = None;
                    }
                    return Poll::Ready(Some(counted));
                }
                Some(Err(error)) => this.breaks(&error),
                None => {
                    if let Some(hold) = this.hold.take() {
                        hold.finish(&this.inner);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.hold.is_none() && self.broken.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a broken exchange means: `cut` if it just ended.
pub(super) fn broke(
    error: &hyper::Error,
    progress: Option<&Progress>,
    cut: FaultKind,
    what: &str,
) -> Fault {
    if let Some(error) = progress.and_then(Progress::broken) {
        return request_body(error);
    }
    let kind = if is_garbage(error) { FaultKind::BadResponse } else { cut };
    fault(kind, format!("{what}: {}", whole(error)))
}

impl Inner {
    /// A process that ends takes its connections with it: then its end is what went wrong.
    pub(super) async fn explain(&self, fault: Fault) -> Fault {
        if matches!(fault.kind, FaultKind::RequestBody(_)) {
            return fault;
        }
        match tokio::time::timeout(DEATH, self.with.process.ended()).await {
            Ok(how) => super::fault::fault(
                FaultKind::Trapped,
                format!("the process ended in the middle of an invocation: {how}"),
            ),
            Err(_) => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(status: u16, fields: &[(&str, &str)]) -> Parts {
        let mut builder = http::Response::builder().status(status);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).expect("response").into_parts().0
    }

    #[test]
    fn heads_are_sent_or_refused_with_a_reason() {
        let limits = Limits { headers: 3, header_bytes: 64, ..Limits::default() };
        let long = "x".repeat(80);
        type Row<'a> = (u16, &'a [(&'a str, &'a str)], Result<Option<u64>, &'a str>);
        let table: &[Row<'_>] = &[
            (200, &[], Ok(None)),
            (200, &[("content-length", "5")], Ok(Some(5))),
            (200, &[("transfer-encoding", "chunked"), ("connection", "close")], Ok(None)),
            (200, &[("proxy-authenticate", "x")], Ok(None)),
            (200, &[("content-length", "+5")], Err("no single number")),
            (200, &[("content-length", "5"), ("content-length", "5")], Err("no single number")),
            (101, &[], Err("status 101")),
            (600, &[], Err("status 600")),
            (200, &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")], Err("4 header fields")),
            (200, &[("a", &long)], Err("81 bytes")),
            (200, &[("casemate-invocation", "x")], Err("`casemate-invocation`")),
        ];
        for (status, fields, expect) in table {
            let mut parts = parts(*status, fields);
            match (check(&mut parts, &limits), expect) {
                (Ok(length), Ok(expect)) => {
                    assert_eq!(length, *expect);
                    assert!(parts.headers.keys().all(|name| name == "content-length"));
                }
                (Err(fault), Err(reason)) => {
                    assert_eq!(fault.kind, FaultKind::BadResponse);
                    assert!(fault.reason.contains(reason), "{}", fault.reason);
                }
                (got, expect) => panic!("{fields:?}: {got:?}, expected {expect:?}"),
            }
        }
    }
}
