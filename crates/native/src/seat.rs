//! Whom a process speaks for: the invocations that it has in hand, and their hosts.
//!
//! What a process asks for, and what it prints, belongs to an invocation. With one at a time there is
//! no doubt whose it is; with several it is put down to the one that has waited longest.
//!
//! Invariant: with no invocation in hand, a process has no host and is answered nothing.

use parking_lot::Mutex;
use ports::Host;
use std::sync::Arc;

/// The invocations that one process has in hand.
#[derive(Default)]
pub(crate) struct Seat {
    taken: Mutex<Vec<(u64, Arc<dyn Host>)>>,
}

impl Seat {
    /// An invocation begins.
    pub(crate) fn take(self: &Arc<Self>, host: Arc<dyn Host>) -> Taken {
        let mut taken = self.taken.lock();
        let number = taken.last().map_or(0, |(number, _)| number + 1);
        taken.push((number, host));
        Taken { seat: Arc::clone(self), number }
    }

    /// Who answers what the process asks for now.
    pub(crate) fn host(&self) -> Option<Arc<dyn Host>> {
        self.taken.lock().first().map(|(_, host)| Arc::clone(host))
    }
}

/// An invocation that is in hand. Dropping it ends that.
pub(crate) struct Taken {
    seat: Arc<Seat>,
    number: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.seat.taken.lock().retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Labelled;
    use ports::host::{Answer, Ask, HostError, Line};

    struct Nobody;

    impl Host for Nobody {
        fn log(&self, _: Labelled<Line>) {}

        fn call(self: Arc<Self>, _: Ask) -> ports::Future<'static, Result<Answer, HostError>> {
            Box::pin(std::future::ready(Err(HostError::Denied)))
        }
    }

    #[test]
    fn the_first_invocation_in_hand_is_the_one_that_is_spoken_for() {
        let seat = Arc::new(Seat::default());
        assert!(seat.host().is_none());
        let hosts: [Arc<dyn Host>; 2] = [Arc::new(Nobody), Arc::new(Nobody)];
        let is = |at: usize| seat.host().is_some_and(|host| Arc::ptr_eq(&host, &hosts[at]));
        let first = seat.take(Arc::clone(&hosts[0]));
        let second = seat.take(Arc::clone(&hosts[1]));
        assert!(is(0));
        drop(first);
        assert!(is(1));
        let third = seat.take(Arc::clone(&hosts[0]));
        assert!(is(1));
        drop(second);
        assert!(is(0));
        drop(third);
        assert!(seat.host().is_none());
    }
}
