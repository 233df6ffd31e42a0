//! What happened while a contract was applied: how many values at which field, and, where somebody
//! wants to know, which became what.

use super::{Salts, Swap, Wants};
use crate::transform::Error;
use model::DataClass;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Longest value that is kept, in bytes: each one is looked for wherever data leaves.
pub(super) const VALUE_BYTES_MAX: usize = 4 * 1024;
/// Most values that are kept.
pub const VALUES_MAX: usize = 1024;
/// Most bytes of all of them.
pub const BYTES_MAX: usize = 64 * 1024;

/// Counts what was done, by field.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Vec<u64>,
    /// What became of what, if that is kept.
    swaps: Option<Vec<Arc<Swap>>>,
    known: Known,
    /// Salts of subjects that are here.
    pub(super) salts: Salts,
    /// Salts that are not, and are needed.
    pub(super) wants: Wants,
}

/// What is known of an invocation's values.
#[derive(Debug, Default)]
struct Known {
    /// Each, and whether it is among those that are kept.
    all: HashMap<Arc<Swap>, bool>,
    /// What was known before, by what stands for it.
    before: HashMap<Box<str>, Vec<Before>>,
    /// Bytes of all values.
    bytes: usize,
}

/// What was known before, with one text in the place of it and one class.
#[derive(Debug)]
struct Before {
    class: DataClass,
    swaps: Vec<Arc<Swap>>,
    /// Whether they are among those that are kept.
    kept: bool,
    /// What the text stands for, if it can be undone.
    back: Option<Back>,
}

#[derive(Debug)]
enum Back {
    One(Arc<Swap>),
    /// Two values became this text.
    Several,
}

impl Tally {
    /// One that keeps what became of what, and knows these already.
    #[must_use]
    pub fn knowing(known: Vec<Arc<Swap>>) -> Self {
        let mut tally = Self { swaps: Some(Vec::new()), ..Self::default() };
        known.into_iter().for_each(|swap| tally.known.before(swap));
        tally
    }

    /// What became of what, in order and each once, if that was to be kept.
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

    /// Whether this text is known to stand for a value of this class. What it may stand for is
    /// kept.
    pub(super) fn stands(&mut self, class: &DataClass, made: &str) -> bool {
        let Some(before) = self.known.of(class, made) else { return false };
        if std::mem::replace(&mut before.kept, true) {
            return true;
        }
        let swaps = before.swaps.clone();
        for swap in swaps {
            self.known.all.insert(Arc::clone(&swap), true);
            self.swaps.get_or_insert_default().push(swap);
        }
        true
    }

    /// What this text is known to stand for, if that can be undone.
    pub(super) fn back(
        &mut self,
        class: &DataClass,
        made: &str,
    ) -> Result<Option<Arc<Swap>>, Error> {
        match self.known.of(class, made).and_then(|before| before.back.as_ref()) {
            None => Ok(None),
            Some(Back::One(swap)) => Ok(Some(Arc::clone(swap))),
            Some(Back::Several) => Err(Error::Ambiguous),
        }
    }

    /// Keeps a swap, unless it is among them.
    pub(super) fn keep(&mut self, swap: impl FnOnce() -> Arc<Swap>) -> Result<(), Error> {
        let Some(swaps) = &mut self.swaps else { return Ok(()) };
        let swap = swap();
        if swap.plain().len() > VALUE_BYTES_MAX {
            return Err(Error::TooLong { max: VALUE_BYTES_MAX });
        }
        let (count, bytes) = (self.known.all.len(), self.known.bytes + swap.plain().len());
        match self.known.all.entry(Arc::clone(&swap)) {
            Entry::Occupied(mut known) => {
                if !known.insert(true) {
                    swaps.push(swap);
                }
            }
            Entry::Vacant(_) if count >= VALUES_MAX || bytes > BYTES_MAX => {
                return Err(Error::TooMany { values: VALUES_MAX, bytes: BYTES_MAX });
            }
            Entry::Vacant(place) => {
                place.insert(true);
                self.known.bytes = bytes;
                swaps.push(swap);
            }
        }
        Ok(())
    }
}

impl Known {
    fn before(&mut self, swap: Arc<Swap>) {
        if self.all.insert(Arc::clone(&swap), false).is_some() {
            return;
        }
        self.bytes += swap.plain().len();
        let alike = self.before.entry(swap.made().into()).or_default();
        let own = alike.iter_mut().find(|before| before.class == swap.class);
        let back = swap.transform.is_reversible().then(|| Back::One(Arc::clone(&swap)));
        let Some(before) = own else {
            let class = swap.class.clone();
            alike.push(Before { class, swaps: vec![swap], kept: false, back });
            return;
        };
        before.back = match (before.back.take(), back) {
            (Some(Back::One(own)), Some(_)) if own.plain() == swap.plain() => Some(Back::One(own)),
            (Some(_), Some(_)) => Some(Back::Several),
            (own, back) => own.or(back),
        };
        before.swaps.push(swap);
    }

    fn of(&mut self, class: &DataClass, made: &str) -> Option<&mut Before> {
        self.before.get_mut(made)?.iter_mut().find(|before| before.class == *class)
    }
}
