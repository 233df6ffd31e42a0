//! The invocations that are open: begun and not ended.
//!
//! A start is not written when it comes. The writer asks for those that are still open when it
//! writes a group; most have ended by then, and their end says all that their start would.
//!
//! Invariant: an end enters the buffer and leaves this table in one step, under the shard's lock.
//! So whoever lists the table first and takes the buffer after it never writes a start in a later
//! group than its end.

use model::InvocationId;
use model::wire::v1::Start;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHARDS: usize = 16;

/// The table of one stream.
#[derive(Debug, Default)]
pub(super) struct Running {
    shards: [Mutex<Shard>; SHARDS],
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    open: HashMap<InvocationId, Start>,
    /// Begun since the last listing. Some may have ended.
    fresh: Vec<InvocationId>,
}

/// Which open invocations to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that were never listed.
    Fresh,
    /// All.
    All,
}

impl Running {
    fn shard(&self, id: &InvocationId) -> &Mutex<Shard> {
        // The last byte of a version 7 id is random.
        let [.., last] = *id.as_bytes();
        &self.shards[usize::from(last) % SHARDS]
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Adds a start.
    pub(super) fn begin(&self, start: Start) {
        let id = start.id;
        let mut shard = self.shard(&id).lock();
        shard.fresh.push(id);
        if shard.open.insert(id, start).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Runs `write` and takes the invocation out, in one step. `write` is told whether the
    /// invocation was open.
    pub(super) fn end<T>(&self, id: &InvocationId, write: impl FnOnce(bool) -> T) -> T {
        let mut shard = self.shard(id).lock();
        let result = write(shard.open.contains_key(id));
        let start = shard.open.remove(id);
        drop(shard);
        if start.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        result
    }

    /// The start of an open invocation.
    pub(super) fn find(&self, id: &InvocationId) -> Option<Start> {
        self.shard(id).lock().open.get(id).cloned()
    }

    /// Hands the open invocations to `each`.
    pub(super) fn list(&self, which: Which, mut each: impl FnMut(&Start)) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            let mut fresh = std::mem::take(&mut shard.fresh);
            match which {
                Which::All => shard.open.values().for_each(&mut each),
                Which::Fresh => {
                    fresh.iter().filter_map(|id| shard.open.get(id)).for_each(&mut each)
                }
            }
            fresh.clear();
            shard.fresh = fresh;
        }
    }
}
