//! A first look at a text, for which next to nothing has to be made: whether a pattern may begin
//! anywhere in it. Only where one may, the automaton is worth its making.
//!
//! Invariant: a text of which this says that it holds no pattern holds none.
//! Invariant: a text is gone through once, whoever chose it and the patterns.

use zeroize::Zeroize as _;

/// Bytes of a pattern that are looked at. None is shorter.
const BEGINNING: usize = 4;
/// Bits of the table, as a power of two.
const BITS: u32 = 16;
/// Places of a text whose bytes share a bit with a pattern and begin none: more of them, beside one
/// in so many bytes, are no chance, and cost more than the automaton.
const CHANCES: usize = 32;
const BYTES_OF_A_CHANCE: usize = 256;

/// Which four bytes patterns may begin with.
#[derive(Debug)]
pub(super) struct Glance(Vec<u64>);

impl Glance {
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut table = vec![0; 1 << (BITS - 6)];
        for beginning in patterns.filter_map(<[u8]>::first_chunk::<BEGINNING>) {
            let (word, bit) = place(*beginning);
            if let Some(word) = table.get_mut(word) {
                *word |= bit;
            }
        }
        Self(table)
    }

    /// Whether one of the patterns may stand in a text, or begin in it with four bytes or more.
    pub(super) fn may_hold<'p>(
        &self,
        text: &[u8],
        patterns: &(impl Iterator<Item = &'p [u8]> + Clone),
    ) -> bool {
        let begins = |beginning: &[u8]| patterns.clone().any(|it| it.starts_with(beginning));
        let mut chances = CHANCES + text.len() / BYTES_OF_A_CHANCE;
        text.windows(BEGINNING).any(|window| {
            let (word, bit) = window.try_into().map(place).unwrap_or_default();
            if self.0.get(word).is_none_or(|word| word & bit == 0) {
                return false;
            }
            chances = chances.saturating_sub(1);
            chances == 0 || begins(window)
        })
    }

    /// The longest end of a text, of less than four bytes, that one of the patterns begins with.
    pub(super) fn begun<'p>(
        &self,
        text: &[u8],
        patterns: &(impl Iterator<Item = &'p [u8]> + Clone),
    ) -> usize {
        let end = |length: &usize| {
            let end = text.len().checked_sub(*length).and_then(|from| text.get(from..));
            end.is_some_and(|end| patterns.clone().any(|it| it.starts_with(end)))
        };
        (1..BEGINNING).rev().find(end).unwrap_or(0)
    }
}

impl Drop for Glance {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The word and the bit of four bytes (Fibonacci hashing: the golden ratio of 32 bits).
fn place(beginning: [u8; BEGINNING]) -> (usize, u64) {
    let mixed = u32::from_le_bytes(beginning).wrapping_mul(0x9E37_79B9) >> (32 - BITS);
    (usize::try_from(mixed >> 6).unwrap_or_default(), 1 << (mixed & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_pattern_is_overlooked_and_what_has_begun_is_known(
            patterns in proptest::collection::vec("[ab]{4,7}", 0..6), text in "[abc]{0,40}",
        ) {
            let all = patterns.iter().map(String::as_bytes);
            let glance = Glance::of(all.clone());
            let text = text.as_bytes();
            let may = glance.may_hold(text, &all);
            let begins = |at: usize, it: &[u8]| text[at..].starts_with(&it[..4]);
            let expect = (0..text.len()).any(|at| all.clone().any(|it| begins(at, it)));
            prop_assert_eq!(may, expect);
            let begun = |n: &usize| *n <= text.len() && all.clone().any(|it| text.ends_with(&it[..*n]));
            prop_assert_eq!(glance.begun(text, &all), (1..4).filter(begun).max().unwrap_or(0));
        }
    }
}
