//! The wire below hyper: passes bytes on only after they were found strict, one message at a
//! time.
//!
//! A head is passed when it is complete; a body while it arrives; the next head only when the
//! answer before it is written, so that whatever is wrong with it cannot touch that answer. In
//! the place of a head that is refused, hyper gets a stand-in, and the service answers it with
//! the refusal: so refusals keep their place in the row, and are written like any other answer.
//!
//! Invariant: after a violation, no byte of the client is passed on.

use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::framing::Framing;
use crate::head::{Limits, Scanner};
use crate::line::Line;
use crate::remains::{Keep, Remains};
use crate::stall::Stall;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What hyper reads in the place of what was refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// Bytes of later requests that are read ahead, to notice that a client is gone.
const AHEAD_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a body that nobody wants, read for the same reason.
const UNWANTED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Reads and writes a channel for hyper.
pub(crate) struct Wire<S: Channel> {
    /// Present until this is dropped.
    channel: Option<S>,
    keep: Keep<Remains<S>>,
    line: Arc<Line>,
    limits: Limits,
    buffer: Buffer,
    state: State,
    /// The client closed its side.
    ended: bool,
    stall: Stall,
    /// How often hyper flushed since the body was dropped.
    flushes: u8,
}

enum State {
    /// Reads a head.
    Head(Scanner),
    /// Passes a head on, of which so many bytes are left.
    Passing(usize, Framing),
    /// Passes a body on.
    Body(Framing),
    /// The message is passed; its answer is not written.
    Held,
    /// Passes the stand-in on, from this byte.
    Refused(usize),
    /// hyper wants no more of the body; so many bytes of it may still be thrown away.
    Unwanted(usize),
    /// Passes nothing on any more.
    Over,
}

impl<S: Channel> Wire<S> {
    pub(crate) fn new(channel: S, keep: Keep<Remains<S>>, line: Arc<Line>, limits: Limits) -> Self {
        Self {
            channel: Some(channel),
            keep,
            line,
            limits,
            buffer: Buffer::new(),
            state: State::Head(Scanner::new(limits)),
            ended: false,
            stall: Stall::default(),
            flushes: 0,
        }
    }

    fn channel(&mut self) -> io::Result<&mut S> {
        self.channel.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Reads more; 0 if the client closed its side.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(channel) = self.channel.as_mut() else { return Poll::Ready(Ok(0)) };
        let count = match ready!(self.buffer.poll_fill(cx, channel)) {
            // Over TLS, whoever leaves without a word. A message that is cut is seen as such.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            filled => filled?,
        };
        if count == 0 {
            self.ended = true;
        }
        Poll::Ready(Ok(count))
    }

