//! A channel that remembers when something last came through it, and whether it is stuck.

use crate::channel::Channel;
use crate::line::Line;
use crate::stall::Stall;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub(super) struct Tap<S> {
    channel: S,
    line: Arc<Line>,
    heard: Instant,
    stall: Stall,
}

impl<S: Channel> Tap<S> {
    pub(super) fn new(channel: S, line: Arc<Line>) -> Self {
        Self { channel, line, heard: Instant::now(), stall: Stall::default() }
    }

    /// When the client last sent anything.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    pub(super) fn into_channel(self) -> S {
        self.channel
    }
}

impl<S: Channel> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = target.filled().len();
        match ready!(Pin::new(&mut self.channel).poll_read(cx, target)) {
            // Over TLS, whoever leaves without a word.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read?,
        }
        if target.filled().len() > before {
            self.heard = Instant::now();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Channel> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.channel).poll_write(cx, bytes);
        let this = &mut *self;
        this.stall.wrote(&this.line, &written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.channel).poll_flush(cx);
        let this = &mut *self;
        this.stall.flushed(&this.line, &flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel).poll_shutdown(cx)
    }
}
