//! The reply between the guest that gives it and the caller that takes it.

use bytes::Bytes;
use http_body::Body as _;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use wasmtime_wasi_http::WasiBody;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The guest said that it is complete.
    Finished,
    /// The guest dropped it, wrote less than it promised, or ended before it said so.
    Cut,
}

/// What comes next of a body.
pub(crate) enum Next {
    /// Some bytes, at least one.
    Bytes(Bytes),
    /// Nothing more.
    End(End),
}

/// The reply.
#[derive(Default)]
pub(crate) struct Exchange {
    head: Option<Result<http::response::Parts, String>>,
    body: Option<WasiBody>,
    /// What the guest had written when it ended.
    left: VecDeque<Bytes>,
    end: Option<End>,
}

impl Exchange {
    /// The guest answers, or names an error code.
    pub(crate) fn respond(&mut self, response: Result<http::Response<WasiBody>, String>) {
        self.head = Some(response.map(|response| {
            let (parts, body) = response.into_parts();
            self.body = Some(body);
            parts
        }));
    }

    /// Whether the guest answered with a head and a body.
    pub(crate) fn has_responded(&self) -> bool {
        self.body.is_some()
    }

    pub(crate) fn take_head(&mut self) -> Option<Result<http::response::Parts, String>> {
        self.head.take()
    }

    /// How the body ended, once that is known.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// The next bytes of the body. Pending only while the guest runs.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(bytes) = self.left.pop_front() {
            return Poll::Ready(Next::Bytes(bytes));
        }
        if let Some(end) = self.end {
            return Poll::Ready(Next::End(end));
        }
        let next = ready!(self.poll_open(cx));
        if let Next::End(end) = next {
            self.end = Some(end);
            self.body = None;
        }
        Poll::Ready(next)
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let Some(body) = &mut self.body else { return Poll::Ready(Next::End(End::Cut)) };
        loop {
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                // Trailers are not passed on: HTTP/1.1 sends none without a `trailer` field,
                // which a reply may not have.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Next::Bytes(bytes)),
                    Ok(_) | Err(_) => {}
                },
                Some(Err(_)) => return Poll::Ready(Next::End(End::Cut)),
                None => return Poll::Ready(Next::End(End::Finished)),
            }
        }
    }

    /// Takes out what is there of the body, up to about `bytes_max` that nobody has read yet. Says
    /// whether the body has ended, or whether there is none.
    pub(crate) fn gather(&mut self, bytes_max: usize, cx: &mut Context<'_>) -> bool {
        let mut bytes: usize = self.left.iter().map(Bytes::len).sum();
        while self.body.is_some() && self.end.is_none() && bytes < bytes_max {
            match self.poll_open(cx) {
                Poll::Ready(Next::Bytes(part)) => {
                    bytes += part.len();
                    self.left.push_back(part);
                }
                Poll::Ready(Next::End(end)) => self.end = Some(end),
                Poll::Pending => break,
            }
        }
        self.body.is_none() || self.end.is_some()
    }

    /// Takes out what is left of the body while the guest's store still lives, since the store's
    /// end looks like the body's end. Whatever was not finished by now never will be.
    pub(crate) fn settle(&mut self, cx: &mut Context<'_>) {
        while self.end.is_none() {
            match self.poll_open(cx) {
                Poll::Ready(Next::Bytes(bytes)) => self.left.push_back(bytes),
                Poll::Ready(Next::End(end)) => self.end = Some(end),
                Poll::Pending => self.end = Some(End::Cut),
            }
        }
        self.body = None;
    }
}
