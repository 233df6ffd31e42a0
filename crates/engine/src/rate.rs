//! How often somebody may do something: so many in so long, counted in fixed memory.
//!
//! Each key has one number, the time at which it will have paid for all that it did (GCRA, the
//! generic cell rate algorithm of ITU-T I.371); that is a token bucket without a refill. Keys
//! live in sets of a fixed table. A key that finds its set full takes the place of the one that
//! owes least, so a flood of new keys, which owe one each, pushes out others of the flood and
//! never one that owes much. Whoever is pushed out owes nothing again; nobody is refused because
//! of others.
//!
//! Invariant: memory does not grow. Invariant: which set a key is in cannot be guessed.

use crate::slots::random_state;
use model::manifest::RateLimit;
use parking_lot::Mutex;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Sets of the table; with their entries 1 MiB.
const SETS: usize = 8192;
/// Keys of a set.
const WAYS: usize = 8;

/// A limit: one in every interval, and so many at once after a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    interval_us: u64,
    burst: u32,
}

impl From<RateLimit> for Pace {
    fn from(limit: RateLimit) -> Self {
        Self { interval_us: limit.interval_us(), burst: limit.burst() }
    }
}

impl Pace {
    /// What may be owed before one more is too much.
    pub(crate) fn slack(self) -> Duration {
        let burst = u64::from(self.burst.saturating_sub(1));
        Duration::from_micros(self.interval_us.saturating_mul(burst))
    }

    /// How long to wait, if so much is owed; `None` if one more is in order.
    pub(crate) fn wait(self, owed: Duration) -> Option<Duration> {
        owed.checked_sub(self.slack()).filter(|over| !over.is_zero())
    }
}

/// Something that is counted: a hash with a key that only this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RateKey(u64);

impl RateKey {
    pub(crate) fn of(what: &impl Hash) -> Self {
        // Zero marks an empty place.
        Self(random_state().hash_one(what).max(1))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// A key, and when it will have paid, in microseconds of the monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    key: u64,
    paid_us: u64,
}

/// What every key owes.
pub(crate) struct Rates {
    sets: Box<[Mutex<[Account; WAYS]>]>,
    /// No account is paid later than this, so that those who ask need not look while all is quiet.
    quiet_us: AtomicU64,
}

impl Rates {
    pub(crate) fn new() -> Self {
        let sets = std::iter::repeat_with(Mutex::default).take(SETS).collect();
        Self { sets, quiet_us: AtomicU64::new(0) }
    }

    /// Counts one for a key, or says how long it has to wait.
    pub(crate) fn take(&self, key: RateKey, pace: Pace, now: Duration) -> Result<(), Duration> {
        let wait = self.with(key, now, |account, now_us| {
            let owed_us = account.paid_us.saturating_sub(now_us);
            let wait = pace.wait(Duration::from_micros(owed_us));
            if wait.is_none() {
                account.paid_us = account.paid_us.saturating_add(pace.interval_us);
            }
            wait
        });
        wait.map_or(Ok(()), Err)
    }

    /// Counts one for a key, up to what it may owe at most.
    pub(crate) fn charge(&self, key: RateKey, pace: Pace, most: Duration, now: Duration) {
        let most_us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        self.with(key, now, |account, now_us| {
            let paid_us = account.paid_us.saturating_add(pace.interval_us);
            account.paid_us = paid_us.min(now_us.saturating_add(most_us)).max(account.paid_us);
        });
    }

    /// How long a key needs until it will have paid.
    pub(crate) fn owed(&self, key: RateKey, now: Duration) -> Duration {
        let now_us = micros(now);
        if self.quiet_us.load(Ordering::Relaxed) <= now_us {
            return Duration::ZERO;
        }
        let Some(set) = self.set(key) else { return Duration::ZERO };
        let set = set.lock();
        let paid_us = set.iter().find(|account| account.key == key.0).map(|it| it.paid_us);
        Duration::from_micros(paid_us.unwrap_or(0).saturating_sub(now_us))
    }

