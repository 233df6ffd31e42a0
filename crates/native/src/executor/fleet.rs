//! The processes of one function: those that serve, and those that wait to.
//!
//! Invariant: a process serves one revision of one function and nothing else, ever.

use super::instance::Instance;
use parking_lot::Mutex;
use ports::executor::Unit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a process is kept that has nothing to do, if the manifest says nothing.
const IDLE: Duration = Duration::from_secs(300);
/// Longest that an invocation waits for a process that has answered another: about as long as it takes
/// to start one.
const SOON: Duration = Duration::from_millis(20);
/// How long nobody tries to start a process ahead of its invocations after that failed.
const PAUSE: Duration = Duration::from_secs(10);

/// Which revision of which function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    function: Arc<model::FunctionRef>,
    revision: u32,
    artifact: model::Digest,
    /// The version, if it is one and not what is active.
    version: Option<u32>,
}

impl Key {
    pub(crate) fn of(unit: &Unit) -> Self {
        let artifact = unit.program.artifact;
        let (revision, version) = (unit.revision, unit.around.version);
        Self { function: Arc::clone(&unit.function), revision, artifact, version }
    }

    /// Whether this is what `live` says of it.
    pub(crate) fn is(&self, live: &dyn Fn(&model::FunctionRef, u32) -> bool) -> bool {
        live(&self.function, self.revision)
    }
}

impl Key {
    /// Whether one takes the place of the other. Versions stay.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.function == other.function && self.version == other.version && self != other
    }
}

/// The processes of one revision.
pub(crate) struct Fleet {
    unit: Arc<Unit>,
    /// How many are to be kept ready.
    said: AtomicUsize,
    /// The one that was used last stands last, so that the others grow old.
    all: Mutex<Vec<Arc<Instance>>>,
    /// Whether this is the revision that was called last: it alone is provided for.
    current: AtomicBool,
    ahead: Mutex<Ahead>,
    /// Held by who starts a process that others can share.
    turn: tokio::sync::Mutex<()>,
    /// How many have answered, and are not done with what they do after it.
    settling: AtomicUsize,
    /// Rung when one of them is.
    settled: Notify,
}

/// What is started ahead of invocations.
#[derive(Default)]
struct Ahead {
    coming: usize,
    /// When it can be tried again, by the monotonic clock.
    next: Duration,
}

/// A process that has answered. Dropping it says that it is done, one way or the other.
pub(crate) struct Settling(Arc<Fleet>);

impl Drop for Settling {
    fn drop(&mut self) {
        self.0.settling.fetch_sub(1, Relaxed);
        self.0.settled.notify_waiters();
    }
}

/// How many processes of a unit are to be kept ready.
pub(crate) fn said(unit: &Unit) -> usize {
    let native = unit.around.native.as_ref();
    native.and_then(|native| native.provisioned).unwrap_or(0) as usize
}

impl Fleet {
    pub(crate) fn new(unit: Arc<Unit>) -> Self {
        let (all, current, ahead, turn) = Default::default();
        let (settling, settled) = Default::default();
        let said = AtomicUsize::new(said(&unit));
        Self { unit, said, all, current, ahead, turn, settling, settled }
    }

    pub(crate) const fn unit(&self) -> &Arc<Unit> {
        &self.unit
    }

    /// Whether a process has several invocations in hand.
    pub(crate) fn is_shared(&self) -> bool {
        let native = self.unit.around.native.as_ref();
        native.and_then(|native| native.parallel).is_some_and(|parallel| parallel > 1)
    }

    /// Waits until nobody else starts a process.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// A process has answered and is not done yet.
    pub(crate) fn settles(self: &Arc<Self>) -> Settling {
        self.settling.fetch_add(1, Relaxed);
        Settling(Arc::clone(self))
    }

