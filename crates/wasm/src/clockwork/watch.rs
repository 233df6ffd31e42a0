//! Whether a guest computes anywhere: while none does, the ticker rests.
//!
//! Guests that begin and the ticker that lies down each write first and read then, in one order for
//! all (`SeqCst`): either the ticker sees the guest, or the guest sees that the ticker rests.
//!
//! Invariant: the ticker does not rest while somebody holds a [`Computing`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Thread};

/// Counters, so that threads do not write to the same one. More threads than these share some.
const STRIPES: usize = 64;

thread_local! {
    static STRIPE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, SeqCst) % STRIPES
    };
}

/// A counter in cache lines of its own: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicUsize);

/// Who computes, and whether the ticker rests.
#[derive(Debug)]
pub(super) struct Watch {
    computing: [Stripe; STRIPES],
    resting: AtomicBool,
    ticker: OnceLock<Thread>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            computing: std::array::from_fn(|_| Stripe::default()),
            resting: AtomicBool::new(false),
            ticker: OnceLock::new(),
        }
    }
}

/// A guest is being polled. Dropping it says that it is not any more.
#[must_use]
pub(crate) struct Computing<'w>(&'w AtomicUsize);

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Watch {
    /// Who rests. Before that is known, nobody does.
    pub(super) fn ticked_by(&self, ticker: Thread) {
        let _known = self.ticker.set(ticker);
    }

    /// The calling thread polls a guest from now on.
    pub(super) fn begin(&self) -> Computing<'_> {
        let at = STRIPE.with(|stripe| *stripe);
        // A remainder is below the length.
        let stripe = self.computing.get(at).unwrap_or(&self.computing[0]);
        stripe.0.fetch_add(1, SeqCst);
        if self.resting.load(SeqCst) {
            self.wake();
        }
        Computing(&stripe.0)
    }

    /// Has the ticker get up.
    pub(super) fn wake(&self) {
        if let Some(ticker) = self.ticker.get()
            && self.resting.swap(false, SeqCst)
        {
            ticker.unpark();
        }
    }

    pub(super) fn is_anybody_computing(&self) -> bool {
        self.computing.iter().any(|stripe| stripe.0.load(SeqCst) > 0)
    }

    /// Rests until somebody computes or wakes it. Only the ticker's thread calls this. `is_over` is
    /// asked after others know that it rests.
    pub(super) fn rest(&self, is_over: impl Fn() -> bool) {
        if self.ticker.get().is_none() {
            return;
        }
        self.resting.store(true, SeqCst);
        if self.is_anybody_computing() || is_over() {
            self.resting.store(false, SeqCst);
            return;
        }
        while self.resting.load(SeqCst) {
            thread::park();
        }
    }

    #[cfg(test)]
    pub(super) fn is_resting(&self) -> bool {
        self.resting.load(SeqCst)
    }
}
