//! Bodies across a lane: one side reads a body and sends it, the other is a body that is read.
//!
//! Who reads gives credit, and who sends stops without it. So a body is never anywhere but in
//! its window.

use crate::frame::{Kind, PIECE_BYTES, Violation, WINDOW_BYTES};
use crate::pipe::Pipe;
use crate::words::{Break, End, Length, Trailers};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// That of an invocation's request or answer, by the direction.
    Run(u32),
    /// That of an ask or its answer.
    Call(u32),
}

impl Stream {
    const fn parts(self, run: Kind, call: Kind) -> (Kind, u32) {
        match self {
            Self::Run(id) => (run, id),
            Self::Call(id) => (call, id),
        }
    }

    const fn data(self) -> (Kind, u32) {
        self.parts(Kind::Data, Kind::CallData)
    }

    const fn end(self) -> (Kind, u32) {
        self.parts(Kind::End, Kind::CallEnd)
    }

    const fn credit(self) -> (Kind, u32) {
        self.parts(Kind::Credit, Kind::CallCredit)
    }
}

/// What may still be sent of a body.
pub(crate) struct Credit(Mutex<(usize, Option<Waker>)>);

impl Default for Credit {
    fn default() -> Self {
        Self(Mutex::new((WINDOW_BYTES, None)))
    }
}

impl Credit {
    /// The other side gives so much more.
    pub(crate) fn give(&self, bytes: u32) -> Result<(), Violation> {
        let mut state = self.0.lock();
        state.0 += bytes as usize;
        if state.0 > WINDOW_BYTES {
            return Err(Violation::Window);
        }
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
        Ok(())
    }

    /// Takes what can be had of `wanted`, at least one byte of it.
    fn poll_take(&self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        let mut state = self.0.lock();
        if state.0 == 0 {
            state.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = wanted.min(state.0);
        state.0 -= taken;
        Poll::Ready(taken)
    }
}

/// The sending side of one body.
pub(crate) struct Outflow {
    pub(crate) pipe: Arc<Pipe>,
    pub(crate) stream: Stream,
    pub(crate) credit: Arc<Credit>,
    rest: Bytes,
}

impl Outflow {
    pub(crate) fn new(pipe: Arc<Pipe>, stream: Stream, credit: Arc<Credit>) -> Self {
        Self { pipe, stream, credit, rest: Bytes::new() }
    }

    /// Takes `bytes` to be sent. What was taken before must be on its way: see
    /// [`Self::poll_flush`].
    pub(crate) fn take(&mut self, bytes: Bytes) {
        self.rest = bytes;
    }

    /// Sends what was taken, as fast as there is credit.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.rest.is_empty() {
            let length = ready!(self.credit.poll_take(cx, self.rest.len().min(PIECE_BYTES)));
            let piece = self.rest.split_to(length);
            let (kind, id) = self.stream.data();
            self.pipe.send(kind, id, &piece);
        }
        Poll::Ready(())
    }

    /// Says that the body is at its end.
    pub(crate) fn end(&self, end: &End) {
        let (kind, id) = self.stream.end();
        // Trailers are limited where they come from, so an end always fits.
        if !self.pipe.send_value(kind, id, end) {
            self.pipe.send_value(kind, id, &End::Whole(None));
        }
    }
}

/// A body on its way out.
pub(crate) struct Upload<B: Body> {
    body: Pin<Box<B>>,
    broken: fn(B::Error) -> Break,
    out: Outflow,
}

impl<B: Body<Data = Bytes>> Upload<B> {
    pub(crate) fn new(body: B, broken: fn(B::Error) -> Break, out: Outflow) -> Self {
        Self { body: Box::pin(body), broken, out }
    }

    /// Reads and sends until the body is at its end, which is sent, too.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.out.poll_flush(cx));
            let end = match ready!(self.body.as_mut().poll_frame(cx)) {
                None => End::Whole(None),
                Some(Err(error)) => End::Broken((self.broken)(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => {
                        self.out.take(bytes);
                        continue;
                    }
                    Err(other) => {
                        let Ok(trailers) = other.into_trailers() else { continue };
                        End::Whole(Some(Trailers::of(&trailers)))
                    }
                },
            };
            self.out.end(&end);
            return Poll::Ready(());
        }
    }
}