    /// Reads a head. Ready when the state changed or the client closed its side.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let State::Head(scanner) = &mut self.state else { return Poll::Ready(Ok(())) };
            // Who is refused from the start is heard first: an answer before the request would
            // be taken for a broken server.
            let refused = self.line.violation().is_some();
            if refused && !self.buffer.is_empty() {
                self.state = State::Refused(0);
                return Poll::Ready(Ok(()));
            }
            match scanner.scan(self.buffer.filled()) {
                Ok(Some(head)) => {
                    self.buffer.consume(head.skip);
                    self.line.request_begins();
                    self.state = State::Passing(head.length, Framing::new(head.body));
                    return Poll::Ready(Ok(()));
                }
                Ok(None) => {}
                Err(violation) => {
                    self.line.refuse(violation);
                    continue;
                }
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if !self.buffer.is_empty() {
                self.line.head_begins();
            }
            self.buffer.make_room(self.limits.bytes_max + 4);
            ready!(self.poll_fill(cx))?;
        }
    }

    /// Passes on what the body has. Ready with nothing passed when the body is cut or refused.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        target: &mut ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() && !self.ended {
            ready!(self.poll_fill(cx))?;
        }
        let State::Body(framing) = &mut self.state else { return Poll::Ready(Ok(())) };
        if self.buffer.is_empty() {
            // The body is cut: nobody is there to be answered.
            self.line.leave();
            self.state = State::Over;
            return Poll::Ready(Ok(()));
        }
        let filled = self.buffer.filled();
        let offered = filled.get(..target.remaining()).unwrap_or(filled);
        match framing.pass(offered) {
            Ok(count) => {
                target.put_slice(offered.get(..count).unwrap_or_default());
                let over = framing.is_over();
                self.buffer.consume(count);
                if over {
                    self.state = State::Held;
                }
            }
            Err(violation) => {
                self.line.refuse(violation);
                self.state = State::Over;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the answer's end, and looks whether the client is still there.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ended {
            if self.buffer.filled().len() >= AHEAD_BYTES_MAX {
                return Poll::Pending;
            }
            self.buffer.make_room(AHEAD_BYTES_MAX);
            ready!(self.poll_fill(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// hyper has written everything that it had: the message may be over now.
    fn flushed(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.state {
            State::Held if self.line.is_answered() => {
                self.line.request_ends();
                self.buffer.shrink();
                self.flushes = 0;
                self.state = State::Head(Scanner::new(self.limits));
                // hyper does not know of the bytes that were held back.
                if !self.buffer.is_empty() {
                    cx.waker().wake_by_ref();
                }
            }
            // hyper tries once to read the rest of a body that was dropped, and does so before
            // it flushes for the second time. Then it does not look at the client any more.
            State::Body(_) if self.line.is_body_left() => {
                self.flushes = self.flushes.saturating_add(1);
                if self.flushes >= 2 {
                    self.state = State::Unwanted(UNWANTED_BYTES_MAX);
                    self.throw_away(cx)?;
                }
            }
            State::Body(_) => self.look_ahead(cx)?,
            State::Unwanted(_) => self.throw_away(cx)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads one bufferful of a body that the guest does not ask for yet, to notice if the client
    /// is gone.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.buffer.is_empty() && !self.ended && self.poll_fill(cx)?.is_ready() {
            // hyper may be waiting for the socket, which will not say again that it has bytes.
            cx.waker().wake_by_ref();
            if self.ended {
                self.line.leave();
            }
        }
        Ok(())
    }

    /// Reads what nobody wants, only to notice that the client is gone.
    fn throw_away(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let State::Unwanted(left) = self.state
            && left > 0
        {
            self.buffer.clear();
            match self.poll_fill(cx)? {
                Poll::Pending => break,
                Poll::Ready(0) => {
                    self.line.leave();
                    self.state = State::Over;
                }
                Poll::Ready(count) => self.state = State::Unwanted(left.saturating_sub(count)),
            }
        }
        Ok(())
    }
}

impl<S: Channel> Read for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut target: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Head(_) => {
                    ready!(this.poll_head(cx))?;
                    if matches!(this.state, State::Head(_)) {
                        return Poll::Ready(Ok(()));
                    }
                }
                State::Passing(left, framing) => {
                    let filled = this.buffer.filled();
                    let count = target.remaining().min(*left).min(filled.len());
                    target.put_slice(filled.get(..count).unwrap_or_default());
                    *left -= count;
                    if *left == 0 {
                        let framing = framing.clone();
                        let over = framing.is_over();
                        this.state = if over { State::Held } else { State::Body(framing) };
                    }
                    this.buffer.consume(count);
                    return Poll::Ready(Ok(()));
                }
                State::Body(_) => return this.poll_body(cx, &mut target),
                State::Held => return this.poll_held(cx),
                State::Refused(from) => {
                    let rest = STAND_IN.get(*from..).unwrap_or_default();
                    // The stand-in is answered at once and closes the connection; there is
                    // nothing to wait for behind it.
                    if rest.is_empty() {
                        return Poll::Pending;
                    }
                    let part = rest.get(..target.remaining()).unwrap_or(rest);
                    target.put_slice(part);
                    *from += part.len();
                    this.line.request_begins();
                    return Poll::Ready(Ok(()));
                }
                State::Unwanted(_) | State::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: Channel> Write for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.channel()?).poll_write(cx, bytes);
        let this = &mut *self;
        this.stall.wrote(&this.line, &written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS may hold records back; a socket holds nothing.
        let flushed = Pin::new(self.channel()?).poll_flush(cx);
        let this = &mut *self;
        this.stall.flushed(&this.line, &flushed);
        ready!(flushed)?;
        // That hyper asks says that it wrote everything.
        Poll::Ready(this.flushed(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.channel()?).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.is_write_vectored())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.channel()?).poll_write_vectored(cx, slices);
        let this = &mut *self;
        this.stall.wrote(&this.line, &written);
        written
    }
}

impl<S: Channel> Drop for Wire<S> {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.take() {
            let ahead = self.buffer.filled().to_vec();
            self.keep.put(Remains { channel, ended: self.ended, ahead });
        }
    }
}
