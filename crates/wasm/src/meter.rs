//! What one invocation uses, and what its parts tell each other.
//!
//! The store's data, the request's body, the log streams and the polled future share one
//! allocation. All of them are touched from the thread that polls, one after the other; the
//! locks and atomics are never contended.
//!
//! Invariant: the guest's CPU time is read from the thread's clock, never estimated.

use crate::clockwork::Clockwork;
use crate::run::Exchange;
use crate::turns::Held;
use model::listing::Listing;
use model::wire::v1::Level;
use model::{Limits, Usage};
use parking_lot::Mutex;
use ports::Host;
use ports::executor::{BodyError, Unit};
use ports::lines::Line;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// CPU time of the calling thread, in nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000) + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// What the parts of one invocation share.
pub(crate) struct Shared {
    pub(crate) unit: Arc<Unit>,
    pub(crate) host: Arc<dyn Host>,
    /// The files that the function carries.
    pub(crate) files: Option<Arc<Listing>>,
    pub(crate) clockwork: Arc<Clockwork>,
    pub(crate) exchange: Mutex<Exchange>,
    pub(crate) turn: Mutex<Option<Held>>,
    pub(crate) memory_peak_bytes: AtomicU64,
    pub(crate) memory_refused: AtomicBool,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    body_error: Mutex<Option<BodyError>>,
    lines: Mutex<[Line; 2]>,
    /// CPU time of the polls that ended.
    cpu_spent_ns: AtomicU64,
    /// The thread's clock when this poll began.
    poll_began_ns: AtomicU64,
    /// CPU time until which the guest had its last turn.
    cpu_yielded_ns: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        unit: Arc<Unit>,
        host: Arc<dyn Host>,
        files: Option<Arc<Listing>>,
        clockwork: Arc<Clockwork>,
    ) -> Self {
        Self {
            unit,
            host,
            files,
            clockwork,
            exchange: Mutex::default(),
            turn: Mutex::default(),
            memory_peak_bytes: AtomicU64::new(0),
            memory_refused: AtomicBool::new(false),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            body_error: Mutex::default(),
            lines: Mutex::default(),
            cpu_spent_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
            cpu_yielded_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.unit.limits
    }

    /// A poll of the guest begins.
    pub(crate) fn poll_begins(&self) {
        self.poll_began_ns.store(thread_cpu_ns(), Relaxed);
    }

    /// The poll ends: its time is counted, and a turn that it used is passed on.
    pub(crate) fn poll_ends(&self) {
        self.cpu_spent_ns.store(self.cpu_ns(), Relaxed);
        let turn = self.turn.lock().take();
        drop(turn);
    }

    /// CPU time until now. Only between [`Shared::poll_begins`] and [`Shared::poll_ends`].
    pub(crate) fn cpu_ns(&self) -> u64 {
        let slice = thread_cpu_ns().saturating_sub(self.poll_began_ns.load(Relaxed));
        self.cpu_spent_ns.load(Relaxed).saturating_add(slice)
    }

    /// Whether the polls that ended took more CPU time than the function may use.
    pub(crate) fn is_over_cpu_limit(&self) -> bool {
        self.cpu_spent_ns.load(Relaxed) > self.limits().cpu_ms.saturating_mul(1_000_000)
    }

    /// CPU time since the guest last let others run.
    pub(crate) fn cpu_since_yield_ns(&self, cpu_ns: u64) -> u64 {
        cpu_ns.saturating_sub(self.cpu_yielded_ns.load(Relaxed))
    }

    /// Whether the guest had to let others run before.
    pub(crate) fn is_heavy(&self) -> bool {
        self.cpu_yielded_ns.load(Relaxed) > 0
    }

    /// The guest lets others run.
    pub(crate) fn yields(&self, cpu_ns: u64) {
        self.cpu_yielded_ns.store(cpu_ns, Relaxed);
    }

    /// The request's body broke off.
    pub(crate) fn body_broke(&self, error: BodyError) {
        self.body_error.lock().get_or_insert(error);
    }

    pub(crate) fn body_error(&self) -> Option<BodyError> {
        *self.body_error.lock()
    }

    /// The guest wrote to standard output (`Info`) or standard error (anything else).
    pub(crate) fn log(&self, level: Level, bytes: &[u8]) {
        let [out, err] = &mut *self.lines.lock();
        let line = if level == Level::Info { out } else { err };
        line.write(bytes, level, &*self.host);
    }

    /// Sends the lines that the guest left without an end.
    pub(crate) fn finish_lines(&self) {
        let [out, err] = &mut *self.lines.lock();
        out.finish(Level::Info, &*self.host);
        err.finish(Level::Error, &*self.host);
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            cpu_us: self.cpu_spent_ns.load(Relaxed) / 1000,
            memory_peak_bytes: self.memory_peak_bytes.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        }
    }
}