/// What of a body has come and was not read.
#[derive(Default)]
pub(crate) struct Intake {
    pieces: VecDeque<Bytes>,
    /// Bytes in `pieces`, and those that were read and not given back as credit.
    held: usize,
    end: Option<Result<Option<HeaderMap>, Break>>,
    waker: Option<Waker>,
}

impl Intake {
    /// More has come.
    pub(crate) fn push(&mut self, bytes: Bytes) -> Result<(), Violation> {
        if self.end.is_some() {
            return Err(Violation::Window);
        }
        self.held += bytes.len();
        if self.held > WINDOW_BYTES {
            return Err(Violation::Window);
        }
        self.pieces.push_back(bytes);
        self.wake();
        Ok(())
    }

    /// The end has come. Only the first end counts.
    pub(crate) fn finish(&mut self, end: Result<Option<HeaderMap>, Break>) {
        self.end.get_or_insert(end);
        self.wake();
    }

    /// The end as it was sent.
    pub(crate) fn finish_with(&mut self, end: End) -> Result<(), Violation> {
        let unreadable = |_| Violation::Unreadable(Kind::End);
        let end = match end {
            End::Whole(None) => Ok(None),
            End::Whole(Some(trailers)) => Ok(Some(trailers.map().map_err(unreadable)?)),
            End::Broken(why) => Err(why),
        };
        self.finish(end);
        Ok(())
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The reading side of one body.
pub(crate) struct Inflow {
    pipe: Arc<Pipe>,
    stream: Stream,
    intake: Arc<Mutex<Intake>>,
    /// Read and not yet given back as credit.
    owed: usize,
    /// Nothing of it was read, so that all of its length is still to come.
    fresh: bool,
    over: bool,
}

impl Inflow {
    pub(crate) fn new(pipe: Arc<Pipe>, stream: Stream, intake: Arc<Mutex<Intake>>) -> Self {
        Self { pipe, stream, intake, owed: 0, fresh: true, over: false }
    }

    /// The next frame; `None` after the last.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let mut intake = self.intake.lock();
        if let Some(bytes) = intake.pieces.pop_front() {
            self.owed += bytes.len();
            self.fresh = false;
            // Credit for each small piece would cost a frame of its own.
            let enough = self.owed >= WINDOW_BYTES / 2 && intake.end.is_none();
            if enough {
                intake.held -= self.owed;
                drop(intake);
                let credit = u32::try_from(std::mem::take(&mut self.owed)).unwrap_or(0);
                let (kind, id) = self.stream.credit();
                self.pipe.send(kind, id, &credit.to_le_bytes());
            }
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Some(end) = intake.end.take() else {
            intake.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        // It stays at its end: what comes after is a violation.
        intake.end = Some(Ok(None));
        drop(intake);
        (self.fresh, self.over) = (false, true);
        Poll::Ready(match end {
            Ok(None) => None,
            Ok(Some(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Err(why) => Some(Err(why)),
        })
    }
}

/// A body that comes over a lane, for those who read it.
pub(crate) struct Received<E> {
    inflow: Inflow,
    length: Length,
    /// What a break means there; one that is not of this kind of body means what its own does.
    broken: fn(Break) -> E,
}

impl<E> Received<E> {
    pub(crate) fn new(inflow: Inflow, length: Length, broken: fn(Break) -> E) -> Self {
        Self { inflow, length, broken }
    }

    /// Whether it was read to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.inflow.over
    }
}

impl<E> Body for Received<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let broken = self.broken;
        self.inflow.poll(cx).map_err(broken)
    }

    // An empty body has an end that nobody needs to wait for, and only who lies sends more.
    fn is_end_stream(&self) -> bool {
        self.inflow.over || self.length.is_zero()
    }

    fn size_hint(&self) -> SizeHint {
        if self.inflow.fresh { self.length.hint() } else { SizeHint::new() }
    }
}
