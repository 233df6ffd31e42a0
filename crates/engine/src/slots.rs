//! Room to run: how many invocations a function, a caller and the node may have at a time.
//!
//! Invariant: one caller never holds more than three quarters of a function's slots (at least
//! one), so that a single noisy caller cannot lock the others out.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A caller as far as counting goes: a hash of its name or its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallerKey(pub(crate) u64);

impl CallerKey {
    pub(crate) fn of(caller: &impl Hash) -> Self {
        Self(random_state().hash_one(caller))
    }
}

/// The key of all hashes that stand for callers: of this process's own, so that nobody can choose
/// a name that is counted as somebody else's.
pub(crate) fn random_state() -> &'static RandomState {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    &STATE
}

/// Why there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All slots of the function were taken for as long as the request may wait.
    Function,
    /// The caller holds its share already.
    Caller,
}

/// The slots of one function.
#[derive(Debug)]
pub(crate) struct Slots {
    semaphore: Arc<Semaphore>,
    callers: Arc<Tally>,
    wait: Duration,
}

/// A slot that is held; gives itself back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

impl Slots {
    pub(crate) fn new(concurrency: u32, wait: Duration) -> Self {
        let share = (concurrency as usize * 3 / 4).max(1);
        Self {
            semaphore: Arc::new(Semaphore::new(concurrency as usize)),
            callers: Arc::new(Tally::new(share)),
            wait,
        }
    }

    /// Slots of a function whose ceiling was said outright: all of them are anybody's, and nobody
    /// waits in line.
    pub(crate) fn reserved(most: u32) -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(most as usize)),
            callers: Arc::new(Tally::new(usize::MAX)),
            wait: Duration::ZERO,
        }
    }

    /// Takes a slot, waiting in line for as long as the function allows.
    pub(crate) async fn take(&self, caller: CallerKey) -> Result<Slot, Full> {
        let share = Tally::take(&self.callers, caller).ok_or(Full::Caller)?;
        if let Ok(permit) = Arc::clone(&self.semaphore).try_acquire_owned() {
            return Ok(Slot { _permit: permit, _share: share });
        }
        let waiting = Arc::clone(&self.semaphore).acquire_owned();
        match tokio::time::timeout(self.wait, waiting).await {
            Ok(Ok(permit)) => Ok(Slot { _permit: permit, _share: share }),
            Ok(Err(_)) | Err(_) => Err(Full::Function),
        }
    }
}

/// Counts what each caller holds, up to a share.
#[derive(Debug)]
pub(crate) struct Tally {
    held: Mutex<HashMap<CallerKey, usize>>,
    share: usize,
}

/// One unit of a caller's share.
#[derive(Debug)]
pub(crate) struct Share {
    tally: Arc<Tally>,
    caller: CallerKey,
}

impl Tally {
    pub(crate) fn new(share: usize) -> Self {
        Self { held: Mutex::new(HashMap::new()), share }
    }

    /// One more for `caller`, unless it holds its share.
    pub(crate) fn take(tally: &Arc<Self>, caller: CallerKey) -> Option<Share> {
        let mut held = tally.held.lock();
        let count = held.entry(caller).or_insert(0);
        if *count >= tally.share {
            return None;
        }
        *count += 1;
        Some(Share { tally: Arc::clone(tally), caller })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.tally.held.lock();
        if let Some(count) = held.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.caller);
            }
        }
    }
}

/// Everything under way on the node.
#[derive(Debug)]
pub(crate) struct NodeGauge {
    under_way: AtomicUsize,
    most: usize,
}

/// One invocation counted on the node.
#[derive(Debug)]
pub(crate) struct Counted(Arc<NodeGauge>);

impl NodeGauge {
    pub(crate) fn new(most: usize) -> Self {
        Self { under_way: AtomicUsize::new(0), most }
    }

    pub(crate) fn enter(gauge: &Arc<Self>) -> Option<Counted> {
        let before = gauge.under_way.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(gauge));
        (before < gauge.most).then_some(counted)
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_cannot_take_every_slot_and_slots_come_back() {
        let slots = Slots::new(4, Duration::from_secs(1));
        let (noisy, other) = (CallerKey(1), CallerKey(2));
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(slots.take(noisy).await.expect("within its share"));
        }
        assert_eq!(slots.take(noisy).await.expect_err("beyond its share"), Full::Caller);
        held.push(slots.take(other).await.expect("the last slot"));
        assert_eq!(slots.take(other).await.expect_err("no slot came free"), Full::Function);
        held.clear();
        slots.take(noisy).await.expect("slots are free again");
    }

    #[test]
    fn the_node_counts_what_is_under_way() {
        let gauge = Arc::new(NodeGauge::new(1));
        let first = NodeGauge::enter(&gauge).expect("room");
        assert!(NodeGauge::enter(&gauge).is_none());
        assert_eq!(gauge.under_way(), 1);
        drop(first);
        assert!(NodeGauge::enter(&gauge).is_some());
    }
}
