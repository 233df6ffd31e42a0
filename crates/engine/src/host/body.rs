//! Bodies on their way through the host: counted, charged, and recorded when they end.

use super::Broker;
use super::record::Place;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ports::host::{Body, HostError};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

/// What a guest sends out. Every byte is charged before it goes.
pub(super) struct Leaving {
    pub(super) body: Body,
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
            this.broker.purse.take_egress(bytes).map_err(HostError::Limit)?;
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

/// What comes back.
pub(super) struct Coming {
    pub(super) body: Body,
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
        let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &next {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                this.received = this.received.saturating_add(bytes);
            }
            Some(Err(_)) => this.ends(true),
            None => this.ends(false),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        // The guest had enough of it.
        self.ends(false);
    }
}
