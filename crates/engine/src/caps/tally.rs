//! What was used, by second, minute and day, in atomics.
//!
//! Totals only grow (but for an invocation that is given back before it ran), and each window
//! remembers the totals that it began with. So a window that turns loses nothing that is added at
//! the same time: what is added in that moment counts in the new window at the latest.
//!
//! Invariant: a clock that jumps gives no more than one window anew. Forwards, a new window begins.
//! Backwards by less than a window, the window stays until the clock has caught up; by more, the
//! window moves back and what was used stays used.

use model::Timestamp;
use model::cap::{Meter, Per};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

/// How many things are counted: [`Meter::ALL`], refusals, and refusals that caps in `observe` mode
/// would have made.
pub(super) const COUNTED: usize = Meter::ALL.len() + 2;
/// The place of refusals.
pub(super) const REFUSED: usize = Meter::ALL.len();
/// The place of refusals that were only observed.
pub(super) const OBSERVED: usize = Meter::ALL.len() + 1;

/// What was used.
#[derive(Debug, Default)]
pub(super) struct Tally {
    totals: [AtomicU64; COUNTED],
    windows: [Window; Per::ALL.len()],
}

/// A second, a minute or a day.
#[derive(Debug)]
struct Window {
    /// Since the Unix epoch; the least number before anything was counted.
    number: AtomicI64,
    /// The totals when it began.
    base: [AtomicU64; COUNTED],
}

impl Default for Window {
    fn default() -> Self {
        Self { number: AtomicI64::new(i64::MIN), base: Default::default() }
    }
}

/// The window of this kind at this time.
pub(super) fn number(per: Per, now: Timestamp) -> i64 {
    now.0.div_euclid(per.us())
}

/// When a window is over.
pub(super) fn end(per: Per, number: i64) -> Timestamp {
    Timestamp(number.saturating_add(1).saturating_mul(per.us()))
}

impl Tally {
    /// Makes the window fit the time, and gives its number: the one of now, or the one after.
    pub(super) fn turn(&self, per: Per, now: Timestamp) -> i64 {
        let window = &self.windows[per as usize];
        let number = number(per, now);
        let held = window.number.load(SeqCst);
        if held == number || held == number.saturating_add(1) {
            return held;
        }
        // Before the exchange, so that whatever is added after it counts in the new window.
        let totals: [u64; COUNTED] = std::array::from_fn(|at| self.totals[at].load(SeqCst));
        let turned = window.number.compare_exchange(held, number, SeqCst, SeqCst);
        if turned.is_ok() && held < number {
            for (base, total) in window.base.iter().zip(totals) {
                base.fetch_max(total, SeqCst);
            }
        }
        turned.map_or_else(|other| other, |_| number)
    }

    /// What is used in the window that holds now.
    pub(super) fn used(&self, per: Per, at: usize) -> u64 {
        let base = self.windows[per as usize].base[at].load(SeqCst);
        self.totals[at].load(SeqCst).saturating_sub(base)
    }

    /// Counts one invocation, unless that would be more than one of these windows allows. Says
    /// which, otherwise.
    pub(super) fn take(
        &self,
        most: &(impl Iterator<Item = (Per, u64)> + Clone),
    ) -> Result<(), Per> {
        let at = Meter::Invocations as usize;
        loop {
            // Before the total: a base never is more than the total that it was read from.
            let full = |total: u64| {
                most.clone().find(|(per, most)| {
                    let base = self.windows[*per as usize].base[at].load(SeqCst);
                    total.saturating_sub(base) >= *most
                })
            };
            let total = self.totals[at].load(SeqCst);
            if let Some((per, _)) = full(total) {
                return Err(per);
            }
            let more = total.wrapping_add(1);
            if self.totals[at].compare_exchange_weak(total, more, SeqCst, Relaxed).is_ok() {
                return Ok(());
            }
        }
    }

    /// Takes back an invocation that was counted and did not run.
    pub(super) fn give_back(&self) {
        self.totals[Meter::Invocations as usize].fetch_sub(1, SeqCst);
    }

    pub(super) fn add(&self, at: usize, amount: u64) {
        if amount > 0 {
            self.totals[at].fetch_add(amount, SeqCst);
        }
    }

    /// The day that it counts, and what is used of it.
    pub(super) fn day(&self) -> (i64, [u64; COUNTED]) {
        let number = self.windows[Per::Day as usize].number.load(SeqCst);
        (number, std::array::from_fn(|at| self.used(Per::Day, at)))
    }

