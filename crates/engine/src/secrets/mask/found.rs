//! What was found in a text, and covering it.

use super::{Hit, Whose};
use std::ops::Range;
use std::sync::Arc;

/// What a value is covered with.
pub(super) const COVER: u8 = b'*';

/// Where values stand in a text, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In order; none touches the next.
    ranges: Vec<Range<usize>>,
    runs: Vec<Run>,
}

/// The last place at which values of one owner stand, and the bytes of those before.
#[derive(Debug)]
struct Run {
    name: Arc<Whose>,
    last: Range<usize>,
    bytes: u64,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// A value stands there. None of those before ends later.
    pub(super) fn add(&mut self, name: &Arc<Whose>, mut at: Range<usize>) {
        match self.runs.iter_mut().find(|run| run.name == *name) {
            Some(run) if at.start <= run.last.end => {
                run.last = run.last.start.min(at.start)..run.last.end.max(at.end);
            }
            Some(run) => {
                run.bytes += run.last.len() as u64;
                run.last = at.clone();
            }
            None => self.runs.push(Run { name: Arc::clone(name), last: at.clone(), bytes: 0 }),
        }
        while let Some(last) = self.ranges.pop_if(|last| last.end >= at.start) {
            at = last.start.min(at.start)..last.end.max(at.end);
        }
        self.ranges.push(at);
    }

    /// Whether anything stands before this place.
    pub(super) fn is_before(&self, end: usize) -> bool {
        self.ranges.first().is_some_and(|range| range.start < end)
    }

    /// Forgets what stands before this place, which is the new beginning.
    pub(super) fn drop_before(&mut self, end: usize) {
        self.ranges.retain_mut(|range| {
            *range = range.start.saturating_sub(end)..range.end.saturating_sub(end);
            range.start < range.end
        });
    }

    /// A text with everything covered.
    pub(super) fn covered(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for range in &self.ranges {
            let end = range.end.min(text.len());
            if let Some(part) = text.get_mut(range.start..end) {
                part.fill(COVER);
            }
        }
        text
    }

    /// Whose values were found since the last time.
    pub(super) fn take_hits(&mut self) -> Vec<Hit> {
        let hit = |run: Run| Hit {
            name: Whose::clone(&run.name),
            bytes: run.bytes + run.last.len() as u64,
        };
        self.runs.drain(..).map(hit).collect()
    }
}
