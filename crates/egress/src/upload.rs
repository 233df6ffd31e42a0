//! A request's body on its way out.
//!
//! Invariant: no byte more than the length that was said is sent, and a body that ends before it
//! ends its connection: what follows on a connection is never read as part of a body.

use crate::fault::fail;
use crate::fields;
use crate::slots::Slot;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use ports::host::{Body, HostError};
use ports::outbound::{Error, Failure};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The guest has to give more of the body.
    Guest,
    /// The server has to take what there is, or to answer.
    Server,
    /// The server has to answer.
    Answer,
    /// The body broke off.
    Broken,
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the request's body broke off: {0}")]
    Guest(HostError),
    #[error("the request's body has another length than was said")]
    Length,
    #[error("nobody waits for the reply any more")]
    Gone,
}

/// The body, as a connection reads it.
pub(crate) struct Upload {
    inner: Body,
    /// What was read ahead.
    first: Option<Frame<Bytes>>,
    /// What is still to come, if that was said.
    left: Option<u64>,
    ended: bool,
    turn: watch::Sender<Turn>,
    /// Ready when nobody waits for the reply any more, and taken away then.
    leash: Option<oneshot::Receiver<Infallible>>,
    /// A connection that still sends is still somebody's.
    _slot: Arc<Slot>,
}

/// The other end of an [`Upload`]: sees how far it is, and ends it when dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    turn: watch::Receiver<Turn>,
    _leash: oneshot::Sender<Infallible>,
}

impl Upload {
    /// A body of which `said` is the length that its fields said.
    pub(crate) fn new(
        inner: Body,
        said: Option<u64>,
        slot: Arc<Slot>,
    ) -> Result<(Self, Flight), Error> {
        let known = inner.size_hint().exact();
        if let (Some(said), Some(known)) = (said, known)
            && said != known
        {
            let detail = format!("`content-length` is {said}, and the body has {known} bytes");
            return Err(fail(Failure::Request, detail));
        }
        let (turn, seen) = watch::channel(Turn::Server);
        let (held, leash) = oneshot::channel();
        let left = said.or(known);
        let ended = inner.is_end_stream();
        let upload =
            Self { inner, first: None, left, ended, turn, leash: Some(leash), _slot: slot };
        if upload.left == Some(0) {
            upload.turn.send_replace(Turn::Answer);
        }
        Ok((upload, Flight { turn: seen, _leash: held }))
    }

    /// Whether there is a body, where only looking can tell. Whether a request without a length
    /// has one changes what is said in its head.
    pub(crate) async fn is_there(&mut self) -> Result<bool, Error> {
        if self.ended || self.left.is_some() {
            return Ok(false);
        }
        let broken = |error: HostError| fail(Failure::RequestBody, error.to_string());
        self.first = poll_fn(|cx| Pin::new(&mut self.inner).poll_frame(cx))
            .await
            .transpose()
            .map_err(broken)?;
        if self.first.is_none() {
            self.end();
        }
        Ok(self.first.is_some())
    }

    fn end(&mut self) {
        self.ended = true;
        self.left = Some(0);
        self.turn.send_replace(Turn::Answer);
    }

    fn pass(&mut self, mut frame: Frame<Bytes>) -> Result<Frame<Bytes>, Broken> {
        if let Some(trailers) = frame.trailers_mut() {
            fields::clean_trailers(trailers);
        }
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(size).ok_or(Broken::Length)?;
        }
        let last = match self.left {
            Some(left) => left == 0,
            None => self.inner.is_end_stream(),
        };
        self.turn.send_replace(if last { Turn::Answer } else { Turn::Server });
        Ok(frame)
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.leash.as_mut().is_none_or(|leash| Pin::new(leash).poll(cx).is_ready()) {
            self.leash = None;
            return Poll::Ready(Some(Err(Broken::Gone)));
        }
        if let Some(frame) = self.first.take() {
            return Poll::Ready(Some(self.pass(frame)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) else {
            self.turn.send_if_modified(|turn| std::mem::replace(turn, Turn::Guest) != Turn::Guest);
            return Poll::Pending;
        };
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(self.pass(frame)),
            Some(Err(error)) => Some(Err(Broken::Guest(error))),
            None if self.left.is_some_and(|left| left > 0) => Some(Err(Broken::Length)),
            None => {
                self.end();
                None
            }
        })
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = ready!(self.next(cx));
        if matches!(next, Some(Err(_))) {
            self.turn.send_replace(Turn::Broken);
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        let ended = self.ended || self.inner.is_end_stream();
        self.first.is_none() && ended && self.left.is_none_or(|left| left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Flight {
    /// Whether the whole body was taken.
    pub(crate) fn done(&self) -> bool {
        *self.turn.borrow() == Turn::Answer
    }

    /// Whether the body broke off by the guest's doing.
    pub(crate) fn broken(&self) -> bool {
        *self.turn.borrow() == Turn::Broken
    }

    /// Waits until it was the server's turn for so long. Time in which the guest has to give more
    /// does not count.
    pub(crate) async fn stalled(&mut self, patience: Duration) {
        loop {
            let turn = *self.turn.borrow_and_update();
            let patient = async {
                match turn {
                    Turn::Guest => std::future::pending().await,
                    _ => tokio::time::sleep(patience).await,
                }
            };
            tokio::select! {
                () = patient => return,
                moved = self.turn.changed() => if moved.is_err() {
                    // The body is gone, whole or not: nothing moves any more.
                    return tokio::time::sleep(patience).await;
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
