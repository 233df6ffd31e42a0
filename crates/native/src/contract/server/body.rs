//! A call's body on its way to the server, and how far it came.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;
use ports::executor::{BodyError, RequestBody};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How far a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Going,
    Done,
    Broken(BodyError),
}

/// What is known of a body that hyper sends.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

impl Progress {
    pub(super) fn is_done(&self) -> bool {
        *self.0.lock() == State::Done
    }

    pub(super) fn broken(&self) -> Option<BodyError> {
        match *self.0.lock() {
            State::Broken(error) => Some(error),
            _ => None,
        }
    }
}

/// The body. Trailers do not pass.
pub(super) struct Upload {
    body: RequestBody,
    /// What is still to come, if that is known.
    left: Option<u64>,
    progress: Progress,
}

impl Upload {
    pub(super) fn new(body: RequestBody) -> (Self, Progress) {
        let left = body.size_hint().exact();
        let state = if body.is_end_stream() { State::Done } else { State::Going };
        let progress = Progress(Arc::new(Mutex::new(state)));
        (Self { body, left, progress: progress.clone() }, progress)
    }

    /// Bytes that are there already.
    pub(super) fn whole(bytes: Vec<u8>) -> (Self, Progress) {
        let body = Full::new(Bytes::from(bytes)).map_err(|never| match never {});
        Self::new(body.boxed_unsync())
    }

    fn sent(&mut self, bytes: usize) {
        self.left = self.left.map(|left| left.saturating_sub(bytes as u64));
        if self.left == Some(0) || self.body.is_end_stream() {
            *self.progress.0.lock() = State::Done;
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => {
                        self.sent(bytes.len());
                        Some(Ok(Frame::data(bytes)))
                    }
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => {
                    *self.progress.0.lock() = State::Broken(error);
                    Some(Err(error))
                }
                None => {
                    *self.progress.0.lock() = State::Done;
                    None
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
