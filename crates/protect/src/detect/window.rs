//! The part of a stream that is at hand, and what stands around a place in it.
//!
//! Invariant: whoever looked past the end of what is at hand is found out by [`Window::short`], so
//! that its answer is thrown away and asked for again when there is more.

use super::bytes::{self, DIGIT, FOREIGN, LETTER, UNDERSCORE};
use std::cell::Cell;

/// How far back a rule may look from where it was triggered, in bytes.
pub(super) const LOOK_BACK: usize = 128;
/// How far ahead a rule may look from where it was triggered, in bytes.
pub(super) const LOOK_AHEAD: usize = 8 * 1024;

/// Some bytes of a stream.
pub(super) struct Window<'a> {
    /// The bytes.
    pub(super) bytes: &'a [u8],
    /// What is said about all of them elsewhere, such as the head of their column.
    pub(super) about: &'a [u8],
    /// Whether the stream ends with them.
    pub(super) last: bool,
    short: Cell<bool>,
}

impl<'a> Window<'a> {
    pub(super) const fn new(bytes: &'a [u8], about: &'a [u8], last: bool) -> Self {
        Self { bytes, about, last, short: Cell::new(false) }
    }

    /// The byte at `at`, if there is one.
    #[inline]
    pub(super) fn at(&self, at: usize) -> Option<u8> {
        let byte = self.bytes.get(at).copied();
        if byte.is_none() && !self.last {
            self.short.set(true);
        }
        byte
    }

    /// Whether somebody looked past the end since this was asked last.
    pub(super) fn short(&self) -> bool {
        self.short.replace(false)
    }

    /// The byte before `at`.
    #[inline]
    pub(super) fn before(&self, at: usize) -> Option<u8> {
        self.bytes.get(at.checked_sub(1)?).copied()
    }

    /// The bytes from `from` to `to`, as far as they are there.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        let to = to.min(self.bytes.len());
        self.bytes.get(from.min(to)..to).unwrap_or_default()
    }

    /// Whether the text goes on with `what` at `at`.
    pub(super) fn goes_on(&self, at: usize, what: &[u8]) -> bool {
        what.iter().enumerate().all(|(index, byte)| self.at(at + index) == Some(*byte))
    }

    /// The first place from `from` on, at most `most` bytes away, whose byte is not `of`.
    pub(super) fn run(&self, from: usize, most: usize, of: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while at < from + most && self.at(at).is_some_and(&of) {
            at += 1;
        }
        at
    }

    /// Whether a value may begin at `at`: nothing before it that belongs to the same word or
    /// number. The letter of an escape, as in `\n4111`, belongs to none.
    #[inline]
    pub(super) fn begins(&self, at: usize) -> bool {
        let Some(before) = self.before(at) else { return true };
        let earlier = at.checked_sub(2).and_then(|at| self.bytes.get(at)).copied();
        match before {
            b'n' | b'r' | b't' => earlier == Some(b'\\'),
            b'.' | b',' | b':' | b'/' => !earlier.is_some_and(|b| b.is_ascii_digit()),
            b'-' | b'+' | b'@' | b'_' | b'*' => false,
            byte => !is_word(byte),
        }
    }

    /// Whether a value may end before `at`.
    pub(super) fn ends(&self, at: usize) -> bool {
        let Some(byte) = self.at(at) else { return true };
        match byte {
            b'.' | b',' => !self.at(at + 1).is_some_and(|b| b.is_ascii_digit()),
            b'-' => !self.at(at + 1).is_some_and(is_word),
            b'@' | b'_' | b'*' => false,
            byte => !is_word(byte),
        }
    }
}

/// Whether the byte belongs to a word. Letters outside ASCII do.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    bytes::is(byte, DIGIT | LETTER | UNDERSCORE | FOREIGN)
}
