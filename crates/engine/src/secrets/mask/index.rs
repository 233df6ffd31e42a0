//! Where in a text a pattern may begin: one pass over the text, however many patterns there are.

use std::ops::Range;

/// How many bits of a fingerprint index the bitmap.
const BITS: u32 = 14;

/// The patterns by their first four bytes. All have more.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// Sorted: the first four bytes, and whose they are.
    starts: Vec<(u32, usize)>,
    /// Which fingerprints of four bytes begin a pattern.
    bitmap: Vec<u64>,
    /// Which bytes begin a pattern.
    first: [bool; 256],
    /// The longest pattern.
    longest: usize,
}

impl Index {
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut index = Self {
            starts: Vec::new(),
            bitmap: vec![0; 1 << (BITS - 6)],
            first: [false; 256],
            longest: 0,
        };
        for (at, pattern) in patterns.enumerate() {
            let Some((four, _)) = pattern.split_first_chunk() else { continue };
            let four = u32::from_be_bytes(*four);
            index.starts.push((four, at));
            let bit = fingerprint(four);
            if let Some(word) = index.bitmap.get_mut(bit >> 6) {
                *word |= 1 << (bit & 63);
            }
            if let Some(known) =
                pattern.first().and_then(|it| index.first.get_mut(usize::from(*it)))
            {
                *known = true;
            }
            index.longest = index.longest.max(pattern.len());
        }
        index.starts.sort_unstable();
        index
    }

    /// Every place at which a pattern may stand, with the pattern's number.
    pub(super) fn candidates<'t>(
        &'t self,
        text: &'t [u8],
    ) -> impl Iterator<Item = (usize, usize)> + 't {
        text.array_windows::<4>().enumerate().flat_map(move |(at, four)| {
            let four = u32::from_be_bytes(*four);
            let alike = if self.may_begin(four) { self.alike(four) } else { 0..0 };
            let alike = self.starts.get(alike).unwrap_or_default();
            alike.iter().map(move |(_, pattern)| (at, *pattern))
        })
    }

    /// The end of a text in which a pattern may begin and not end.
    pub(super) fn tail(&self, text: &[u8], from: usize) -> impl Iterator<Item = usize> {
        let from = from.max(text.len().saturating_sub(self.longest.saturating_sub(1)));
        let rest = text.get(from..).unwrap_or_default();
        let begins = |byte: &u8| self.first.get(usize::from(*byte)).copied().unwrap_or(false);
        let places = rest.iter().enumerate().filter(|(_, byte)| begins(byte));
        let places: Vec<usize> = places.map(|(at, _)| from + at).collect();
        places.into_iter()
    }

    fn may_begin(&self, four: u32) -> bool {
        let bit = fingerprint(four);
        self.bitmap.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1)
    }

    fn alike(&self, four: u32) -> Range<usize> {
        let from = self.starts.partition_point(|(own, _)| *own < four);
        let to = self.starts.partition_point(|(own, _)| *own <= four);
        from..to
    }
}

fn fingerprint(four: u32) -> usize {
    usize::try_from(four.wrapping_mul(0x9E37_79B1) >> (32 - BITS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_at_which_a_pattern_stands_is_a_candidate(
            patterns in proptest::collection::vec("[ab]{4,7}", 1..6), text in "[abc]{0,60}",
        ) {
            let index = Index::of(patterns.iter().map(|it| it.as_bytes()));
            let found: Vec<(usize, usize)> = index.candidates(text.as_bytes()).collect();
            for (which, pattern) in patterns.iter().enumerate() {
                for at in (0..text.len()).filter(|at| text[*at..].starts_with(pattern.as_str())) {
                    prop_assert!(found.contains(&(at, which)), "{pattern} at {at} of {text}");
                }
                let begins = |at: &usize| pattern.starts_with(&text[*at..]);
                let from = text.len().saturating_sub(pattern.len() - 1);
                let open: Vec<usize> = index.tail(text.as_bytes(), 0).collect();
                for at in (from..text.len()).filter(begins) {
                    prop_assert!(open.contains(&at), "{pattern} may begin at {at} of {text}");
                }
            }
        }
    }
}
