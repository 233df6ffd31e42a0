//! What a process prints, as lines of the log of the invocation that it has in hand.
//!
//! Invariant: a process is never kept waiting for a full pipe, and what it printed before it was done
//! with an invocation is in that invocation's log.

use crate::seat::Seat;
use model::Labelled;
use model::wire::v1::Level;
use parking_lot::Mutex;
use ports::host::{self, HostError};
use ports::lines::Line;
use ports::{Future, Host};
use std::io;
use std::sync::Arc;
use tokio::net::unix::pipe::Receiver;

/// A line that a process prints for its platform and not for its log.
type Mark = &'static [u8];

/// What is read at once.
const READ_BYTES: usize = 16 << 10;

/// One of a process's two streams.
pub(crate) struct Stream {
    pipe: Receiver,
    level: Level,
    seat: Arc<Seat>,
    line: Mutex<Line>,
    mark: Option<Mark>,
}

impl Stream {
    pub(crate) fn new(pipe: Receiver, level: Level, seat: Arc<Seat>) -> Self {
        Self { pipe, level, seat, line: Mutex::default(), mark: None }
    }

    /// One whose lines lose a mark at their end; those that are nothing else are nobody's.
    pub(crate) fn without(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    /// Passes on what comes, until the stream ends.
    pub(crate) async fn pump(&self) {
        while self.pipe.readable().await.is_ok() {
            if !self.drain() {
                return;
            }
        }
    }

    /// Passes on what has come already. Says whether more can come.
    pub(crate) fn drain(&self) -> bool {
        let mut bytes = [0; READ_BYTES];
        loop {
            // Held while reading too, so that pieces stay in their order.
            let mut line = self.line.lock();
            match self.pipe.try_read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => {
                    // What is printed while nobody is served is nobody's, and is dropped.
                    if let (Some(host), Some(part)) = (self.seat.host(), bytes.get(..length)) {
                        line.write(part, self.level, &Sieve { host: &*host, mark: self.mark });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Sends a last line that has no end: the invocation is over.
    pub(crate) fn finish(&self) {
        if let Some(host) = self.seat.host() {
            self.line.lock().finish(self.level, &Sieve { host: &*host, mark: self.mark });
        }
    }
}

/// A host that lines come to without a mark.
struct Sieve<'a> {
    host: &'a dyn Host,
    mark: Option<Mark>,
}

impl Host for Sieve<'_> {
    fn log(&self, mut line: Labelled<host::Line>) {
        if let Some(rest) = self.mark.and_then(|mark| line.value.bytes.strip_suffix(mark)) {
            if rest.trim_ascii().is_empty() {
                return;
            }
            let length = rest.len();
            line.value.bytes.truncate(length);
        }
        self.host.log(line);
    }

    fn call(self: Arc<Self>, _: host::Ask) -> Future<'static, Result<host::Answer, HostError>> {
        Box::pin(std::future::ready(Err(HostError::Denied)))
    }
}
