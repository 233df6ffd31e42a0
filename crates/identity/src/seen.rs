//! What was found valid before, by the SHA-256 of what was shown.
//!
//! Only what is valid comes in, so strangers can neither fill it nor push others out of it.
//!
//! Invariant: it never holds more than [`SETS`] times [`WAYS`] entries.
//! Invariant: looking up neither allocates nor waits for other sets.

use parking_lot::RwLock;

/// Sets of entries; a digest belongs to one.
const SETS: usize = 256;
/// Entries of a set.
const WAYS: usize = 8;

type Key = [u8; 32];

/// Remembers values by digest.
pub(crate) struct Seen<V> {
    sets: Box<[RwLock<Set<V>>]>,
}

struct Set<V> {
    entries: Vec<(Key, V)>,
    /// The entry that goes next.
    oldest: usize,
}

impl<V> Default for Seen<V> {
    fn default() -> Self {
        let set = || RwLock::new(Set { entries: Vec::new(), oldest: 0 });
        Self { sets: std::iter::repeat_with(set).take(SETS).collect() }
    }
}

impl<V: Clone> Seen<V> {
    fn set(&self, key: &Key) -> Option<&RwLock<Set<V>>> {
        self.sets.get(usize::from(key[0]) % SETS)
    }

    pub(crate) fn find(&self, key: &Key) -> Option<V> {
        let set = self.set(key)?.read();
        set.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }

    /// Keeps a value, in the place of the one with its key or of the oldest of its set.
    pub(crate) fn keep(&self, key: Key, value: V) {
        let Some(set) = self.set(&key) else { return };
        let mut set = set.write();
        let Set { entries, oldest } = &mut *set;
        if let Some((_, known)) = entries.iter_mut().find(|(known, _)| *known == key) {
            *known = value;
        } else if entries.len() < WAYS {
            entries.push((key, value));
        } else if let Some(entry) = entries.get_mut(*oldest) {
            *entry = (key, value);
            *oldest = (*oldest + 1) % WAYS;
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.sets.iter().map(|set| set.read().entries.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        crate::sha256(&number.to_le_bytes())
    }

    #[test]
    fn finds_what_was_kept_and_stays_bounded() {
        let seen = Seen::default();
        for number in 0..10_000u64 {
            seen.keep(key(number), number);
            assert_eq!(seen.find(&key(number)), Some(number));
        }
        assert!(seen.len() <= SETS * WAYS);
        assert_eq!(seen.find(&key(10_000)), None);
        seen.keep(key(9_999), 1);
        assert_eq!(seen.find(&key(9_999)), Some(1));
    }
}