    /// Waits a little for a process that has answered already: it is sooner free than another is
    /// started. Gives what `look` finds then.
    pub(crate) async fn soon<T>(&self, look: impl Fn() -> Option<T>) -> Option<T> {
        let wait = async {
            while self.settling.load(Relaxed) > 0 {
                let mut settled = std::pin::pin!(self.settled.notified());
                settled.as_mut().enable();
                if let Some(found) = look() {
                    return Some(found);
                }
                settled.await;
            }
            look()
        };
        tokio::time::timeout(SOON, wait).await.ok().flatten()
    }

    /// How long a process is kept that has nothing to do.
    pub(crate) fn idle(&self) -> Duration {
        let native = self.unit.around.native.as_ref();
        native.and_then(|native| native.idle).map_or(IDLE, |idle| idle.std())
    }

    pub(crate) fn is_current(&self) -> bool {
        self.current.load(Relaxed)
    }

    pub(crate) fn set_current(&self, current: bool) {
        self.current.store(current, Relaxed);
    }

    /// How many processes are kept, whoever calls.
    pub(crate) fn provisioned(&self) -> usize {
        if self.is_current() { self.said.load(Relaxed) } else { 0 }
    }

    /// Says anew how many are to be kept ready.
    pub(crate) fn provision(&self, count: usize) {
        self.said.store(count, Relaxed);
    }

    /// How many processes there are.
    pub(crate) fn len(&self) -> usize {
        self.all.lock().len()
    }

    /// How many have to be started. Whoever asks starts them, and says so with [`Self::came`].
    pub(crate) fn lacking(&self, now: Duration) -> usize {
        let provisioned = self.provisioned();
        // What it may read is asked for in the name of an invocation, and there is none.
        if provisioned == 0 || !self.unit.revealed.is_empty() {
            return 0;
        }
        let mut ahead = self.ahead.lock();
        if now < ahead.next {
            return 0;
        }
        let lacking = provisioned.saturating_sub(self.all.lock().len() + ahead.coming);
        ahead.coming += lacking;
        lacking
    }

    /// One that was lacking is there, or could not be started.
    pub(crate) fn came(&self, instance: Option<&Arc<Instance>>, now: Duration) {
        if let Some(instance) = instance {
            self.put_last(instance);
        }
        let mut ahead = self.ahead.lock();
        ahead.coming = ahead.coming.saturating_sub(1);
        if instance.is_none() {
            ahead.next = now.saturating_add(PAUSE);
        }
    }

    /// A process with room, if there is one; the room is taken.
    pub(crate) fn board(&self) -> Option<Arc<Instance>> {
        let all = self.all.lock();
        all.iter().rev().find(|instance| instance.board()).map(Arc::clone)
    }

    /// A process that was started, or that has done an invocation, to the end of the line.
    pub(crate) fn put_last(&self, instance: &Arc<Instance>) {
        let mut all = self.all.lock();
        all.retain(|other| !Arc::ptr_eq(other, instance));
        all.push(Arc::clone(instance));
    }

    /// Takes a process out, which ends it with its last invocation.
    pub(crate) fn leave(&self, instance: &Arc<Instance>) {
        self.all.lock().retain(|other| !Arc::ptr_eq(other, instance));
    }

    /// Takes out all that have ended by themselves, and all that have waited since before `then`, but
    /// for the `kept` last ones.
    pub(crate) fn take_idle(&self, then: Duration, kept: usize) -> Vec<Arc<Instance>> {
        let mut all = self.all.lock();
        let mut spare = all.len().saturating_sub(kept);
        all.extract_if(.., |instance| {
            let goes = instance.has_gone() || spare > 0 && instance.retire_if_idle_since(then);
            spare = spare.saturating_sub(usize::from(goes));
            goes
        })
        .collect()
    }

    /// Those that serve nobody and are not frozen yet, and have not served since `then`.
    pub(crate) fn freeze_idle(&self, then: Duration) {
        for instance in &*self.all.lock() {
            instance.freeze_if_idle_since(then);
        }
    }
}
