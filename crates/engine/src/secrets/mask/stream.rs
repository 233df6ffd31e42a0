//! A body on its way, frame by frame.
//!
//! Invariant: nothing is passed on while a pattern that began in it has not ended, also where a
//! shorter one has; so how a body is cut into frames does not matter.

use super::index::State;
use super::{Found, Hit, Masker};
use bytes::Bytes;
use std::sync::Arc;

/// A body on its way, frame by frame.
pub(crate) struct Stream {
    masker: Arc<Masker>,
    /// The end of what came, which may be the beginning of a value.
    held: Vec<u8>,
    /// Where in it something stands already.
    found: Found,
    state: State,
    /// Whether the automaton reads along. Until a value may have begun, a glance is enough.
    reads: bool,
}

impl Stream {
    pub(crate) fn new(masker: Arc<Masker>) -> Self {
        Self {
            masker,
            held: Vec::new(),
            found: Found::default(),
            state: State::default(),
            reads: false,
        }
    }

    /// What can be passed on after another frame, and what was found. May be empty: then all of it
    /// could still become a value.
    pub(crate) fn push(&mut self, frame: Bytes) -> (Bytes, Vec<Hit>) {
        let mut frame = frame;
        if !self.reads {
            frame = match self.held.is_empty() {
                true => frame,
                false => [std::mem::take(&mut self.held).as_slice(), &frame].concat().into(),
            };
            if !self.masker.may_hold(&frame) {
                let end = frame.len() - self.masker.begun(&frame);
                self.held.extend_from_slice(frame.get(end..).unwrap_or_default());
                return (frame.slice(..end), Vec::new());
            }
            self.reads = true;
        }
        let before = self.held.len();
        self.masker.scan(&mut self.state, &frame, before, &mut self.found);
        let joined = match before {
            0 => frame,
            _ => {
                let mut joined = std::mem::take(&mut self.held);
                joined.extend_from_slice(&frame);
                Bytes::from(joined)
            }
        };
        let end = joined.len().saturating_sub(self.masker.open(self.state));
        self.held.extend_from_slice(joined.get(end..).unwrap_or_default());
        let passed = joined.slice(..end);
        let passed = match self.found.is_before(end) {
            true => Bytes::from(self.found.covered(&passed)),
            false => passed,
        };
        self.found.drop_before(end);
        (passed, self.found.take_hits())
    }

    /// What was held back, once nothing more comes.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        let held = std::mem::take(&mut self.held);
        let found = std::mem::take(&mut self.found);
        (self.state, self.reads) = (State::default(), false);
        (!held.is_empty()).then(|| Bytes::from(found.covered(&held)))
    }

    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}
