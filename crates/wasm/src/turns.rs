//! Whose turn it is among the guests that compute for long on one thread.
//!
//! A guest that used up its tick is *heavy* and queues here. At most one heavy guest of a thread
//! is ready to run, so a fresh request waits for one tick and not for one tick per looper. As
//! long as there is other work, all heavy guests of a thread together get half of its time. A
//! turn is offered, and taken up when the guest is polled; the executor's ticker withdraws an
//! offer that nobody takes up, since the guest's caller may have stopped polling (a client that
//! does not read, for example).
//!
//! Invariant: nobody holds a turn while it is not being polled.
//! Invariant: every guest in the queue is offered a turn as long as the ticker runs.

use crate::meter::thread_cpu_ns;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Ticks after which an offer is withdrawn.
const OFFER_TICKS: u32 = 2;

/// The queue of one thread.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<(u64, Option<Waker>)>,
    turn: Turn,
    /// The thread's CPU clock when the last turn ended, in nanoseconds.
    ended_cpu_ns: u64,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Turn {
    #[default]
    Free,
    /// Offered to a guest that was not polled since, and for how many ticks.
    Offered(u64, u32),
    /// A guest computes.
    Taken,
}

impl Queue {
    /// Offers a free turn to the guest that waits longest, and returns how to wake it.
    fn offer(&mut self) -> Option<Waker> {
        if self.turn != Turn::Free {
            return None;
        }
        let (number, waker) = self.waiting.pop_front()?;
        self.turn = Turn::Offered(number, 0);
        waker
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Turns {
    /// Queues at the end.
    pub(crate) fn join(self: &Arc<Self>) -> Place {
        let mut queue = self.0.lock();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back((number, None));
        // The guest that joins is being polled now: no need to wake it.
        let waker = queue.offer();
        drop(queue);
        wake(waker);
        Place { turns: Arc::clone(self), number }
    }

    /// Called by the ticker: withdraws an offer that was not taken up while others wait.
    pub(crate) fn tick(&self) {
        let mut queue = self.0.lock();
        let Turn::Offered(number, age) = queue.turn else { return };
        if age < OFFER_TICKS || queue.waiting.is_empty() {
            queue.turn = Turn::Offered(number, age.saturating_add(1));
            return;
        }
        queue.waiting.push_back((number, None));
        queue.turn = Turn::Free;
        let waker = queue.offer();
        drop(queue);
        wake(waker);
    }

    /// A turn ends. Called on the queue's own thread, whose clock it reads.
    fn release(&self) {
        let mut queue = self.0.lock();
        queue.ended_cpu_ns = thread_cpu_ns();
        queue.turn = Turn::Free;
        let waker = queue.offer();
        drop(queue);
        wake(waker);
    }
}

/// A guest's place in the queue. Dropping it leaves the queue.
#[derive(Debug)]
pub(crate) struct Place {
    turns: Arc<Turns>,
    number: u64,
}

impl Place {
    /// Ready while the turn is offered to this guest.
    pub(crate) fn poll_offered(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.turns.0.lock();
        if matches!(queue.turn, Turn::Offered(number, _) if number == self.number) {
            return Poll::Ready(());
        }
        if let Some(place) = queue.waiting.iter_mut().find(|place| place.0 == self.number) {
            place.1 = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// How long the thread has worked for others since the last turn ended, in nanoseconds of its
    /// CPU clock, which shows `now_ns`. Says also that this guest is still there to take its offer.
    pub(crate) fn others_had_ns(&self, now_ns: u64) -> u64 {
        let mut queue = self.turns.0.lock();
        if matches!(queue.turn, Turn::Offered(number, _) if number == self.number) {
            queue.turn = Turn::Offered(self.number, 0);
        }
        now_ns.saturating_sub(queue.ended_cpu_ns)
    }

    /// Takes the turn up, unless the offer was withdrawn in the meantime.
    pub(crate) fn take(&self) -> Option<Held> {
        let mut queue = self.turns.0.lock();
        let ours = matches!(queue.turn, Turn::Offered(number, _) if number == self.number);
        ours.then(|| {
            queue.turn = Turn::Taken;
            Held(Arc::clone(&self.turns))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.turns.0.lock();
        queue.waiting.retain(|place| place.0 != self.number);
        if matches!(queue.turn, Turn::Offered(number, _) if number == self.number) {
            queue.turn = Turn::Free;
        }
        let waker = queue.offer();
        drop(queue);
        wake(waker);
    }
}

/// A turn that is being used. Dropping it passes it on.
#[derive(Debug)]
pub(crate) struct Held(Arc<Turns>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(place: &Place) -> bool {
        place.poll_offered(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn turns_go_round_in_order_one_at_a_time() {
        let turns = Arc::new(Turns::default());
        let [a, b, c] = [turns.join(), turns.join(), turns.join()];
        for place in [&a, &b, &c] {
            let ready: Vec<bool> = [&a, &b, &c].iter().map(|other| offered(other)).collect();
            assert_eq!(ready.iter().filter(|ready| **ready).count(), 1);
            assert!(offered(place));
            let held = place.take().expect("offered");
            assert!(![&a, &b, &c].iter().any(|other| offered(other)), "taken means nobody else");
            drop(held);
        }
    }

    #[test]
    fn a_guest_that_nobody_polls_does_not_stop_the_others() {
        let turns = Arc::new(Turns::default());
        let stuck = turns.join();
        let live = turns.join();
        assert!(offered(&stuck) && !offered(&live));
        for _ in 0..=OFFER_TICKS {
            turns.tick();
        }
        assert!(offered(&live) && !offered(&stuck));
        assert!(stuck.take().is_none(), "the offer was withdrawn");
        drop(live.take());
        assert!(offered(&stuck), "and comes back");
    }

    #[test]
    fn whoever_leaves_passes_the_offer_on() {
        let turns = Arc::new(Turns::default());
        let a = turns.join();
        let b = turns.join();
        drop(a);
        assert!(offered(&b));
        drop(b);
        assert_eq!(turns.0.lock().turn, Turn::Free);
        assert!(turns.0.lock().waiting.is_empty());
    }
}
