//! All patterns as one automaton (Aho and Corasick, 1975): each byte of a text is looked at once,
//! however many patterns there are and however long they are.
//!
//! States are numbered by their depth, so that the children of one stand side by side, and those
//! of the next one behind them. A state costs 13 bytes, and there are at most as many as all
//! patterns have bytes.

use std::ops::Range;
use zeroize::Zeroize as _;

/// What of a text may be the beginning of a pattern: the longest such end of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State(u32);

/// The automaton.
#[derive(Debug)]
pub(super) struct Index {
    /// The byte that leads to each state.
    bytes: Vec<u8>,
    /// The first child of each state; its last is before the first of the next.
    first: Vec<u32>,
    /// The longest end of each state that is a state itself.
    fail: Vec<u32>,
    /// The longest pattern that ends with each state: its number and one; 0 for none.
    ends: Vec<u32>,
    /// The first state of each depth.
    levels: Vec<u32>,
    /// The states of one byte.
    root: [u32; 256],
}

impl Index {
    /// Of patterns with their numbers. Each text is there once.
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut sorted: Vec<(&[u8], u32)> = patterns.zip(1..).collect();
        sorted.sort_unstable();
        sorted.retain(|(text, _)| !text.is_empty());
        let mut index = Self {
            bytes: vec![0],
            first: Vec::new(),
            fail: vec![0],
            ends: vec![0],
            levels: Vec::new(),
            root: [0; 256],
        };
        // The patterns that go through each state of a level.
        let mut level: Vec<Range<usize>> = std::iter::once(0..sorted.len()).collect();
        while !level.is_empty() {
            index.levels.push(narrow(index.first.len()));
            level = index.grow(&sorted, level);
        }
        index.first.push(narrow(index.bytes.len()));
        index
    }

    /// Adds the children of all states of the last level. Gives what goes through each.
    fn grow(&mut self, sorted: &[(&[u8], u32)], level: Vec<Range<usize>>) -> Vec<Range<usize>> {
        let depth = self.levels.len() - 1;
        let mut below = Vec::new();
        for through in level {
            let state = self.first.len();
            self.first.push(narrow(self.bytes.len()));
            let mut rest = sorted.get(through.clone()).unwrap_or_default();
            let mut at = through.start;
            // Of texts that begin alike the shortest comes first.
            let own = rest.first().filter(|(text, _)| text.len() == depth).map(|(_, which)| *which);
            if own.is_some() {
                (rest, at) = (rest.get(1..).unwrap_or_default(), at + 1);
            }
            let inherited = self.ends.get(self.fails(state)).copied().unwrap_or(0);
            if let Some(ends) = self.ends.get_mut(state) {
                *ends = own.unwrap_or(inherited);
            }
            while let Some(byte) = rest.first().and_then(|(text, _)| text.get(depth)).copied() {
                let alike = rest.partition_point(|(text, _)| text.get(depth) == Some(&byte));
                self.add(state, byte);
                below.push(at..at + alike);
                (rest, at) = (rest.get(alike..).unwrap_or_default(), at + alike);
            }
        }
        below
    }

    fn add(&mut self, parent: usize, byte: u8) {
        let child = narrow(self.bytes.len());
        let fail = match parent {
            0 => 0,
            _ => self.next(State(narrow(self.fails(parent))), byte).0,
        };
        self.bytes.push(byte);
        self.fail.push(fail);
        self.ends.push(0);
        if let (0, Some(known)) = (parent, self.root.get_mut(usize::from(byte))) {
            *known = child;
        }
    }

    /// The state after another byte.
    #[inline]
    pub(super) fn next(&self, State(state): State, byte: u8) -> State {
        let mut state = wide(state);
        while state != 0 {
            let children = self.children(state);
            let (from, bytes) = (children.start, self.bytes.get(children).unwrap_or_default());
            if let Ok(at) = bytes.binary_search(&byte) {
                return State(narrow(from + at));
            }
            state = self.fails(state);
        }
        State(self.root.get(usize::from(byte)).copied().unwrap_or(0))
    }

    /// The number of the longest pattern that ends here, if one does. Shorter ones that end here
    /// lie in it.
    #[inline]
    pub(super) fn ending(&self, State(state): State) -> Option<usize> {
        let ends = self.ends.get(wide(state)).copied().unwrap_or(0);
        wide(ends).checked_sub(1)
    }

    /// How many of the last bytes may be the beginning of a pattern that has not ended.
    pub(super) fn open(&self, State(state): State) -> usize {
        let mut state = wide(state);
        while state != 0 && self.children(state).is_empty() {
            state = self.fails(state);
        }
        self.levels.partition_point(|first| wide(*first) <= state).saturating_sub(1)
    }

    fn children(&self, state: usize) -> Range<usize> {
        let first = |state| self.first.get(state).map_or(0, |first| wide(*first));
        first(state)..first(state + 1)
    }

    fn fails(&self, state: usize) -> usize {
        self.fail.get(state).map_or(0, |state| wide(*state))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// There are fewer states than bytes of patterns, which are bounded far below.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_longest_pattern_that_ends_at_each_byte_is_found_and_what_is_open_known(
            patterns in proptest::collection::btree_set("[ab]{1,7}", 0..8), text in "[abc]{0,60}",
        ) {
            let patterns: Vec<String> = BTreeSet::into_iter(patterns).rev().collect();
            let index = Index::of(patterns.iter().map(|it| it.as_bytes()));
            let mut state = State::default();
            for (at, byte) in text.bytes().enumerate() {
                state = index.next(state, byte);
                let before = &text[..=at];
                let ends = patterns.iter().filter(|it| before.ends_with(it.as_str()));
                let longest = ends.max_by_key(|it| it.len());
                prop_assert_eq!(index.ending(state).map(|which| &patterns[which]), longest);
                let open = |n: &usize| {
                    let begins = |it: &&String| it.len() > *n && before.ends_with(&it[..*n]);
                    patterns.iter().any(|it| begins(&it))
                };
                let open = (0..7).filter(open).max().unwrap_or(0);
                prop_assert_eq!(index.open(state), open, "{} {:?}", before, patterns);
            }
        }
    }
}
