//! When a certificate is renewed, and how long is waited after a failure.

use crate::facts::Facts;
use model::Timestamp;
use std::time::Duration;

/// How long is waited between orders for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After the first failure; each further one doubles it. Default: one minute.
    pub first: Duration,
    /// At most. Default: six hours.
    pub most: Duration,
    /// After a success, whatever the clock says. Default: one hour.
    pub gap: Duration,
    /// The shortest time between two attempts that somebody asked for. Default: ten seconds.
    pub asked: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(60),
            most: Duration::from_secs(6 * 3600),
            gap: Duration::from_secs(3600),
            asked: Duration::from_secs(10),
        }
    }
}

impl Pace {
    /// How long is waited after this many failures in a row. `chance` is at least 0 and below 1,
    /// and spreads nodes that failed together over a quarter more.
    pub(super) fn wait(&self, failures: u32, chance: f64) -> Duration {
        let factor = 2u32.saturating_pow(failures.saturating_sub(1).min(30));
        let wait = self.first.saturating_mul(factor).min(self.most);
        wait + wait.mul_f64(chance.clamp(0.0, 1.0) / 4.0)
    }
}

/// When a certificate is renewed if its directory does not say: after two thirds of its life and
/// a random part of a twenty-fourth.
pub(super) fn renewal(facts: &Facts, chance: f64) -> Timestamp {
    let life = facts.lifetime_us();
    facts.not_before.plus_us(life / 3 * 2).plus_us(part(life / 24, chance))
}

/// A random moment of a window that a directory suggests (RFC 9773, section 4.2).
pub(super) fn within(begin: Timestamp, end: Timestamp, chance: f64) -> Timestamp {
    begin.plus_us(part(end.0.saturating_sub(begin.0).max(0), chance))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a part of a length of time, chosen at random"
)]
fn part(us: i64, chance: f64) -> i64 {
    (us as f64 * chance.clamp(0.0, 1.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_signed::tests::{NOW, pair};
    use proptest::prelude::*;

    #[test]
    fn waits_grow_from_a_minute_to_six_hours() {
        let pace = Pace::default();
        let waits: Vec<u64> = (0..12).map(|failures| pace.wait(failures, 0.0).as_secs()).collect();
        assert_eq!(&waits[..5], [60, 60, 120, 240, 480]);
        assert_eq!(waits[11], 6 * 3600);
        assert_eq!(pace.wait(u32::MAX, 0.999).as_secs(), 6 * 3600 + 5394);
    }

    #[test]
    fn renews_between_two_thirds_and_three_quarters_of_a_life() {
        let mut facts = pair(&["a.example"]).facts;
        let day = 86_400_000_000;
        (facts.not_before, facts.not_after) = (NOW, NOW.plus_us(90 * day));
        assert_eq!(renewal(&facts, 0.0), NOW.plus_us(60 * day));
        assert!(renewal(&facts, 0.999) < NOW.plus_us(64 * day));
        facts.not_after = Timestamp(i64::MIN);
        assert_eq!(renewal(&facts, 0.5), NOW);
    }

    proptest! {
        #[test]
        fn a_moment_lies_within_its_window(begin in -1_i64 << 52..1_i64 << 52, length in 0_i64..1 << 50, chance in 0.0..1.0) {
            let (begin, end) = (Timestamp(begin), Timestamp(begin + length));
            let moment = within(begin, end, chance);
            prop_assert!(begin <= moment && moment <= end);
            prop_assert_eq!(within(end, begin, chance), end);
        }
    }
}
