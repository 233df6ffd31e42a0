//! One process of a function: its jail, what is said with it, and whether it is free.
//!
//! Invariant: a process that did not end an invocation as its contract says serves no other.

use super::starts::Turn;
use crate::contract::{Answer, Call, Conversation};
use crate::door::Door;
use crate::jail::{Ended, Jail};
use crate::logs::Stream;
use crate::seat::Seat;
use parking_lot::Mutex;
use ports::executor::{Fault, FaultKind};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::AbortHandle;

/// What a process that has ended may still have said: its last words travel by other ways than the
/// news of its end.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// Longest that a process may take, after its answer was taken, to be done with the invocation.
const SETTLE: Duration = Duration::from_secs(2);

/// What an instance is made of.
pub(crate) struct Parts {
    pub(crate) jail: Arc<Jail>,
    pub(crate) conversation: Box<dyn Conversation>,
    pub(crate) seat: Arc<Seat>,
    pub(crate) streams: Vec<Arc<Stream>>,
    /// What reads its output. It ends with it.
    pub(crate) tasks: Vec<AbortHandle>,
    /// What answers it. They close with it.
    pub(crate) _doors: Vec<Door>,
    /// Invocations that it may have in hand at a time.
    pub(crate) parallel: u32,
    /// The secrets that it was given to read, as a digest.
    pub(crate) revealed: Option<model::Digest>,
    /// CPU time that is no invocation's: it passed before there was a function. In microseconds.
    pub(crate) before_us: u64,
    /// While it starts.
    pub(crate) turn: Mutex<Option<Turn>>,
}

/// One process of a function.
pub(crate) struct Instance {
    parts: Parts,
    room: Mutex<Room>,
    /// CPU time until the end of its last invocation.
    cpu_us: AtomicU64,
}

struct Room {
    in_hand: u32,
    frozen: bool,
    /// It takes no invocation any more.
    closed: bool,
    /// Since when it has nothing in hand, by the monotonic clock.
    idle_since: Duration,
}

impl Instance {
    /// A process that was started, with room taken for one invocation.
    pub(crate) fn new(parts: Parts) -> Self {
        let idle_since = Duration::ZERO;
        let room = Room { in_hand: 1, frozen: false, closed: false, idle_since };
        let cpu_us = AtomicU64::new(parts.before_us);
        Self { parts, room: Mutex::new(room), cpu_us }
    }

    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.parts.seat
    }

    pub(crate) fn revealed(&self) -> Option<model::Digest> {
        self.parts.revealed
    }

    /// Whether others may be in hand beside an invocation.
    pub(crate) fn is_shared(&self) -> bool {
        self.parts.parallel > 1
    }

    /// Takes room for an invocation, and wakes the process if it was frozen.
    pub(crate) fn board(&self) -> bool {
        let mut room = self.room.lock();
        if room.closed || room.in_hand >= self.parts.parallel || self.parts.jail.has_ended() {
            return false;
        }
        if room.frozen && self.parts.jail.thaw().is_err() {
            room.closed = true;
            return false;
        }
        room.frozen = false;
        room.in_hand += 1;
        true
    }

    /// Gives the room back. Says whether the process can serve again.
    pub(crate) fn alight(&self, now: Duration, sound: bool) -> bool {
        let mut room = self.room.lock();
        room.in_hand = room.in_hand.saturating_sub(1);
        room.idle_since = now;
        room.closed |= !sound || self.parts.jail.has_ended();
        !room.closed
    }

    pub(super) fn freeze_if_idle_since(&self, then: Duration) {
        let mut room = self.room.lock();
        if room.in_hand == 0 && !room.frozen && !room.closed && room.idle_since <= then {
            // One that cannot be frozen stays awake; without a host it can do nothing outside.
            room.frozen = self.parts.jail.freeze().is_ok();
        }
    }

    /// Whether it ended by itself, with nothing in hand.
    pub(super) fn has_gone(&self) -> bool {
        self.room.lock().in_hand == 0 && self.parts.jail.has_ended()
    }

    /// Whether it ended because what makes jails did.
    pub(super) fn is_orphaned(&self) -> bool {
        self.parts.jail.is_orphaned()
    }

    pub(super) fn retire_if_idle_since(&self, then: Duration) -> bool {
        let mut room = self.room.lock();
        let old = room.in_hand == 0 && room.idle_since <= then;
        room.closed |= old || self.parts.jail.has_ended();
        room.closed && room.in_hand == 0
    }

    /// Waits until the process can take invocations.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        let ready = self.while_alive(self.parts.conversation.ready()).await;
        drop(self.parts.turn.lock().take());
        ready
    }

    /// Gives it an invocation.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let answered = self.parts.conversation.call(call);
        if self.parts.conversation.ends_with_its_answer() {
            return answered.await;
        }
        self.while_alive(answered).await
    }

    /// Waits until it has done what it does after its answer, and reads what it printed.
    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        let settled = async {
            let settled = tokio::time::timeout(SETTLE, self.parts.conversation.settled()).await;
            settled.map_err(|_| Fault {
                kind: FaultKind::NoResponse,
                reason: "the process did not come back after its answer".to_owned(),
            })
        };
        let settled = self.while_alive(settled).await;
        self.read_output();
        settled
    }

    /// Reads what it has printed until now, for the invocation in hand.
    pub(crate) fn read_output(&self) {
        for stream in &self.parts.streams {
            stream.drain();
            stream.finish();
        }
    }

    /// Asks it to end as its contract says, and ends it.
    pub(crate) async fn stop(&self) {
        if self.room.lock().frozen {
            let _ = self.parts.jail.thaw();
        }
        tokio::select! {
            () = self.parts.conversation.stop() => {}
            _ = self.parts.jail.ended() => {}
        }
        self.parts.jail.kill();
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.room.lock().closed = true;
        self.parts.jail.kill();
    }

    /// CPU time since the last invocation's end, and the most memory that was in use.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let usage = self.parts.jail.usage();
        (usage.cpu_us.saturating_sub(self.cpu_us.load(Relaxed)), usage.memory_peak_bytes)
    }

    /// What it uses from now on is the next invocation's.
    pub(crate) fn account(&self) {
        self.cpu_us.store(self.parts.jail.usage().cpu_us, Relaxed);
    }

    async fn while_alive<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let mut work = std::pin::pin!(work);
        let ended = tokio::select! {
            biased;
            done = &mut work => return done,
            ended = self.parts.jail.ended() => ended,
        };
        match tokio::time::timeout(LAST_WORDS, work).await {
            Ok(done) => done.map_err(|fault| named(fault, &ended)),
            Err(_) => Err(death(&ended)),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for task in &self.parts.tasks {
            task.abort();
        }
    }
}

/// A fault that only says that the talk broke off is better told by how the process ended.
fn named(fault: Fault, ended: &Ended) -> Fault {
    match fault.kind {
        FaultKind::NoResponse | FaultKind::BadResponse | FaultKind::Trapped => death(ended),
        _ => fault,
    }
}

/// How a process ended that should not have.
fn death(ended: &Ended) -> Fault {
    if ended.out_of_memory {
        let reason = "its processes used up the function's memory".to_owned();
        return Fault { kind: FaultKind::Memory, reason };
    }
    // The words of AWS Lambda, which people search for.
    let reason = format!("Runtime exited with error: {ended}");
    Fault { kind: FaultKind::Trapped, reason }
}
