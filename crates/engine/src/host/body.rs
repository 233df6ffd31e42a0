//! Bodies on their way through the host: counted, charged, and recorded when they end.

use super::Broker;
use super::record::Place;
use super::secrets::{Covering, Watch};
use crate::reply::ReplyBody;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use ports::host::{Body, HostError};
use ports::outbound::Failure;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// What a guest sends out. Every byte is charged before it goes.
pub(super) struct Leaving {
    pub(super) body: Body,
    /// Looks for placeholders of secrets, if the function has any.
    pub(super) watch: Option<Watch>,
    pub(super) broker: Arc<Broker>,
    /// Bytes until now. They come into the record when the answer ends.
    pub(super) sent: Arc<AtomicU64>,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = self.get_mut();
        let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = frame.and_then(|frame| {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            if let (Some(watch), Some(data)) = (&mut this.watch, frame.data_ref()) {
                watch.pass(&this.broker, data)?;
            }
            this.broker.purse.take_egress(bytes).map_err(|limit| HostError::Limit(limit.into()))?;
            this.sent.fetch_add(bytes, Relaxed);
            Ok(frame)
        });
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What is still to come, with what is held back.
fn with_held(inner: SizeHint, cover: Option<&Covering>) -> SizeHint {
    let held = cover.map_or(0, Covering::held);
    let mut hint = SizeHint::new();
    hint.set_lower(inner.lower().saturating_add(held));
    if let Some(upper) = inner.upper() {
        hint.set_upper(upper.saturating_add(held));
    }
    hint
}

/// What comes back.
pub(super) struct Coming {
    pub(super) body: Body,
    /// Covers the values of secrets, if any were used.
    pub(super) mask: Option<Covering>,
    pub(super) broker: Arc<Broker>,
    pub(super) place: Place,
    /// Bytes that went out.
    pub(super) sent: Arc<AtomicU64>,
    pub(super) received: u64,
    pub(super) over: bool,
}

impl Coming {
    fn ends(&mut self, broke: bool) {
        if !std::mem::replace(&mut self.over, true) {
            let bytes = self.received.saturating_add(self.sent.load(Relaxed));
            self.broker.ended(self.place, bytes, broke);
        }
    }
}

impl HttpBody for Coming {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = self.get_mut();
        if let Some(late) = this.mask.as_mut().and_then(Covering::late) {
            return Poll::Ready(Some(Ok(late)));
        }
        if this.over {
            return Poll::Ready(None);
        }
        loop {
            let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
            match &next {
                Some(Ok(frame)) => {
                    let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                    this.received = this.received.saturating_add(bytes);
                }
                Some(Err(_)) => this.ends(true),
                None => this.ends(false),
            }
            let Some(mask) = &mut this.mask else { return Poll::Ready(next) };
            // All of a frame may be held back; then the next one is waited for.
            if let Some(next) = mask.pass(&this.broker, next) {
                return Poll::Ready(next);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.mask.as_ref().is_none_or(Covering::is_empty) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        with_held(self.body.size_hint(), self.mask.as_ref())
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        // The guest had enough of it.
        self.ends(false);
    }
}

/// No bytes.
pub(super) fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Frames of a reply that a called function may be ahead of its caller.
const FRAMES_AHEAD: usize = 1;

/// A function's reply that a task of its own drives, so that its CPU time is never its caller's:
/// whoever reads a guest's reply runs it. The task ends with the body.
pub(super) fn driven(mut reply: ReplyBody) -> Body {
    if reply.is_end_stream() {
        return nothing();
    }
    let (sender, frames) = mpsc::channel(FRAMES_AHEAD);
    tokio::spawn(async move {
        loop {
            // First the reply: one that has ended is to land, even if nobody listens any more.
            let frame = tokio::select! {
                biased;
                frame = reply.frame() => frame,
                () = sender.closed() => return,
            };
            let Some(frame) = frame else { return };
            let frame = frame.map_err(|_| HostError::Upstream(Failure::Cut));
            if sender.send(frame).await.is_err() {
                return;
            }
        }
    });
    Driven(frames).boxed_unsync()
}

/// The frames that are there. Dropping it stops the task, and so the guest.
struct Driven(mpsc::Receiver<Result<Frame<Bytes>, HostError>>);

impl HttpBody for Driven {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        self.get_mut().0.poll_recv(cx)
    }
}
