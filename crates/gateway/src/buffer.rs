//! Bytes that were read and not yet passed on.
//!
//! Invariant: `start <= end <= bytes.len()`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// What a connection keeps while it is idle.
const CAPACITY_MIN: usize = 4 * 1024;
/// As much is read in one go from a client that sends a lot.
const CAPACITY_MAX: usize = 64 * 1024;

/// A buffer that gives up what it does not need.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; CAPACITY_MIN], start: 0, end: 0 }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Drops all bytes.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Goes back to the size of an idle connection.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() && self.bytes.len() > CAPACITY_MIN {
            self.bytes = vec![0; CAPACITY_MIN];
        }
    }

    /// Makes room for at least one more byte, unless `capacity` bytes are waiting already.
    pub(crate) fn make_room(&mut self, capacity: usize) -> bool {
        if self.end < self.bytes.len() {
            return true;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            return true;
        }
        let larger = (self.bytes.len() * 2).min(capacity);
        if larger <= self.bytes.len() {
            return false;
        }
        self.bytes.resize(larger, 0);
        true
    }

    /// Reads into the room that there is; 0 is the end.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        channel: &mut S,
    ) -> Poll<io::Result<usize>> {
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let mut space = ReadBuf::new(room);
        ready!(Pin::new(channel).poll_read(cx, &mut space))?;
        let count = space.filled().len();
        let filled_up = space.remaining() == 0;
        self.end += count;
        if filled_up && self.start == 0 && self.bytes.len() < CAPACITY_MAX {
            let larger = self.bytes.len() * 2;
            self.bytes.resize(larger, 0);
        }
        Poll::Ready(Ok(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_by_moving_first_and_by_growing_up_to_the_limit() {
        let mut buffer = Buffer::new();
        buffer.end = CAPACITY_MIN;
        buffer.bytes[CAPACITY_MIN - 1] = 7;
        buffer.consume(CAPACITY_MIN - 1);
        assert!(buffer.make_room(CAPACITY_MIN));
        assert_eq!(buffer.filled(), [7]);
        assert_eq!(buffer.bytes.len(), CAPACITY_MIN);
        buffer.end = CAPACITY_MIN;
        assert!(!buffer.make_room(CAPACITY_MIN));
        assert!(buffer.make_room(CAPACITY_MIN + 10));
        assert_eq!(buffer.bytes.len(), CAPACITY_MIN + 10);
        assert_eq!(buffer.filled()[0], 7);
        buffer.clear();
        buffer.shrink();
        assert_eq!(buffer.bytes.len(), CAPACITY_MIN);
    }
}
