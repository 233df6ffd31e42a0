//! Looks at a stream piece by piece.
//!
//! Invariant: the buffer holds what is undecided and what rules may look back at, and not more
//! than 73 KiB.

use super::Finding;
use super::detector::{Cursor, Detector, Next, first_start};
use super::exact::Exact;
use super::window::{LOOK_AHEAD, LOOK_BACK, Window};
use std::ops::Deref;

/// Most bytes that are looked at at once.
const PIECE: usize = 64 * 1024;
/// Room for a piece and for what was before it: undecided, or looked back at.
const ROOM: usize = PIECE + LOOK_AHEAD + 4 * LOOK_BACK;

/// A stream that is looked at. The detector is borrowed, or shared where the stream outlives who
/// began with it.
#[derive(Debug)]
pub struct Scanner<'a, D = &'a Detector> {
    detector: D,
    exact: Option<&'a Exact>,
    buffer: Vec<u8>,
    /// How many bytes of the stream were before the buffer.
    base: u64,
    cursor: Cursor,
    /// Up to where in the buffer nothing can become a finding any more.
    decided: usize,
}

impl<'a, D: Deref<Target = Detector>> Scanner<'a, D> {
    pub(super) fn new(detector: D, exact: Option<&'a Exact>) -> Self {
        let buffer = Vec::with_capacity(ROOM);
        Self { detector, exact, buffer, base: 0, cursor: Cursor::default(), decided: 0 }
    }

    /// Takes the next bytes. Findings come in order and do not overlap.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Finding)) {
        for piece in bytes.chunks(PIECE) {
            self.forget(piece.len());
            self.buffer.extend_from_slice(piece);
            self.look(false, &mut found);
        }
    }

    /// There are no more bytes.
    pub fn finish(&mut self, mut found: impl FnMut(Finding)) {
        self.look(true, &mut found);
    }

    /// Up to where in the stream everything is found that begins there.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.base + u64::try_from(self.decided).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.buffer.capacity()
    }

    /// Drops what nobody looks at any more, if there is no room for `more` bytes.
    fn forget(&mut self, more: usize) {
        if self.buffer.len() + more <= self.buffer.capacity() {
            return;
        }
        let gone = self.cursor.at.min(self.decided).saturating_sub(LOOK_BACK);
        self.buffer.drain(..gone);
        self.cursor.shift(gone);
        self.decided -= gone;
        self.base += u64::try_from(gone).unwrap_or_default();
    }

    fn look(&mut self, last: bool, found: &mut impl FnMut(Finding)) {
        self.cursor.refresh();
        let window = Window::new(&self.buffer, b"", last);
        let waits = loop {
            match self.detector.next(&window, &mut self.cursor, self.exact) {
                Next::Found(hit, known) => found(hit.at(self.base, known)),
                Next::Wait(at) => break at,
                Next::End => break self.buffer.len(),
            }
        };
        let sure = if last { waits } else { first_start(&self.buffer, waits) };
        self.decided = self.decided.max(sure);
    }
}
