//! What an invocation asked, for its record.
//!
//! Invariant: a guest can neither suppress nor forge an entry, and a flood of one kind hides no
//! other: when the list is nearly full, only what it does not hold yet is added, and the rest is
//! counted.

use super::Broker;
use model::Labels;
use model::wire::v1::{CALLS_MAX, Call, Decision};

/// Places that only an ask of a new kind may take.
const KEPT_FOR_NEW: usize = 64;
/// Lines about asks that one invocation's log may hold: denials and failures. The record lists more.
const LINES_MAX: u32 = 64;

/// What was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) calls: Vec<Call>,
    pub(crate) omitted: u32,
    pub(crate) log_bytes: u64,
    pub(crate) log_lines: u32,
    pub(crate) log_dropped: u32,
    /// Bytes that asks moved, in both directions.
    pub(crate) moved_bytes: u64,
    lines: u32,
    /// The record is closed, and takes nothing any more.
    closed: bool,
}

/// Whether bytes of a connection may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// They are in the record, and paid for.
    Passed,
    /// The record is closed.
    Closed,
    /// There is nothing left to pay them with.
    Limited(&'static str),
}

/// An ask that is under way.
pub(super) struct Step {
    /// What is asked, such as `http`.
    operation: &'static str,
    /// Of what.
    resource: String,
    /// Microseconds after the invocation's start.
    at_us: u64,
    digest: [u8; 16],
    pub(super) labels: Labels,
}

impl Step {
    /// Of what it is.
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// The part that the guest may choose, and so may write a value into. Names that the platform
    /// knows stay as they are: a caller who sends one as a value would make it illegible.
    fn free(&self, decision: Decision) -> std::ops::Range<usize> {
        let text = self.resource.as_str();
        let all = 0..text.len();
        // What was denied need not be the name of anything.
        if decision == Decision::Denied {
            return all;
        }
        match self.operation {
            "http" | "call" | "data.reveal" | "secret.token" => {
                let host = text.find("://").map_or(0, |at| at + "://".len());
                let end = text.rfind(" as ").filter(|_| self.operation == "data.reveal");
                let end = end.unwrap_or(text.len()).max(host);
                let path = text[host..end].find('/').map_or(end, |at| host + at);
                path..end
            }
            "file.read" => all,
            // It may have failed because there is nothing of that name.
            _ if decision == Decision::Failed => all,
            _ => 0..0,
        }
    }

    /// What it is called in the log.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.operation, self.resource)
    }
}

/// How a step ended.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    decision: Decision,
    bytes: u64,
}

impl Entry {
    pub(super) const fn done(bytes: u64) -> Self {
        Self { decision: Decision::Allowed, bytes }
    }

    pub(super) const fn denied() -> Self {
        Self { decision: Decision::Denied, bytes: 0 }
    }

    pub(super) const fn failed() -> Self {
        Self { decision: Decision::Failed, bytes: 0 }
    }

    pub(super) const fn limited() -> Self {
        Self { decision: Decision::Limited, bytes: 0 }
    }
}

/// Where a call stands in the record, to add what becomes known later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Option<usize>);

impl Broker {
    /// An ask begins. `arguments` are digested with a key, so that records can be compared.
    pub(super) fn begin(
        &self,
        operation: &'static str,
        resource: String,
        arguments: &[u8],
        labels: Labels,
    ) -> Step {
        let digest = (self.parts().digest)(arguments);
        Step { operation, resource, at_us: self.elapsed_us(), digest, labels }
    }

    /// Puts first what this node does without, by the operator's word, around a native function.
    pub(crate) fn note_dangers(&self) {
        for flag in &self.engine.config.dangers {
            let step = self.begin("jail", flag.clone(), b"", Labels::default());
            self.enter(&step, &Entry::done(0));
        }
    }

    /// An ask ended well, or its answer begins.
    pub(super) fn done(&self, step: &Step, bytes: u64) -> Place {
        self.enter(step, &Entry::done(bytes))
    }

    /// An ask ended, and the function's log says how.
    pub(super) fn finish(&self, step: &Step, entry: Entry, line: String) {
        self.enter(step, &entry);
        let mut asked = self.asked.lock();
        asked.lines = asked.lines.saturating_add(1);
        let lines = asked.lines;
        drop(asked);
        if lines <= LINES_MAX {
            self.platform_line(line);
        }
    }

