//! What a process prints, as lines of the log of the invocation that it has in hand.
//!
//! Invariant: a process is never kept waiting for a full pipe, and what it printed before it was done
//! with an invocation is in that invocation's log.

use crate::seat::Seat;
use model::wire::v1::Level;
use parking_lot::Mutex;
use ports::lines::Line;
use std::io;
use std::sync::Arc;
use tokio::net::unix::pipe::Receiver;

/// What is read at once.
const READ_BYTES: usize = 16 << 10;

/// One of a process's two streams.
pub(crate) struct Stream {
    pipe: Receiver,
    level: Level,
    seat: Arc<Seat>,
    line: Mutex<Line>,
}

impl Stream {
    pub(crate) fn new(pipe: Receiver, level: Level, seat: Arc<Seat>) -> Self {
        Self { pipe, level, seat, line: Mutex::default() }
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
                        line.write(part, self.level, &*host);
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
            self.line.lock().finish(self.level, &*host);
        }
    }
}
