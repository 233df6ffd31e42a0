//! Whom a process speaks for: the invocations that it has in hand, and their hosts.
//!
//! What a process asks for, and what it prints, belongs to an invocation. With one at a time there is
//! no doubt whose it is; with several it is put down to the one that has waited longest.
//!
//! Invariant: with no invocation in hand, a process has no host and is answered nothing, and what it
//! was being answered breaks off.

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use parking_lot::Mutex;
use ports::Host;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// Is done, with an error that means nothing, when no invocation is in hand any more.
pub(crate) type Risen = Shared<oneshot::Receiver<()>>;

/// An invocation that is in hand, as whoever asks on its behalf knows it.
pub(crate) struct InHand {
    /// Who answers.
    pub(crate) host: Arc<dyn Host>,
    /// Tells it from all others of the seat.
    pub(crate) number: u64,
    /// When nobody will be spoken for.
    pub(crate) risen: Risen,
}

/// The invocations that one process has in hand.
#[derive(Default)]
pub(crate) struct Seat {
    taken: Mutex<Sitting>,
    /// Changes with each invocation that begins or ends.
    moves: watch::Sender<()>,
}

#[derive(Default)]
struct Sitting {
    hosts: Vec<(u64, Arc<dyn Host>)>,
    /// The number of the next. None is used twice.
    next: u64,
    /// From the first invocation in hand until there is none: dropping it tells all who wait.
    period: Option<(oneshot::Sender<()>, Risen)>,
}

impl Seat {
    /// An invocation begins.
    pub(crate) fn take(self: &Arc<Self>, host: Arc<dyn Host>) -> Taken {
        let mut taken = self.taken.lock();
        let number = taken.next;
        taken.next += 1;
        taken.hosts.push((number, host));
        taken.period.get_or_insert_with(|| {
            let (sender, receiver) = oneshot::channel();
            (sender, receiver.shared())
        });
        drop(taken);
        self.moves.send_replace(());
        Taken { seat: Arc::clone(self), number }
    }

    /// Who answers what the process asks for now.
    pub(crate) fn host(&self) -> Option<Arc<dyn Host>> {
        self.taken.lock().hosts.first().map(|(_, host)| Arc::clone(host))
    }

    /// The same, for who has to know more of it.
    pub(crate) fn in_hand(&self) -> Option<InHand> {
        let taken = self.taken.lock();
        let (number, host) = taken.hosts.first()?;
        let (_, risen) = taken.period.as_ref()?;
        Some(InHand { host: Arc::clone(host), number: *number, risen: risen.clone() })
    }

    /// Whether that invocation is still in hand.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.taken.lock().hosts.iter().any(|(found, _)| *found == number)
    }

    /// Tells of every invocation that begins or ends from now on.
    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.moves.subscribe()
    }
}

/// An invocation that is in hand. Dropping it ends that.
pub(crate) struct Taken {
    seat: Arc<Seat>,
    number: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.seat.taken.lock();
        taken.hosts.retain(|(number, _)| *number != self.number);
        let over = if taken.hosts.is_empty() { taken.period.take() } else { None };
        drop(taken);
        // Wakes whoever waits, and they may look at the seat.
        drop(over);
        self.seat.moves.send_replace(());
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

    #[test]
    fn what_is_asked_ends_when_nothing_is_in_hand_and_not_before() {
        let seat = Arc::new(Seat::default());
        let first = seat.take(Arc::new(Nobody));
        let risen = seat.in_hand().expect("one").risen;
        let second = seat.take(Arc::new(Nobody));
        drop(first);
        assert!(risen.clone().now_or_never().is_none());
        drop(second);
        assert!(risen.now_or_never().is_some() && seat.in_hand().is_none());
        let _third = seat.take(Arc::new(Nobody));
        let risen = seat.in_hand().expect("one").risen;
        assert!(risen.now_or_never().is_none());
    }
}
