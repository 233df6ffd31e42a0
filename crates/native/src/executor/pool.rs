//! Jails with an interpreter in them and no function: what makes a first call fast.
//!
//! Invariant: a member serves one function only; who takes one out never gives it back.

use super::start::Member;
use parking_lot::Mutex;
use std::collections::HashMap;

/// The members, by the interpreter that runs in them.
pub(crate) struct Pool {
    /// How many of each are kept.
    size: usize,
    waiting: Mutex<HashMap<String, Shelf>>,
}

#[derive(Default)]
struct Shelf {
    members: Vec<Member>,
    /// How many are being started.
    coming: usize,
}

impl Pool {
    pub(crate) fn new(size: u32) -> Self {
        Self { size: size as usize, waiting: Mutex::default() }
    }

    /// A jail whose interpreter waits, and how many have to be started for the pool to be full again.
    /// Whoever asks starts them and says so with [`Self::put`] or [`Self::missed`].
    pub(crate) fn take(&self, interpreter: &str) -> (Option<Member>, usize) {
        if self.size == 0 {
            return (None, 0);
        }
        let mut waiting = self.waiting.lock();
        let shelf = waiting.entry(interpreter.to_owned()).or_default();
        let mut found = shelf.members.pop();
        while found.as_ref().is_some_and(Member::has_ended) {
            found = shelf.members.pop();
        }
        let missing = self.size.saturating_sub(shelf.members.len() + shelf.coming);
        shelf.coming += missing;
        (found, missing)
    }

    /// How many have to be started for the pool to be full, as with [`Self::take`].
    pub(crate) fn missing(&self, interpreter: &str) -> usize {
        let mut waiting = self.waiting.lock();
        let shelf = waiting.entry(interpreter.to_owned()).or_default();
        let missing = self.size.saturating_sub(shelf.members.len() + shelf.coming);
        shelf.coming += missing;
        missing
    }

    /// One more waits.
    pub(crate) fn put(&self, interpreter: &str, member: Member) {
        let mut waiting = self.waiting.lock();
        let shelf = waiting.entry(interpreter.to_owned()).or_default();
        shelf.coming = shelf.coming.saturating_sub(1);
        shelf.members.push(member);
    }

    /// One could not be started.
    pub(crate) fn missed(&self, interpreter: &str) {
        if let Some(shelf) = self.waiting.lock().get_mut(interpreter) {
            shelf.coming = shelf.coming.saturating_sub(1);
        }
    }
}
