//! One connection's state, shared by the parts of its task: the wire below hyper, the service
//! above it, and the task that drives both.
//!
//! All of them run on one thread; the atomics are there because the types must be `Send`.

use crate::config::Config;
use crate::control::{Control, Load, Phase};
use crate::origin::Origin;
use crate::violation::Violation;
use futures_util::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// While draining, a connection that has been silent for less than this may still have a request
/// on its way, sent before the client could know.
const LULL_MS: u64 = 500;
/// How long a connection that will be refused may take to begin its request.
const REFUSED_WAIT_MS: u64 = 1_000;

/// What the connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// The end of its answer.
    Busy,
}

/// Why a deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// No request came.
    Idle,
    /// A head was not complete in time.
    Slow,
    /// The client does not take its answer.
    Stalled,
}

/// How long what may take, in milliseconds; see [`Config`].
#[derive(Debug, Clone, Copy)]
struct Patience {
    head_ms: u64,
    body_idle_ms: u64,
    idle_ms: u64,
}

/// One connection.
pub(crate) struct Line {
    pub(crate) origin: Origin,
    pub(crate) load: Arc<Load>,
    control: Arc<Control>,
    patience: Patience,
    opened: Instant,
    stage: AtomicU8,
    /// When the stage began, in milliseconds after `opened`.
    since_ms: AtomicU64,
    /// When the client stopped taking bytes, likewise; 0 if it did not.
    stalled_ms: AtomicU64,
    /// It has carried a request.
    used: AtomicBool,
    answered: AtomicBool,
    body_left: AtomicBool,
    hang_up: AtomicBool,
    gone: AtomicBool,
    broken: AtomicBool,
    violation: OnceLock<Violation>,
    waker: AtomicWaker,
}

impl Line {
    pub(crate) fn new(
        origin: Origin,
        load: Arc<Load>,
        control: Arc<Control>,
        config: &Config,
    ) -> Self {
        let patience = Patience {
            head_ms: config.head_timeout_ms,
            body_idle_ms: config.body_idle_ms,
            idle_ms: config.idle_ms,
        };
        Self::begin(origin, load, control, patience)
    }

    /// The same connection from here on, of which more is known now.
    pub(crate) fn next(&self, origin: Origin) -> Self {
        let (load, control) = (Arc::clone(&self.load), Arc::clone(&self.control));
        let next = Self::begin(origin, load, control, self.patience);
        if let Some(violation) = self.violation() {
            next.refuse(violation);
        }
        next
    }

    fn begin(origin: Origin, load: Arc<Load>, control: Arc<Control>, patience: Patience) -> Self {
        Self {
            origin,
            load,
            control,
            patience,
            opened: Instant::now(),
            stage: AtomicU8::new(Stage::Idle as u8),
            since_ms: AtomicU64::new(0),
            stalled_ms: AtomicU64::new(0),
            used: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            body_left: AtomicBool::new(false),
            hang_up: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            violation: OnceLock::new(),
            waker: AtomicWaker::new(),
        }
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// How long a client may stall.
    pub(crate) fn body_idle(&self) -> Duration {
        Duration::from_millis(self.patience.body_idle_ms)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        // At least 1, so that 0 can mean never.
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Head,
            _ => Stage::Busy,
        }
    }

    fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.since_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// The first bytes of a head are here.
    pub(crate) fn head_begins(&self) {
        if self.stage() == Stage::Idle {
            self.enter(Stage::Head);
        }
    }

    /// A head is complete and is passed on.
    pub(crate) fn request_begins(&self) {
        self.stage.store(Stage::Busy as u8, Ordering::Relaxed);
        self.used.store(true, Ordering::Relaxed);
        self.answered.store(false, Ordering::Relaxed);
        self.body_left.store(false, Ordering::Relaxed);
    }

    /// The request and its answer are over, and the answer is written.
    pub(crate) fn request_ends(&self) {
        self.enter(Stage::Idle);
    }

    /// The answer was handed to hyper to its end, or dropped.
    pub(crate) fn answer_ends(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The request's body was dropped before its end.
    pub(crate) fn leave_body(&self) {
        self.body_left.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_body_left(&self) -> bool {
        self.body_left.load(Ordering::Relaxed)
    }

    /// The connection shall end with this answer.
    pub(crate) fn hang_up(&self) {
        self.hang_up.store(true, Ordering::Relaxed);
    }

    /// Whether the answer that begins now is the last one.
    pub(crate) fn is_last_answer(&self) -> bool {
        self.hang_up.load(Ordering::Relaxed) || self.is_draining()
    }

    /// Refuses what arrives. The first reason counts.
    pub(crate) fn refuse(&self, violation: Violation) {
        self.hang_up();
        // A second violation changes nothing: nothing is read after the first.
        let _ = self.violation.set(violation);
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.get().copied()
    }

    /// The client is gone; nobody waits for an answer.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// The answer broke off after its head was sent.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// The client does not take bytes, from now on if it did before.
    pub(crate) fn stall(&self) {
        let _ = self.stalled_ms.compare_exchange(
            0,
            self.now_ms(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// The client takes bytes.
    pub(crate) fn flow(&self) {
        self.stalled_ms.store(0, Ordering::Relaxed);
    }

    /// Until when the connection may go on as it is. `None` while the engine is at work.
    pub(crate) fn deadline(&self) -> Option<(Instant, Expiry)> {
        if let Some(at) = self.stalled_until() {
            return Some((at, Expiry::Stalled));
        }
        let since_ms = self.since_ms.load(Ordering::Relaxed);
        match self.stage() {
            Stage::Busy => None,
            Stage::Head => Some((self.head_until(since_ms)?, Expiry::Slow)),
            Stage::Idle => {
                let used = self.used.load(Ordering::Relaxed);
                Some((self.idle_until(since_ms, used)?, Expiry::Idle))
            }
        }
    }

    fn idle_limit_ms(&self, used: bool) -> u64 {
        let limit_ms = match (self.violation(), used) {
            (Some(_), _) => REFUSED_WAIT_MS,
            (None, false) => self.patience.head_ms,
            (None, true) => self.patience.idle_ms,
        };
        if self.control.phase() == Phase::Running { limit_ms } else { limit_ms.min(LULL_MS) }
    }

    pub(crate) fn after(&self, since_ms: u64, wait_ms: u64) -> Option<Instant> {
        self.opened.checked_add(Duration::from_millis(since_ms.saturating_add(wait_ms)))
    }

    /// Until when a client may be silent that has been since then.
    pub(crate) fn idle_until(&self, since_ms: u64, used: bool) -> Option<Instant> {
        self.after(since_ms, self.idle_limit_ms(used))
    }

    /// Until when what began then must be complete.
    pub(crate) fn head_until(&self, since_ms: u64) -> Option<Instant> {
        self.after(since_ms, self.patience.head_ms)
    }

    /// Until when the client must take bytes again, if it does not.
    pub(crate) fn stalled_until(&self) -> Option<Instant> {
        let stalled_ms = self.stalled_ms.load(Ordering::Relaxed);
        if stalled_ms == 0 {
            return None;
        }
        self.after(stalled_ms, self.patience.body_idle_ms)
    }

    /// Whether the gateway takes nothing new.
    pub(crate) fn is_draining(&self) -> bool {
        self.control.phase() != Phase::Running
    }

    /// Says whom to wake when the phase changes.
    pub(crate) fn listen(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Has the connection look at the phase.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }
}
