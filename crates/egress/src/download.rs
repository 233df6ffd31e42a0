//! A reply's body on its way in.
//!
//! Invariant: it is read only as it is taken, so a guest that does not read stops its server.
//! Invariant: a connection is used again only if the reply, and the request, came to their ends.

use crate::checkout::Way;
use crate::fault;
use crate::fields;
use crate::pool::Lease;
use crate::slots::Slot;
use crate::upload::Flight;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use ports::host::HostError;
use ports::outbound::{Failure, Limits};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// What a reply holds on to until its end. Dropped before it, it closes what it must.
pub(crate) struct Hold {
    pub(crate) way: Way,
    pub(crate) lease: Option<Lease>,
    pub(crate) flight: Flight,
    pub(crate) _slot: Arc<Slot>,
}

/// A reply's body.
pub(crate) struct Download {
    inner: Incoming,
    /// Bytes that may still come.
    left: u64,
    silence: Duration,
    quiet: Option<Pin<Box<Sleep>>>,
    /// Nothing after the end.
    hold: Option<Hold>,
}

impl Download {
    pub(crate) fn new(inner: Incoming, limits: &Limits, hold: Hold) -> Self {
        let (left, silence) = (limits.response_bytes, limits.between_bytes);
        Self { inner, left, silence, quiet: None, hold: Some(hold) }
    }

    fn broken(&mut self, failure: Failure, detail: &str) -> HostError {
        if let Some(hold) = self.hold.take() {
            let Way { function, target, .. } = &hold.way;
            tracing::debug!(%function, %target, %failure, detail, "a reply broke off");
        }
        HostError::Upstream(failure)
    }

    fn pass(&mut self, mut frame: Frame<Bytes>) -> Result<Frame<Bytes>, HostError> {
        if let Some(trailers) = frame.trailers_mut() {
            fields::clean_trailers(trailers);
        }
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        // Frames of HTTP/2 without bytes are no sign of life.
        if size > 0 {
            self.quiet = None;
        }
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                Ok(frame)
            }
            None => Err(self.broken(Failure::TooLarge, "more bytes than it may have")),
        }
    }

    fn quiet(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silence = self.silence;
        let quiet = self.quiet.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
        quiet.as_mut().poll(cx)
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = &mut *self;
        if this.hold.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(this.pass(frame))),
            Poll::Ready(Some(Err(error))) => {
                let broken = this.hold.as_ref().is_some_and(|hold| hold.flight.broken());
                let failure = if broken { Failure::RequestBody } else { fault::http(&error) };
                Poll::Ready(Some(Err(this.broken(failure, &fault::whole(&error)))))
            }
            Poll::Ready(None) => {
                if let Some(hold) = this.hold.take() {
                    hold.finish();
                }
                Poll::Ready(None)
            }
            Poll::Pending => match this.quiet(cx) {
                Poll::Ready(()) => {
                    let error = this.broken(Failure::Silence, "nothing came");
                    Poll::Ready(Some(Err(error)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.hold.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.hold {
            None => SizeHint::with_exact(0),
            Some(_) => self.inner.size_hint(),
        }
    }
}

impl Hold {
    /// The reply came to its end.
    pub(crate) fn finish(mut self) {
        match self.lease.take() {
            Some(Lease::One(one)) if self.flight.done() => {
                let Way { door, function, target } = &self.way;
                door.pool.put(function, target, one);
            }
            lease => self.lease = lease,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // What still sends on a connection of HTTP/2 ends with the connection at the latest.
        if let Some(lease) = self.lease.as_ref().filter(|_| !self.flight.done()) {
            lease.spoil();
        }
    }
}
