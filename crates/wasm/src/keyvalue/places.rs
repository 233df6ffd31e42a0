//! Numbers that stand for positions in listings, for the draft whose cursors are numbers.
//!
//! Invariant: a bounded number is kept, whatever a guest lists.

use std::collections::VecDeque;
use std::sync::Arc;

/// Positions that one invocation can go on from; beyond, the oldest is forgotten.
const PLACES_MAX: usize = 64;

/// The positions that an invocation was told.
#[derive(Debug, Default)]
pub(crate) struct Places {
    next: u64,
    kept: VecDeque<Place>,
}

#[derive(Debug)]
struct Place {
    cursor: u64,
    store: Arc<str>,
    after: String,
}

impl Places {
    /// Gives a position a number.
    pub(super) fn keep(&mut self, store: Arc<str>, after: String) -> u64 {
        if self.kept.len() == PLACES_MAX {
            self.kept.pop_front();
        }
        // Zero stays free: other hosts take it for the beginning.
        self.next += 1;
        self.kept.push_back(Place { cursor: self.next, store, after });
        self.next
    }

    /// The key after which a listing of `store` goes on. `None` for a number that was not given for
    /// that store, or too long ago.
    pub(super) fn find(&self, store: &str, cursor: u64) -> Option<String> {
        let place = self.kept.iter().find(|place| place.cursor == cursor)?;
        (&*place.store == store).then(|| place.after.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_leads_back_to_its_store_until_it_is_too_old() {
        let mut places = Places::default();
        let first = places.keep("a".into(), "k".to_owned());
        assert_eq!(places.find("a", first).as_deref(), Some("k"));
        assert_eq!(places.find("b", first), None);
        assert_eq!(places.find("a", first + 1), None);
        for _ in 0..PLACES_MAX {
            places.keep("a".into(), "l".to_owned());
        }
        assert_eq!(places.find("a", first), None);
        assert_eq!(places.kept.len(), PLACES_MAX);
    }
}
