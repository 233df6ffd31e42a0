//! The system's clocks, which are read here only, and one that stands still.

use model::Timestamp;
use ports::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

fn now(id: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let since_epoch = now(rustix::time::ClockId::Realtime);
        Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        now(rustix::time::ClockId::Monotonic)
    }
}

/// A wall clock that shows what it was told; only the monotonic clock goes on.
#[derive(Debug)]
pub(crate) struct StandingClock(AtomicI64);

impl StandingClock {
    /// A clock that shows this time.
    pub(crate) const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.0))
    }

    /// Puts it to another time.
    pub(crate) fn put(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::Relaxed);
    }
}

impl Clock for StandingClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}
