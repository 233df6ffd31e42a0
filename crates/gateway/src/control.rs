//! The gateway's state as all its threads see it: does it run, drain, or stop at once?

use crate::handshakes::Handshakes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// What the gateway does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Nothing new is accepted, what was accepted is finished.
    Draining,
    /// Everything is dropped.
    Aborting,
}

/// How busy one worker is. Written by its own thread and, for connections, by the accepting one.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// Connections that it has, those on their way to it included.
    pub(crate) connections: AtomicUsize,
    /// Requests that were handed to the engine and whose answers are not over.
    pub(crate) in_flight: AtomicUsize,
    /// Requests that are over, since the start.
    pub(crate) ended: AtomicU64,
    /// The same, when the drain began.
    pub(crate) ended_before: AtomicU64,
    /// TLS handshakes that came to nothing, since the start.
    pub(crate) handshakes: Handshakes,
    /// Connections of a door for proxies that no proxy introduced, since the start.
    pub(crate) introductions_failed: AtomicU64,
    /// A connection is over.
    pub(crate) left: Notify,
    /// The phase changed.
    pub(crate) signal: Notify,
}

/// The switch for all threads.
#[derive(Debug)]
pub(crate) struct Control {
    phase: AtomicU8,
    grace_ms: AtomicU64,
    /// The phase changed, for the accepting thread.
    pub(crate) acceptor: Notify,
    pub(crate) workers: Vec<Arc<Load>>,
}

impl Control {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Running as u8),
            grace_ms: AtomicU64::new(0),
            acceptor: Notify::new(),
            workers: (0..workers).map(|_| Arc::default()).collect(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Aborting,
        }
    }

    /// How long a drain may take.
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms.load(Ordering::Acquire))
    }

    pub(crate) fn drain(&self, grace: Duration) {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.grace_ms.store(grace_ms, Ordering::Release);
        for worker in &self.workers {
            worker.ended_before.store(worker.ended.load(Ordering::Acquire), Ordering::Release);
        }
        self.advance(Phase::Draining);
    }

    pub(crate) fn abort(&self) {
        self.advance(Phase::Aborting);
    }

    fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.acceptor.notify_one();
        for worker in &self.workers {
            worker.signal.notify_one();
        }
    }
}