    /// Goes on from what was kept of a day. Nothing may have been counted yet.
    pub(super) fn resume(&self, day: i64, used: [u64; COUNTED]) {
        self.windows[Per::Day as usize].number.store(day, SeqCst);
        for (total, used) in self.totals.iter().zip(used) {
            total.store(used.min(Meter::Egress.most()), SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;
    const INVOCATIONS: usize = Meter::Invocations as usize;
    const CPU: usize = Meter::Cpu as usize;

    fn take(tally: &Tally, now: i64, most: u64) -> bool {
        tally.turn(Per::Day, Timestamp(now));
        tally.take(&[(Per::Day, most)].into_iter()).is_ok()
    }

    #[test]
    fn counts_up_to_the_cap_and_begins_anew_with_the_day() {
        let tally = Tally::default();
        assert!(take(&tally, 5 * DAY, 2) && take(&tally, 6 * DAY - 1, 2));
        assert!(!take(&tally, 6 * DAY - 1, 2), "the third of the day");
        assert!(take(&tally, 6 * DAY, 2), "the next day");
        assert_eq!(tally.used(Per::Day, INVOCATIONS), 1);
    }

    #[test]
    fn a_clock_that_jumps_gives_at_most_one_window_anew() {
        let tally = Tally::default();
        assert!(take(&tally, 5 * DAY, 1));
        // A little back, over midnight: the day stays.
        assert!(!take(&tally, 5 * DAY - 1, 1));
        assert!(!take(&tally, 5 * DAY + 1, 1));
        // Far forwards: a new day, once.
        assert!(take(&tally, 400 * DAY, 1) && !take(&tally, 400 * DAY, 1));
        // Far back: what was used stays used, and the next midnight is a new day again.
        assert!(!take(&tally, 5 * DAY, 1) && !take(&tally, 6 * DAY - 1, 1));
        assert!(take(&tally, 6 * DAY, 1));
    }

    #[test]
    fn what_was_kept_goes_on() {
        let tally = Tally::default();
        let mut used = [0; COUNTED];
        (used[INVOCATIONS], used[CPU]) = (3, 70);
        tally.resume(5, used);
        assert_eq!(tally.day(), (5, used));
        assert!(!take(&tally, 5 * DAY + 1, 3) && take(&tally, 5 * DAY + 1, 4));
        tally.turn(Per::Minute, Timestamp(5 * DAY + 1));
        assert_eq!(tally.used(Per::Minute, CPU), 0, "rates begin anew");
        tally.add(CPU, 5);
        assert_eq!((tally.used(Per::Minute, CPU), tally.used(Per::Day, CPU)), (5, 75));
        assert!(take(&tally, 6 * DAY, 1));
        assert_eq!(tally.used(Per::Day, CPU), 0);
    }

    /// Many threads at one cap, while a window turns now and then.
    #[test]
    fn threads_together_never_get_more_than_the_cap() {
        const MOST: u64 = 1000;
        let tally = Tally::default();
        for day in 0..20 {
            let admitted = AtomicU64::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..MOST {
                            admitted.fetch_add(u64::from(take(&tally, day * DAY, MOST)), Relaxed);
                        }
                    });
                }
            });
            assert_eq!(admitted.load(Relaxed), MOST, "day {day}");
        }
    }

    proptest! {
        /// Whatever the clock does, no window admits more than its cap, and there are no more
        /// windows than the clock crossed borders forwards.
        #[test]
        fn no_pattern_of_calls_gets_more_than_its_cap(
            steps in prop::collection::vec(-3 * DAY..3 * DAY, 1..200),
            most in 1u64..5,
        ) {
            let tally = Tally::default();
            let (mut now, mut admitted, mut windows) = (100 * DAY, 0u64, 1u64);
            let mut before = number(Per::Day, Timestamp(now));
            for step in steps {
                now += step / 4;
                let day = number(Per::Day, Timestamp(now));
                windows += u64::from(day > before);
                before = day;
                admitted += u64::from(take(&tally, now, most));
            }
            prop_assert!(admitted <= windows * most, "{} of {}", admitted, windows * most);
        }

        /// With a clock that only goes forwards, each day gets exactly what it may.
        #[test]
        fn every_day_gets_its_cap(days in 1i64..20, calls in 1u64..10, most in 1u64..10) {
            let tally = Tally::default();
            let mut admitted = 0;
            for call in 0..days as u64 * calls {
                let now = (call / calls) as i64 * DAY;
                admitted += u64::from(take(&tally, now, most));
            }
            prop_assert_eq!(admitted, days as u64 * calls.min(most));
        }
    }
}
