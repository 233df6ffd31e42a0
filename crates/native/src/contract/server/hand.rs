//! How many invocations a process has in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// The count.
#[derive(Default)]
pub(super) struct Hands {
    taken: AtomicUsize,
    put_down: Notify,
}

/// One invocation in hand, until it is dropped.
pub(super) struct Hand(Arc<Hands>);

impl Hands {
    pub(super) fn take(self: &Arc<Self>) -> Hand {
        self.taken.fetch_add(1, Ordering::AcqRel);
        Hand(Arc::clone(self))
    }

    /// Waits until nothing is in hand.
    pub(super) async fn empty(&self) {
        loop {
            let mut put_down = std::pin::pin!(self.put_down.notified());
            // From here on nothing is missed.
            put_down.as_mut().enable();
            if self.taken.load(Ordering::Acquire) == 0 {
                return;
            }
            put_down.await;
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if self.0.taken.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.put_down.notify_waiters();
        }
    }
}
