//! Secrets that functions use and never read, as they are kept: sealed.

use crate::key::Epoch;
use crate::name::SecretName;
use crate::{Scope, Timestamp};
use std::fmt;

/// Most bytes of a secret.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Shorter values are not looked for in what comes back: they would be found everywhere.
pub const MASKED_BYTES_MIN: usize = 16;
/// A value with fewer different bytes is no random one.
const DISTINCT_MIN: usize = 6;
/// A value with fewer bits, counted by how often each byte stands in it, is no random one.
const BITS_MIN: f64 = 44.0;

/// What is left of a value once it was sealed; nothing if the secret was removed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} sealed bytes]", self.0.len())
    }
}

/// One secret: its newest version, which is the only one that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Its name.
    pub name: SecretName,
    /// Counts up with every value, and goes on after a removal.
    pub version: u32,
    /// When this version was set, or the secret removed.
    pub set: Timestamp,
    /// Whether it is too short or too plain to be masked.
    pub weak: bool,
    /// The epoch of the key that sealed it.
    pub epoch: Epoch,
    /// The value. Empty for a secret that was removed.
    pub sealed: Sealed,
}

impl SecretRow {
    /// Whether there is a value.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.sealed.0.is_empty()
    }
}

/// Where a value lives. Authenticated with it, so that no value can be put in another's place.
#[must_use]
pub fn place(scope: &Scope, name: &SecretName, version: u32) -> Vec<u8> {
    // No name holds a slash.
    format!("secret/{scope}/{name}/{version}").into_bytes()
}

/// Whether a value is too short or too plain to be looked for in what comes back: it would be
/// found where it is not.
#[must_use]
pub fn is_weak(value: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let length = value.len() as f64;
    let bits_of = |count: u32| f64::from(count) * (length / f64::from(count)).log2();
    let present = || counts.iter().copied().filter(|count| *count > 0);
    let bits: f64 = present().map(bits_of).sum();
    value.len() < MASKED_BYTES_MIN || present().count() < DISTINCT_MIN || bits < BITS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_plain_values_are_weak() {
        for weak in ["", "hunter2", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababab"] {
            assert!(is_weak(weak.as_bytes()), "{weak}");
        }
        for strong in ["9f86d081884c7d65", "sk_live_51H8xQ2eZv", "correct horse battery"] {
            assert!(!is_weak(strong.as_bytes()), "{strong}");
        }
    }

    #[test]
    fn debug_does_not_show_a_value() {
        assert_eq!(format!("{:?}", Sealed(vec![b'k'; 9])), "[9 sealed bytes]");
    }
}
