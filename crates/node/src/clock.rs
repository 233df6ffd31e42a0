//! The system's clocks: the only place that reads them.

use model::Timestamp;
use ports::Clock;
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
