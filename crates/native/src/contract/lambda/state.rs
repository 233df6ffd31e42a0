//! What was given to a runtime, and what it still owes.
//!
//! A table behind one lock, which is never held over a wait. Whoever waits for it to change listens
//! to `changed`.
//!
//! Invariant: an id is answered only by whom it was given to, and once.

use super::extensions::Extensions;
use super::facts::Facts;
use super::outcome::Outcome;
use super::words::Wrong;
use bytes::Bytes;
use http::Response;
use parking_lot::{Mutex, MutexGuard};
use ports::Clock;
use ports::executor::Fault;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};

/// What lies between a server and its conversation.
pub(super) struct State {
    pub(super) facts: Facts,
    pub(super) clock: Arc<dyn Clock>,
    table: Mutex<Table>,
    changed: Notify,
}

/// How far the process is.
#[derive(Debug)]
enum Phase {
    /// It has not asked for anything.
    Starting,
    /// It takes invocations.
    Serving,
    /// It said that it cannot.
    Broken(Fault),
    /// It was asked to end.
    Stopping,
}

/// Everything that changes.
pub(super) struct Table {
    phase: Phase,
    /// Requests for an invocation that nobody answered yet, the oldest first.
    waiting: VecDeque<oneshot::Sender<Handed>>,
    /// Invocations that nobody asked for yet.
    queued: VecDeque<Handed>,
    /// Invocations that have no answer yet.
    owed: Vec<Owed>,
    /// Ids that were answered lately.
    answered: VecDeque<String>,
    pub(super) extensions: Extensions,
}

/// An invocation, as it goes to a runtime.
pub(super) struct Handed {
    pub(super) id: String,
    pub(super) event: Response<Bytes>,
}

struct Owed {
    id: String,
    /// Whether a runtime has it.
    handed: bool,
    answer: oneshot::Sender<Outcome>,
}

impl State {
    pub(super) fn new(facts: Facts, clock: Arc<dyn Clock>) -> Self {
        let table = Table {
            phase: Phase::Starting,
            waiting: VecDeque::new(),
            queued: VecDeque::new(),
            owed: Vec::new(),
            answered: VecDeque::new(),
            extensions: Extensions::new(facts.extensions.clone()),
        };
        Self { facts, clock, table: Mutex::new(table), changed: Notify::new() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock()
    }

    /// Changes the table, and tells whoever waits.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let value = change(&mut self.table.lock());
        self.changed.notify_waiters();
        value
    }

    /// Waits until the table says something.
    pub(super) async fn until<T>(&self, says: impl Fn(&mut Table) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if let Some(value) = says(&mut self.table.lock()) {
                return value;
            }
            changed.await;
        }
    }

    /// A runtime asks for its next invocation.
    pub(super) fn next(&self) -> Result<oneshot::Receiver<Handed>, Wrong> {
        self.change(|table| table.next(self.facts.parallel))
    }
}

