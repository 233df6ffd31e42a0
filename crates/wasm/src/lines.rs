//! A guest's standard output and standard error, cut into lines for the log.
//!
//! Invariant: never blocks and never holds more than [`LINE_BYTES_MAX`] per stream; how many
//! bytes an invocation may log is the host's decision.

use crate::meter::Shared;
use bytes::Bytes;
use model::Labelled;
use model::wire::v1::Level;
use ports::Host;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// The longest line that is passed on; the rest of a longer one is dropped and marked.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 10;
/// What a guest may write in one call.
const WRITE_BYTES: usize = 64 << 10;

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub(crate) struct Line {
    bytes: Vec<u8>,
    /// The line is longer than what is kept, and was sent: drop until its end.
    skipping: bool,
}

impl Line {
    /// Takes what the guest wrote and sends the lines that it finishes.
    pub(crate) fn write(&mut self, mut bytes: &[u8], level: Level, host: &dyn Host) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.keep(line, level, host);
            if !std::mem::take(&mut self.skipping) {
                self.send(level, false, host);
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes, level, host);
    }

    fn keep(&mut self, part: &[u8], level: Level, host: &dyn Host) {
        if self.skipping {
            return;
        }
        let room = LINE_BYTES_MAX - self.bytes.len();
        let (kept, beyond) = part.split_at(room.min(part.len()));
        self.bytes.extend_from_slice(kept);
        if !beyond.is_empty() {
            self.send(level, true, host);
            self.skipping = true;
        }
    }

    fn send(&mut self, level: Level, cut: bool, host: &dyn Host) {
        let line = std::mem::take(&mut self.bytes);
        // Whether it is kept is the host's affair; the guest is not told.
        host.log(Labelled::plain(ports::host::Line { level, bytes: line, cut }));
    }

    /// Sends a last line that has no end.
    pub(crate) fn finish(&mut self, level: Level, host: &dyn Host) {
        if !self.bytes.is_empty() {
            self.send(level, false, host);
        }
    }
}

/// Standard output or standard error of one invocation.
#[derive(Clone)]
pub(crate) struct Stream {
    shared: Arc<Shared>,
    level: Level,
}

impl Stream {
    pub(crate) fn new(shared: Arc<Shared>, level: Level) -> Self {
        Self { shared, level }
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    /// For WASI 0.3.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.shared.log(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let part = bytes.get(..WRITE_BYTES).unwrap_or(bytes);
        self.shared.log(self.level, part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Pollable for Stream {
    fn ready<'this, 'future>(&'this mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'this: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use ports::host::{Answer, Ask, HostError};

    #[derive(Default)]
    struct Kept(Mutex<Vec<(Vec<u8>, bool)>>);

    impl Host for Kept {
        fn log(&self, line: Labelled<ports::host::Line>) {
            self.0.lock().push((line.value.bytes, line.value.cut));
        }

        fn call(self: Arc<Self>, _: Ask) -> ports::Future<'static, Result<Answer, HostError>> {
            Box::pin(std::future::ready(Err(HostError::Denied)))
        }
    }

    fn lines(writes: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let host = Kept::default();
        let mut line = Line::default();
        for write in writes {
            line.write(write, Level::Info, &host);
        }
        line.finish(Level::Info, &host);
        host.0.into_inner()
    }

    #[test]
    fn splits_at_line_ends_wherever_the_writes_are_cut() {
        let expect = vec![(b"one".to_vec(), false), (Vec::new(), false), (b"two".to_vec(), false)];
        assert_eq!(lines(&[b"one\n\ntwo"]), expect);
        assert_eq!(lines(&[b"o", b"ne", b"\n", b"\nt", b"wo", b""]), expect);
        assert_eq!(lines(&[]), vec![]);
    }

    #[test]
    fn cuts_a_long_line_once_and_goes_on_with_the_next() {
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        let expect = vec![(vec![b'x'; LINE_BYTES_MAX], true), (b"next".to_vec(), false)];
        assert_eq!(lines(&[&long, &long, b"end\nnext\n"]), expect);
        let exact = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(lines(&[&exact, b"\n"]), vec![(exact.clone(), false)]);
    }
}
