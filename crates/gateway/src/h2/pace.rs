//! The clocks of an HTTP/2 connection: when it is idle, slow or stuck.

use super::frames::Fault;
use crate::line::{Expiry, Line};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::time::Instant;

/// What the parts of a connection tell each other about its progress. All run on one thread.
pub(crate) struct Pace {
    pub(crate) line: Arc<Line>,
    /// Requests whose tasks run.
    streams: AtomicUsize,
    /// When the last of them ended, or something of an answer was sent, in milliseconds after the
    /// connection began.
    since_ms: AtomicU64,
    /// When a frame or a block of headers began that is not complete, likewise; 0 if none did.
    amid_ms: AtomicU64,
    used: AtomicBool,
    fault: OnceLock<Fault>,
}

impl Pace {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            streams: AtomicUsize::new(0),
            since_ms: AtomicU64::new(0),
            amid_ms: AtomicU64::new(0),
            used: AtomicBool::new(false),
            fault: OnceLock::new(),
        }
    }

    /// Counts a request until what is returned drops.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        self.used.store(true, Ordering::Relaxed);
        self.streams.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// Whether no request runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.streams.load(Ordering::Relaxed) == 0
    }

    /// The client broke the rules. The first reason counts.
    pub(crate) fn fail(&self, fault: Fault) {
        // Nothing is read after the first.
        let _ = self.fault.set(fault);
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// Something of an answer went out.
    pub(crate) fn progress(&self) {
        self.since_ms.store(self.line.now_ms(), Ordering::Relaxed);
    }

    /// Whether something is begun and not complete.
    pub(crate) fn amid(&self, amid: bool) {
        let began_ms = self.amid_ms.load(Ordering::Relaxed);
        let next_ms = match (amid, began_ms) {
            (false, _) => 0,
            (true, 0) => self.line.now_ms(),
            (true, began_ms) => began_ms,
        };
        self.amid_ms.store(next_ms, Ordering::Relaxed);
    }

    /// Until when the connection may go on as it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Expiry)> {
        let stalled = self.line.stalled_until().map(|at| (at, Expiry::Stalled));
        let amid_ms = self.amid_ms.load(Ordering::Relaxed);
        let slow = if amid_ms > 0 { self.line.head_until(amid_ms) } else { None };
        let slow = slow.map(|at| (at, Expiry::Slow));
        let idle = self.idle_until().map(|at| (at, Expiry::Idle));
        [stalled, slow, idle].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn idle_until(&self) -> Option<Instant> {
        // What was begun has its own time.
        if !self.is_idle() || self.amid_ms.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let used = self.used.load(Ordering::Relaxed);
        self.line.idle_until(self.since_ms.load(Ordering::Relaxed), used)
    }
}

/// A request that runs.
pub(crate) struct Running(Arc<Pace>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.progress();
        if self.0.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            // The connection's own task has to set its clock.
            self.0.line.wake();
        }
    }
}