    pub(super) fn enter(&self, step: &Step, entry: &Entry) -> Place {
        let free = step.free(entry.decision);
        let (name, rest) = step.resource.split_at(free.start);
        let (text, behind) = rest.split_at(free.end - free.start);
        let resource = match text.is_empty() {
            true => step.resource.clone(),
            false => [name, &self.masked_text(text.to_owned()), behind].concat(),
        };
        let mut asked = self.asked.lock();
        asked.moved_bytes = asked.moved_bytes.saturating_add(entry.bytes);
        if !asked.has_room_for(step.operation, &resource, entry.decision) {
            asked.omitted = asked.omitted.saturating_add(1);
            return Place(None);
        }
        asked.calls.push(Call {
            at_us: step.at_us,
            operation: step.operation.to_owned(),
            resource,
            decision: entry.decision,
            digest: step.digest,
            bytes: entry.bytes,
            duration_us: self.elapsed_us().saturating_sub(step.at_us),
            labels: step.labels.clone(),
        });
        Place(Some(asked.calls.len() - 1))
    }

    /// The answer to a call ended, after so many bytes in both directions. `broke` says that it
    /// broke off.
    pub(super) fn ended(&self, place: Place, bytes: u64, broke: bool) {
        let now = self.elapsed_us();
        let mut asked = self.asked.lock();
        asked.moved_bytes = asked.moved_bytes.saturating_add(bytes);
        drop(asked);
        self.amend(place, |call| {
            call.bytes = bytes;
            call.duration_us = now.saturating_sub(call.at_us);
            if broke {
                call.decision = Decision::Failed;
            }
        });
    }

    /// Counts bytes of a connection. Those that go out are paid for.
    pub(super) fn pass(&self, Place(at): Place, bytes: u64, out: bool) -> Passing {
        let now = self.elapsed_us();
        let mut asked = self.asked.lock();
        if asked.closed {
            return Passing::Closed;
        }
        if out && let Err(limit) = self.purse.take_egress(bytes) {
            return Passing::Limited(limit);
        }
        asked.moved_bytes = asked.moved_bytes.saturating_add(bytes);
        if let Some(call) = at.and_then(|at| asked.calls.get_mut(at)) {
            call.bytes = call.bytes.saturating_add(bytes);
            call.duration_us = now.saturating_sub(call.at_us);
        }
        Passing::Passed
    }

    /// A limit stopped a connection that was there.
    pub(super) fn broke(&self, place: Place, what: &str, limit: &'static str) {
        self.amend(place, |call| call.decision = Decision::Limited);
        self.platform_line(format!("E1001: {what} broke off: the limit of {limit} is reached"));
    }

    /// A connection is over, and it broke off or not.
    pub(super) fn over(&self, place: Place, broke: bool) {
        let now = self.elapsed_us();
        self.amend(place, |call| {
            call.duration_us = now.saturating_sub(call.at_us);
            if broke && call.decision == Decision::Allowed {
                call.decision = Decision::Failed;
            }
        });
    }

    pub(super) fn amend(&self, Place(at): Place, change: impl FnOnce(&mut Call)) {
        // The list is gone once the record is closed; what comes later is not in it.
        let mut asked = self.asked.lock();
        if let Some(call) = at.and_then(|at| asked.calls.get_mut(at)) {
            change(call);
        }
    }

    /// Takes out what was asked, to close the record.
    pub(crate) fn settle(&self) -> Asked {
        let closed = Asked { closed: true, ..Asked::default() };
        let asked = std::mem::replace(&mut *self.asked.lock(), closed);
        if asked.log_dropped > 0 {
            let text = format!(
                "the log limit of {} bytes was reached: {} more lines were dropped",
                self.function.unit.limits.log_bytes, asked.log_dropped
            );
            self.platform_line(text);
        }
        asked
    }

    fn elapsed_us(&self) -> u64 {
        let elapsed = self.parts().clock.monotonic().saturating_sub(self.began);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Asked {
    fn has_room_for(&self, operation: &str, resource: &str, decision: Decision) -> bool {
        let same = |call: &Call| {
            (&*call.operation, &*call.resource, call.decision) == (operation, resource, decision)
        };
        match self.calls.len() {
            listed if listed < CALLS_MAX - KEPT_FOR_NEW => true,
            listed if listed < CALLS_MAX => !self.calls.iter().any(same),
            _ => false,
        }
    }
}
