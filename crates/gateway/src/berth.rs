//! The places of a worker's connections, by which they can be woken.
//!
//! Invariant: a place is given up however its connection ends.

use crate::census::Seat;
use crate::line::Line;
use crate::violation::Violation;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of a worker's connections.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Harbour>>);

#[derive(Default)]
struct Harbour {
    next: u64,
    lines: HashMap<u64, Arc<Line>>,
}

impl Lines {
    /// Gives a connection its place.
    pub(crate) fn berth(&self, line: &Arc<Line>, seat: Seat) -> Berth {
        let mut harbour = self.lock();
        let number = harbour.next;
        harbour.next += 1;
        harbour.lines.insert(number, Arc::clone(line));
        Berth { number, lines: self.clone(), seat }
    }

    /// Has every connection look at the phase.
    pub(crate) fn wake_all(&self) {
        let lines: Vec<_> = self.lock().lines.values().cloned().collect();
        for line in lines {
            line.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Harbour> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place with its worker.
pub(crate) struct Berth {
    number: u64,
    lines: Lines,
    seat: Seat,
}

impl Berth {
    /// The connection is another client's than it seemed.
    ///
    /// # Errors
    /// That this client has its share of connections already.
    pub(crate) fn claim(&mut self, peer: IpAddr) -> Result<(), Violation> {
        self.seat.claim(peer)
    }

    /// The connection goes on under another line.
    pub(crate) fn change(&self, line: &Arc<Line>) {
        self.lines.lock().lines.insert(self.number, Arc::clone(line));
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.lines.lock().lines.remove(&self.number);
    }
}
