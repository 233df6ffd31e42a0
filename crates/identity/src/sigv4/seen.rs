//! Signatures that were used, so that a request that changes something is done once.
//!
//! A signature names a second, so a client that asks for the same twice within it signs both alike.
//! Tools of AWS's say which is which in `amz-sdk-invocation-id` and `amz-sdk-request`, and some do
//! not sign that. So a signature that comes again with others of these is taken for a few seconds
//! from when it first came; one that comes again with the same, or without, is not taken at all.
//!
//! Invariant: what was remembered is remembered for as long as its signature is valid.

use model::Timestamp;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most requests that are remembered.
const MOST: usize = 1_000_000;
/// A group of signatures that are forgotten together, in microseconds.
const MINUTE_US: i64 = 60_000_000;
/// How long a signature is taken for other requests than its first, in microseconds.
pub(super) const AGAIN_US: i64 = 5_000_000;

/// A short form of what has to be told apart.
type Short = [u8; 16];

/// There is no room to remember one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded;

/// Remembers signatures by their digests.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By the minute in which they end. The same signature ends in the same minute.
    minutes: BTreeMap<i64, HashMap<Short, Uses>>,
    kept: usize,
}

/// What a signature was used for.
#[derive(Debug)]
struct Uses {
    first: Timestamp,
    attempts: HashSet<Short>,
}

impl Seen {
    /// Remembers a signature that is valid until then, and the attempt that it came with. Says
    /// whether it may be taken.
    ///
    /// # Errors
    /// [`Crowded`]; it is not remembered and must not be taken.
    pub fn first(
        &self,
        signature: Short,
        attempt: Short,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Crowded> {
        self.first_of(MOST, (signature, attempt), until, now)
    }

    pub(super) fn first_of(
        &self,
        most: usize,
        (signature, attempt): (Short, Short),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Crowded> {
        let mut table = self.0.lock();
        table.forget(now);
        let full = table.kept >= most;
        let minute = table.minutes.entry(until.0.div_euclid(MINUTE_US)).or_default();
        if let Some(uses) = minute.get(&signature)
            && (uses.attempts.contains(&attempt) || now > uses.first.plus_us(AGAIN_US))
        {
            return Ok(false);
        }
        if full {
            return Err(Crowded);
        }
        let new = || Uses { first: now, attempts: HashSet::new() };
        minute.entry(signature).or_insert_with(new).attempts.insert(attempt);
        table.kept += 1;
        Ok(true)
    }
}

impl Table {
    fn forget(&mut self, now: Timestamp) {
        let over = now.0.div_euclid(MINUTE_US);
        while let Some(first) = self.minutes.first_entry().filter(|it| *it.key() < over) {
            let gone: usize = first.remove().values().map(|uses| uses.attempts.len()).sum();
            self.kept = self.kept.saturating_sub(gone);
        }
    }
}
