//! A user id of the machine for each live jail.

use std::collections::BTreeSet;

/// The ids that jails run under, where the node runs as root.
#[derive(Debug)]
pub(super) struct Uids {
    first: u32,
    count: u32,
    next: u32,
    taken: BTreeSet<u32>,
}

impl Uids {
    /// Ids of this range, without the machine's root: that is never one.
    pub(super) fn new(first: u32, count: u32) -> Self {
        let count = count.min(u32::MAX - first);
        Self { first, count, next: 0, taken: BTreeSet::new() }
    }

    /// Takes one that nobody has, the one longest not used first.
    pub(super) fn take(&mut self) -> Option<u32> {
        for _ in 0..self.count {
            let id = self.first + self.next;
            self.next = (self.next + 1) % self.count;
            if id != 0 && self.taken.insert(id) {
                return Some(id);
            }
        }
        None
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self, id: u32) {
        self.taken.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_jails_have_one_and_none_has_that_of_root() {
        let mut uids = Uids::new(0, 3);
        assert_eq!([uids.take(), uids.take(), uids.take()], [Some(1), Some(2), None]);
        uids.give_back(1);
        assert_eq!([uids.take(), uids.take()], [Some(1), None]);
        assert_eq!(Uids::new(7, 0).take(), None);
        assert_eq!(Uids::new(u32::MAX, 9).take(), None);
    }

    #[test]
    fn an_id_is_used_again_as_late_as_can_be() {
        let mut uids = Uids::new(10, 3);
        assert_eq!(uids.take(), Some(10));
        uids.give_back(10);
        assert_eq!([uids.take(), uids.take(), uids.take()], [Some(11), Some(12), Some(10)]);
    }
}
