//! The bodies on both sides of a guest.

use super::flight::Flight;
use crate::assets::FileBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use ports::executor::{BodyError, RequestBody};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A reply's body. Polling it drives the guest; dropping it stops the guest.
pub struct ReplyBody(State);

enum State {
    /// All of it is here, and the invocation is over.
    Whole(Option<Bytes>),
    /// A frame that was read ahead, and the guest that goes on.
    Stream(Option<Bytes>, Box<Flight>),
    /// A file, and no guest.
    File(Box<FileBody>),
    /// Nothing more.
    Over,
}

/// The reply broke off after its head was sent. The connection must not be used again, so that
/// the client sees that something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reply broke off")]
pub struct ReplyError;

impl ReplyBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(State::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    pub(crate) fn file(body: FileBody) -> Self {
        Self(State::File(Box::new(body)))
    }

    pub(crate) fn stream(first: Option<Bytes>, flight: Flight) -> Self {
        Self(State::Stream(first, Box::new(flight)))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReplyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyError>>> {
        let polled = match &mut self.0 {
            State::Whole(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            State::Over => return Poll::Ready(None),
            State::File(file) => return poll_file(file, cx),
            State::Stream(first, flight) => match first.take() {
                Some(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => flight.poll_frame(cx),
            },
        };
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(_closed))) => {
                self.0 = State::Over;
                Poll::Ready(Some(Err(ReplyError)))
            }
            Poll::Ready(None) => {
                if let State::Stream(_, flight) = std::mem::replace(&mut self.0, State::Over) {
                    flight.land(cx);
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Over | State::Whole(None) => true,
            State::File(file) => file.left() == 0,
            State::Whole(Some(_)) | State::Stream(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            State::Whole(None) | State::Over => SizeHint::with_exact(0),
            State::File(file) => SizeHint::with_exact(file.left()),
            State::Stream(..) => SizeHint::default(),
        }
    }
}

/// The next piece of a file. One that cannot be read breaks the answer off.
fn poll_file(
    file: &mut FileBody,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, ReplyError>>> {
    file.poll_piece(cx).map(|piece| {
        piece.map(|read| match read {
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(problem) => {
                tracing::error!(%problem, internal = problem.internal, "a deployed file cannot be answered");
                Err(ReplyError)
            }
        })
    })
}

/// A request's body with a limit.
pub(crate) struct Capped {
    body: RequestBody,
    left: u64,
}

impl Capped {
    pub(crate) fn new(body: RequestBody, most: u64) -> Self {
        Self { body, left: most }
    }
}

impl Body for Capped {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(BodyError::TooLarge))),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