impl Table {
    fn next(&mut self, parallel: usize) -> Result<oneshot::Receiver<Handed>, Wrong> {
        match self.phase {
            Phase::Starting => self.phase = Phase::Serving,
            Phase::Serving => {}
            Phase::Broken(_) => return Err(Wrong::state("InitError", "Ready")),
            Phase::Stopping => return Err(Wrong::state("Exited", "Ready")),
        }
        self.waiting.retain(|waiting| !waiting.is_closed());
        let busy = self.owed.iter().filter(|owed| owed.handed).count();
        if busy >= parallel {
            return Err(Wrong::state("Running", "Ready"));
        }
        // Who asks again on another line has given the old one up.
        while self.waiting.len() + busy >= parallel && self.waiting.pop_front().is_some() {}
        if parallel == 1 {
            self.answered.clear();
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push_back(sender);
        self.pass();
        Ok(receiver)
    }

    /// Gives what is queued to whoever waits.
    fn pass(&mut self) {
        while let Some(handed) = self.queued.pop_front() {
            let Some(waiting) = self.waiting.pop_front() else {
                self.queued.push_front(handed);
                return;
            };
            let id = handed.id.clone();
            match waiting.send(handed) {
                Ok(()) => {
                    let owed = self.owed.iter_mut().find(|owed| owed.id == id);
                    owed.into_iter().for_each(|owed| owed.handed = true);
                }
                Err(handed) => self.queued.push_front(handed),
            }
        }
    }

    /// An invocation for the runtime. What it answers comes to the receiver.
    pub(super) fn offer(&mut self, handed: Handed) -> Result<oneshot::Receiver<Outcome>, Fault> {
        if let Phase::Broken(fault) = &self.phase {
            return Err(fault.clone());
        }
        let (sender, receiver) = oneshot::channel();
        let id = handed.id.clone();
        self.owed.push(Owed { id, handed: false, answer: sender });
        self.queued.push_back(handed);
        self.pass();
        Ok(receiver)
    }

    /// Nobody waits for an invocation's answer any more.
    pub(super) fn forget(&mut self, id: &str) {
        self.owed.retain(|owed| owed.id != id);
        self.queued.retain(|handed| handed.id != id);
    }

    /// A runtime begins to answer: who takes it. From here on the id is used up.
    pub(super) fn claim(&mut self, id: &str, to: &str) -> Result<oneshot::Sender<Outcome>, Wrong> {
        let at = self.owed.iter().position(|owed| owed.handed && owed.id == id);
        let Some(at) = at else {
            let over = self.answered.iter().any(|answered| answered == id);
            return Err(if over { Wrong::state("ResponseSent", to) } else { Wrong::request_id() });
        };
        let owed = self.owed.swap_remove(at);
        // Without end the list would be the process's to fill.
        if self.answered.len() >= 64 {
            self.answered.pop_front();
        }
        self.answered.push_back(owed.id);
        Ok(owed.answer)
    }

    /// The runtime reports that it cannot start.
    pub(super) fn init_error(&mut self, fault: Fault) -> Result<(), Wrong> {
        match self.phase {
            Phase::Starting => self.phase = Phase::Broken(fault),
            Phase::Serving => return Err(Wrong::state("Ready", "InitError")),
            Phase::Broken(_) => return Err(Wrong::state("InitError", "InitError")),
            Phase::Stopping => return Err(Wrong::state("Exited", "InitError")),
        }
        Ok(())
    }

    /// Something that the process cannot go on from. What is owed will not come.
    pub(super) fn broke(&mut self, fault: Fault) {
        if matches!(self.phase, Phase::Starting | Phase::Serving) {
            self.phase = Phase::Broken(fault);
        }
        self.owed.clear();
        self.queued.clear();
    }

    /// The process is asked to end.
    pub(super) fn stop(&mut self) {
        if !matches!(self.phase, Phase::Broken(_)) {
            self.phase = Phase::Stopping;
        }
    }

    /// Whether it can take an invocation, or why it never will.
    pub(super) fn ready(&self) -> Option<Result<(), Fault>> {
        match &self.phase {
            Phase::Broken(fault) => Some(Err(fault.clone())),
            Phase::Serving if self.extensions.ready() => Some(Ok(())),
            Phase::Starting | Phase::Serving | Phase::Stopping => None,
        }
    }

    /// Whether extensions may register: until the runtime serves, and those that must have.
    pub(super) fn registering(&self) -> bool {
        match self.phase {
            Phase::Starting => true,
            Phase::Serving => !self.extensions.complete(),
            Phase::Broken(_) | Phase::Stopping => false,
        }
    }

    /// Whether runtime and extensions wait for something to do.
    pub(super) fn idle(&mut self) -> bool {
        self.waiting.retain(|waiting| !waiting.is_closed());
        self.owed.is_empty() && !self.waiting.is_empty() && self.extensions.idle()
    }

    /// Why it cannot go on, if it cannot.
    pub(super) const fn broken(&self) -> Option<&Fault> {
        match &self.phase {
            Phase::Broken(fault) => Some(fault),
            _ => None,
        }
    }
}
