//! What happened while a contract was applied: how many values at which field, and, where somebody
//! wants to know, which became what.

use super::Swap;
use model::DataClass;
use std::sync::Arc;

/// Counts what was done, by field.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Vec<u64>,
    /// What became of what, if that is kept.
    swaps: Option<Vec<Arc<Swap>>>,
    /// What was known before.
    known: Vec<Arc<Swap>>,
}

impl Tally {
    /// One that keeps what became of what, and knows these already.
    #[must_use]
    pub fn knowing(known: Vec<Arc<Swap>>) -> Self {
        Self { counts: Vec::new(), swaps: Some(Vec::new()), known }
    }

    /// What became of what, in order, if that was to be kept.
    #[must_use]
    pub fn into_swaps(self) -> Vec<Arc<Swap>> {
        self.swaps.unwrap_or_default()
    }

    /// How many values were transformed, at all fields.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts alone, as they are now.
    pub(crate) fn counts(&self) -> Self {
        Self { counts: self.counts.clone(), ..Self::default() }
    }

    /// Values at the field of this number.
    pub(crate) fn of(&self, field: usize) -> u64 {
        self.counts.get(field).copied().unwrap_or(0)
    }

    pub(super) fn count(&mut self, field: usize) {
        if self.counts.len() <= field {
            self.counts.resize(field + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(field) {
            *count += 1;
        }
    }

    /// What is known to stand for a value of this class.
    pub(super) fn find(&self, class: &DataClass, made: &str) -> Option<Arc<Swap>> {
        let own = |swap: &&Arc<Swap>| swap.class == *class && swap.made() == made;
        self.known.iter().find(own).map(Arc::clone)
    }

    pub(super) fn keep(&mut self, swap: impl FnOnce() -> Arc<Swap>) {
        if let Some(swaps) = &mut self.swaps {
            swaps.push(swap());
        }
    }
}
