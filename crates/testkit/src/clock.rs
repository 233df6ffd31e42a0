//! A clock that a test moves by hand.

use model::Timestamp;
use parking_lot::Mutex;
use ports::Clock;
use std::time::Duration;

/// Stands still until it is moved.
#[derive(Debug)]
pub struct FakeClock(Mutex<(i64, Duration)>);

impl FakeClock {
    /// A clock that shows this time, in microseconds UTC.
    #[must_use]
    pub fn at(wall_us: i64) -> Self {
        Self(Mutex::new((wall_us, Duration::from_secs(1))))
    }

    /// Moves both clocks forward.
    pub fn forward(&self, by: Duration) {
        let mut now = self.0.lock();
        now.0 = now.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
        now.1 += by;
    }

    /// Has the wall clock jump, as when somebody sets it; the monotonic one stays.
    pub fn jump(&self, by_us: i64) {
        let mut now = self.0.lock();
        now.0 = now.0.saturating_add(by_us);
    }
}

impl Clock for FakeClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.lock().0)
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().1
    }
}