    fn set(&self, key: RateKey) -> Option<&Mutex<[Account; WAYS]>> {
        self.sets.get(usize::try_from(key.0 % SETS as u64).unwrap_or(0))
    }

    /// Runs `act` on the key's account, which is never paid before now.
    fn with<T: Default>(
        &self,
        key: RateKey,
        now: Duration,
        act: impl FnOnce(&mut Account, u64) -> T,
    ) -> T {
        let now_us = micros(now);
        let Some(set) = self.set(key) else { return T::default() };
        let mut set = set.lock();
        let own = set.iter().position(|account| account.key == key.0);
        let least = || set.iter().enumerate().min_by_key(|(_, it)| it.paid_us).map(|(at, _)| at);
        let Some(place) = own.or_else(least).and_then(|at| set.get_mut(at)) else {
            return T::default();
        };
        let known = if place.key == key.0 { place.paid_us } else { 0 };
        let mut account = Account { key: key.0, paid_us: known.max(now_us) };
        let outcome = act(&mut account, now_us);
        *place = account;
        self.quiet_us.fetch_max(account.paid_us, Ordering::Relaxed);
        outcome
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(text: &str, burst: u32) -> Pace {
        let rate = text.parse().expect(text);
        RateLimit { rate, burst: Some(burst), by: Default::default() }.into()
    }

    #[test]
    fn a_burst_passes_and_then_one_in_every_interval() {
        let (rates, pace) = (Rates::new(), pace("2/1s", 3));
        let key = RateKey::of(&"a");
        let now = SECOND * 100;
        for _ in 0..3 {
            assert_eq!(rates.take(key, pace, now), Ok(()));
        }
        assert_eq!(rates.take(key, pace, now), Err(SECOND / 2));
        assert_eq!(rates.take(RateKey::of(&"b"), pace, now), Ok(()), "another key");
        assert_eq!(rates.take(key, pace, now + SECOND / 2), Ok(()));
        assert_eq!(rates.take(key, pace, now + SECOND / 2), Err(SECOND / 2));
        let later = now + SECOND * 60;
        for _ in 0..3 {
            assert_eq!(rates.take(key, pace, later), Ok(()));
        }
        assert!(rates.take(key, pace, later).is_err(), "a long silence is worth one burst");
    }

    #[test]
    fn what_is_charged_grows_up_to_its_most() {
        let (rates, pace) = (Rates::new(), pace("1/1s", 2));
        let key = RateKey::of(&"a");
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            rates.charge(key, pace, SECOND * 4, SECOND);
            let owed = rates.owed(key, SECOND);
            assert!(owed > last || owed == SECOND * 4, "{owed:?}");
            last = owed;
        }
        assert_eq!(last, SECOND * 4);
        assert_eq!(rates.owed(key, SECOND * 10), Duration::ZERO);
    }

    /// Somebody who owes much stays, however many others come once.
    #[test]
    fn a_flood_of_keys_pushes_out_the_flood() {
        let (rates, pace) = (Rates::new(), pace("10/1m", 10));
        let guesser = RateKey::of(&"guesser");
        for _ in 0..10 {
            rates.charge(guesser, pace, SECOND * 300, SECOND);
        }
        let owed = rates.owed(guesser, SECOND);
        for number in 0..(SETS * WAYS * 3) as u64 {
            rates.charge(RateKey::of(&number), pace, SECOND * 300, SECOND);
        }
        assert_eq!(rates.owed(guesser, SECOND), owed);
    }

    proptest! {
        /// Over any time, no more pass than the burst and what the time is worth.
        #[test]
        fn no_pattern_of_calls_gets_more_than_its_rate(gaps in prop::collection::vec(0u64..400, 1..200), burst in 1u32..10) {
            let (rates, pace) = (Rates::new(), pace("10/1s", burst));
            let key = RateKey::of(&"a");
            let (mut now, mut passed) = (SECOND, 0u64);
            for gap in gaps {
                now += Duration::from_millis(gap);
                passed += u64::from(rates.take(key, pace, now).is_ok());
            }
            let worth = (now - SECOND).as_millis() as u64 / 100;
            prop_assert!(passed <= u64::from(burst) + worth);
        }
    }
}
