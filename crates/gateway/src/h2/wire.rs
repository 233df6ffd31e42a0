//! The wire below hyper for HTTP/2: follows the frames of both sides and passes bytes on as they
//! are.
//!
//! Invariant: after a fault, no byte of the client is passed on.

use super::frames::{Cutter, DATA, Frames, Limits};
use super::pace::Pace;
use crate::buffer::Buffer;
use crate::channel::Channel;
use crate::remains::Keep;
use crate::stall::Stall;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What is left of a connection when hyper let go of it.
pub(crate) struct Rest<S> {
    pub(crate) channel: S,
    /// The client had closed its side.
    pub(crate) ended: bool,
    /// What was sent are whole frames.
    pub(crate) between: bool,
    /// The highest stream that the client opened.
    pub(crate) newest: u32,
}

/// Reads and writes a channel for hyper.
pub(crate) struct Wire<S: Channel> {
    /// Present until this is dropped.
    channel: Option<S>,
    keep: Keep<Rest<S>>,
    pace: Arc<Pace>,
    buffer: Buffer,
    frames: Frames,
    sent: Cutter,
    stall: Stall,
    ended: bool,
}

impl<S: Channel> Wire<S> {
    pub(crate) fn new(channel: S, keep: Keep<Rest<S>>, pace: Arc<Pace>, limits: Limits) -> Self {
        Self {
            channel: Some(channel),
            keep,
            pace,
            buffer: Buffer::new(),
            frames: Frames::new(limits),
            sent: Cutter::default(),
            stall: Stall::default(),
            ended: false,
        }
    }

    fn channel(&mut self) -> io::Result<&mut S> {
        self.channel.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Reads more and looks at it. Pending for good after a fault: whoever drives the connection
    /// ends it.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pace.fault().is_some() {
            return Poll::Pending;
        }
        if self.pace.is_idle() {
            self.buffer.shrink();
        }
        let Some(channel) = self.channel.as_mut() else { return Poll::Ready(Ok(())) };
        let count = match ready!(self.buffer.poll_fill(cx, channel)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            filled => filled?,
        };
        self.ended = count == 0;
        let passed = self.frames.pass(self.buffer.filled(), self.pace.line.now_ms());
        self.pace.amid(self.frames.is_amid());
        if let Err(fault) = passed {
            self.buffer.clear();
            self.pace.fail(fault);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    /// Follows what was sent.
    fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Some(head) = self.sent.next(&mut bytes)
                && head.kind == DATA
            {
                self.frames.sent_data();
                self.pace.progress();
            }
        }
    }
}

impl<S: Channel> Read for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut target: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.buffer.is_empty() && !this.ended {
            ready!(this.poll_fill(cx))?;
        }
        let filled = this.buffer.filled();
        let part = filled.get(..target.remaining()).unwrap_or(filled);
        target.put_slice(part);
        let count = part.len();
        this.buffer.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: Channel> Write for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(this.channel()?).poll_write(cx, bytes);
        this.stall.wrote(&this.pace.line, &written);
        if let Poll::Ready(Ok(count)) = written {
            this.follow(bytes.get(..count).unwrap_or(bytes));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let flushed = Pin::new(this.channel()?).poll_flush(cx);
        this.stall.flushed(&this.pace.line, &flushed);
        flushed
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
        let this = &mut *self;
        let written = Pin::new(this.channel()?).poll_write_vectored(cx, slices);
        this.stall.wrote(&this.pace.line, &written);
        if let Poll::Ready(Ok(mut left)) = written {
            for slice in slices {
                let part = slice.get(..left).unwrap_or(slice);
                left -= part.len();
                this.follow(part);
            }
        }
        written
    }
}

impl<S: Channel> Drop for Wire<S> {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.take() {
            let between = self.sent.is_between();
            let newest = self.frames.newest();
            self.keep.put(Rest { channel, ended: self.ended, between, newest });
        }
    }
}
