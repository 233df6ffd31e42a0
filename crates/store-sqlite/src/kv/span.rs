//! Which keys of a store were found to be what was last written.
//!
//! Invariant: spans neither overlap nor touch.

use std::collections::BTreeMap;
use std::ops::Bound;

/// A set of keys, as spans from a first key up to another that is not in it; `None` is the end.
#[derive(Debug, Default, Clone)]
pub(super) struct Spans(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Spans {
    /// Every key.
    pub(super) fn all() -> Self {
        Self(BTreeMap::from([(Vec::new(), None)]))
    }

    /// Whether all keys from `from` up to `end` are in it. An empty span is.
    pub(super) fn covers(&self, from: &[u8], end: Option<&[u8]>) -> bool {
        if end.is_some_and(|end| end <= from) {
            return true;
        }
        match (self.at(from).map(|(_, own)| own), end) {
            (Some(None), _) => true,
            (Some(Some(own)), Some(end)) => own.as_slice() >= end,
            _ => false,
        }
    }

    /// Whether a key is in it.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.at(key).is_some()
    }

    /// Adds all keys from `from` up to `end`.
    pub(super) fn add(&mut self, from: &[u8], end: Option<&[u8]>) {
        let (mut from, mut end) = (from.to_vec(), end.map(<[u8]>::to_vec));
        // What touches it on the left, and then everything that begins within it.
        let mut before = self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(&*from)));
        let left =
            before.next_back().filter(|(_, own)| own.as_ref().is_none_or(|own| *own >= from));
        if let Some((start, own)) = left.map(|(start, own)| (start.clone(), own.clone())) {
            self.0.remove(&start);
            end = later(own, end);
            from = start;
        }
        while let Some((start, own)) = self.within(&from, end.as_deref()) {
            self.0.remove(&start);
            end = later(own, end);
        }
        self.0.insert(from, end);
    }

    fn within(&self, from: &[u8], end: Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let upper = end.map_or(Bound::Unbounded, Bound::Included);
        let (start, own) = self.0.range::<[u8], _>((Bound::Included(from), upper)).next()?;
        Some((start.clone(), own.clone()))
    }

    /// The span that a key is in.
    fn at(&self, key: &[u8]) -> Option<(&Vec<u8>, &Option<Vec<u8>>)> {
        let mut before = self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        before.next_back().filter(|(_, end)| end.as_ref().is_none_or(|end| end.as_slice() > key))
    }
}

fn later(one: Option<Vec<u8>>, two: Option<Vec<u8>>) -> Option<Vec<u8>> {
    Some(one?.max(two?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_are_the_keys_that_were_added(
            added in proptest::collection::vec((0..12_u8, proptest::option::of(0..12_u8)), 0..8),
            from in 0..12_u8,
            to in proptest::option::of(0..13_u8),
        ) {
            let mut spans = Spans::default();
            let mut plain = [false; 13];
            for (from, end) in added {
                let end = end.map(|end| end.max(from + 1));
                spans.add(&[from], end.map(|end| [end]).as_ref().map(<[u8; 1]>::as_slice));
                (from..end.unwrap_or(13)).for_each(|key| plain[usize::from(key)] = true);
            }
            for key in 0..13_u8 {
                prop_assert_eq!(spans.has(&[key]), plain[usize::from(key)]);
            }
            let wanted = (from..to.unwrap_or(13)).all(|key| plain[usize::from(key)]);
            let to = to.map(|to| [to]);
            prop_assert_eq!(spans.covers(&[from], to.as_ref().map(<[u8; 1]>::as_slice)), wanted);
            let ends: Vec<_> = spans.0.iter().collect();
            for pair in ends.windows(2) {
                prop_assert!(pair[0].1.as_ref().is_some_and(|end| end < pair[1].0));
            }
        }
    }
}
