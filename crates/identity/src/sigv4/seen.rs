//! Signatures that were used, so that a request that changes something is done once.
//!
//! Invariant: what was remembered is remembered for as long as its signature is valid.

use model::Timestamp;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};

/// Most signatures that are remembered.
const MOST: usize = 1_000_000;
/// A group of signatures that are forgotten together, in microseconds.
const MINUTE_US: i64 = 60_000_000;

/// There is no room to remember one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded;

/// Remembers signatures by their digests.
#[derive(Debug, Default)]
pub struct Seen {
    /// By the minute in which they end. The same signature ends in the same minute.
    minutes: Mutex<BTreeMap<i64, HashSet<[u8; 16]>>>,
}

impl Seen {
    /// Remembers a signature that is valid until then. Says whether it is new.
    ///
    /// # Errors
    /// [`Crowded`]; it is not remembered and must not be taken.
    pub fn first(
        &self,
        digest: [u8; 16],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Crowded> {
        self.first_of(MOST, digest, until, now)
    }

    pub(super) fn first_of(
        &self,
        most: usize,
        digest: [u8; 16],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Crowded> {
        let mut minutes = self.minutes.lock();
        let over = now.0.div_euclid(MINUTE_US);
        *minutes = minutes.split_off(&over);
        let kept: usize = minutes.values().map(HashSet::len).sum();
        let minute = minutes.entry(until.0.div_euclid(MINUTE_US)).or_default();
        if minute.contains(&digest) {
            return Ok(false);
        }
        if kept >= most {
            return Err(Crowded);
        }
        Ok(minute.insert(digest))
    }
}
