//! What slows guessing: credentials that are not valid are counted by where they came from, and
//! by the token that they claim to be.
//!
//! Beyond the limit a credential from there is not even looked at, whatever it is worth, and every
//! further one makes the wait longer. Two things keep this from being a way to lock others out.
//! A credential that was valid a moment ago is looked at all the same, so callers that share an
//! address with a guesser go on; for API tokens that is where they were valid, too. And guesses at
//! one token count against somebody only who has
//! guessed wrong himself, so nobody can lock its holder out from elsewhere.

use crate::rate::{Pace, RateKey, Rates};
use model::manifest::{Rate, RateLimit};
use model::unit;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest wait that failures can add up to.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// How many callers are remembered as good; a new one takes the place of another.
const GOOD: usize = 16_384;

/// Failures from one address, where the node's configuration says nothing else.
pub const FAILURES: RateLimit = RateLimit {
    rate: Rate { count: 60, per: unit::Duration::seconds(60) },
    burst: None,
    by: model::manifest::By::Address,
};

/// Counts credentials that were not valid.
pub(crate) struct Guard {
    rates: Rates,
    pace: Pace,
    /// Hashes of credentials that were valid, with where they came from.
    good: Box<[AtomicU64]>,
}

/// Where a credential came from, and which token it claims to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    address: Option<RateKey>,
    token: Option<RateKey>,
}

impl Origin {
    pub(crate) fn of(address: Option<IpAddr>, token: Option<&str>) -> Self {
        let address = address.map(|address| RateKey::of(&("address", network(address))));
        Self { address, token: token.map(|token| RateKey::of(&("token", token))) }
    }
}

impl Guard {
    pub(crate) fn new(failures: RateLimit) -> Self {
        let good = std::iter::repeat_with(AtomicU64::default).take(GOOD).collect();
        Self { rates: Rates::new(), pace: failures.into(), good }
    }

    /// Remembers a credential that was valid.
    pub(crate) fn trust(&self, origin: Origin, credential: &str) {
        let (place, hash) = self.place(origin, credential);
        if let Some(place) = place
            && place.load(Ordering::Relaxed) != hash
        {
            place.store(hash, Ordering::Relaxed);
        }
    }

    /// Whether this credential was valid from there.
    pub(crate) fn trusts(&self, origin: Origin, credential: &str) -> bool {
        let (place, hash) = self.place(origin, credential);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == hash)
    }

    fn place(&self, origin: Origin, credential: &str) -> (Option<&AtomicU64>, u64) {
        let hash = RateKey::of(&(origin.address, credential)).number();
        (self.good.get(usize::try_from(hash % GOOD as u64).unwrap_or(0)), hash)
    }

    /// How long the origin has to wait before it may show a credential; `None` if it may.
    pub(crate) fn wait(&self, origin: Origin, now: Duration) -> Option<Duration> {
        let owed = self.rates.owed(origin.address?, now);
        if owed.is_zero() {
            return None;
        }
        let by_token = || self.pace.wait(self.rates.owed(origin.token?, now));
        self.pace.wait(owed).or_else(by_token)
    }

    /// Counts one that was not valid, or was not looked at.
    pub(crate) fn failed(&self, origin: Origin, now: Duration) {
        let most = self.pace.slack() + WAIT_MAX;
        for key in [origin.address, origin.token].into_iter().flatten() {
            self.rates.charge(key, self.pace, most, now);
        }
    }
}

/// Addresses that are one caller's, as far as counting goes: an IPv6 address counts with its /64,
/// of which one customer has at least one whole.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str, token: Option<&str>) -> Origin {
        Origin::of(address.parse().ok(), token)
    }

    #[test]
    fn failures_make_an_address_wait_and_each_more_makes_it_longer() {
        let guard = Guard::new(FAILURES);
        let (here, now) = (origin("2001:db8::1", None), Duration::from_secs(9));
        for _ in 0..60 {
            assert_eq!(guard.wait(here, now), None);
            guard.failed(here, now);
        }
        let first = guard.wait(here, now).expect("it waits");
        guard.failed(here, now);
        let second = guard.wait(here, now).expect("it waits longer");
        assert!(second > first, "{first:?} {second:?}");
        assert!(guard.wait(origin("2001:db8::2", None), now).is_some(), "the same /64");
        assert_eq!(guard.wait(origin("2001:db8:0:1::1", None), now), None, "another /64");
        for _ in 0..1000 {
            guard.failed(here, now);
        }
        assert!(guard.wait(here, now).is_some_and(|wait| wait <= WAIT_MAX));
        assert_eq!(guard.wait(here, now + WAIT_MAX), None);
    }

    /// However slowly failures are forgiven, the limit holds and the wait has an end.
    #[test]
    fn a_slow_pace_limits_too() {
        let rate = "5/1h".parse().expect("a rate");
        let guard = Guard::new(RateLimit { rate, ..FAILURES });
        let (here, now) = (origin("192.0.2.1", None), Duration::from_secs(9));
        for _ in 0..5 {
            assert_eq!(guard.wait(here, now), None);
            guard.failed(here, now);
        }
        for _ in 0..5 {
            assert!(guard.wait(here, now).is_some_and(|wait| wait <= WAIT_MAX));
            guard.failed(here, now);
        }
    }

    #[test]
    fn guesses_at_one_token_from_everywhere_wait_and_its_holder_does_not() {
        let guard = Guard::new(FAILURES);
        let now = Duration::from_secs(9);
        for number in 0..100 {
            guard.failed(origin(&format!("192.0.2.{number}"), Some("abc")), now);
        }
        assert!(guard.wait(origin("192.0.2.7", Some("abc")), now).is_some(), "guessed before");
        assert_eq!(guard.wait(origin("192.0.2.7", Some("xyz")), now), None, "another token");
        assert_eq!(guard.wait(origin("198.51.100.1", Some("abc")), now), None, "its holder");
    }

    #[test]
    fn what_was_valid_is_known_where_it_was_valid() {
        let guard = Guard::new(FAILURES);
        let (here, there) = (origin("192.0.2.1", None), origin("192.0.2.2", None));
        guard.trust(here, "good");
        assert!(guard.trusts(here, "good"));
        assert!(!guard.trusts(here, "other") && !guard.trusts(there, "good"));
    }

    #[test]
    fn an_address_is_counted_with_its_network() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(address.parse().expect(address)).to_string(), counted);
        }
    }
}
