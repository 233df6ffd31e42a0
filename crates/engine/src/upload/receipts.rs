//! Uploads that were delivered a while ago: a client whose last answer was lost asks how far its
//! upload is, and learns that it is complete.
//!
//! They are in memory, in a fixed number: after a start of the node, nobody remembers.

use parking_lot::Mutex;
use ports::blobs::UploadId;
use std::collections::VecDeque;
use std::time::Duration;

/// Most that are remembered; the oldest are forgotten first.
const RECEIPTS_MAX: usize = 4096;
/// How long one is remembered.
const KEPT: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Receipt {
    id: UploadId,
    owner: String,
    length: u64,
    until: Duration,
}

/// Uploads that were delivered a while ago.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<VecDeque<Receipt>>);

impl Receipts {
    pub(super) fn keep(&self, id: UploadId, (owner, length): (String, u64), now: Duration) {
        let mut all = self.0.lock();
        while all.len() >= RECEIPTS_MAX || all.front().is_some_and(|oldest| oldest.until <= now) {
            all.pop_front();
        }
        all.push_back(Receipt { id, owner, length, until: now + KEPT });
    }

    /// How long the upload was, if it was this owner's.
    pub(super) fn find(&self, id: UploadId, owner: &str, now: Duration) -> Option<u64> {
        let all = self.0.lock();
        let found = all.iter().find(|receipt| receipt.id == id && receipt.owner == owner)?;
        (now < found.until).then_some(found.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_its_owners_for_an_hour_and_there_is_a_most() {
        let (receipts, second) = (Receipts::default(), Duration::from_secs(1));
        let id = |number: u64| UploadId(u128::from(number).to_be_bytes());
        receipts.keep(id(0), ("a".to_owned(), 7), Duration::ZERO);
        assert_eq!(receipts.find(id(0), "a", second), Some(7));
        assert_eq!(receipts.find(id(0), "b", second), None);
        assert_eq!(receipts.find(id(1), "a", second), None);
        assert_eq!(receipts.find(id(0), "a", KEPT), None);
        for number in 1..=RECEIPTS_MAX as u64 {
            receipts.keep(id(number), ("a".to_owned(), 7), second);
        }
        assert_eq!(receipts.find(id(0), "a", second), None);
        assert_eq!(receipts.0.lock().len(), RECEIPTS_MAX);
        receipts.keep(id(0), ("a".to_owned(), 7), KEPT + second);
        assert_eq!(receipts.0.lock().len(), 1);
    }
}
