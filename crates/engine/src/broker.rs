//! Answers what a function asks of the world: the only implementation of `ports::Host`.
//!
//! Every ask is decided, charged and recorded here. What has no capability yet is denied.

use crate::function::Function;
use crate::wiring::Parts;
use model::wire::v1::{CALLS_MAX, Call, Decision, Entry, Level, LogLine};
use model::{InvocationId, Labelled, Labels};
use parking_lot::Mutex;
use ports::host::{Host, HostCall, HostDenial, HostReply};
use std::sync::Arc;
use std::time::Duration;

/// Lines are cut here at the latest, whatever an executor passes on.
const LINE_BYTES_MAX: usize = 16 << 10;

/// The host of one invocation.
pub(crate) struct Broker {
    parts: Arc<Parts>,
    function: Arc<Function>,
    invocation: InvocationId,
    began: Duration,
    asked: Mutex<Asked>,
}

/// What was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) calls: Vec<Call>,
    pub(crate) omitted: u32,
    pub(crate) log_bytes: u64,
    pub(crate) log_lines: u32,
    pub(crate) log_dropped: u32,
}

impl Broker {
    pub(crate) fn new(
        parts: Arc<Parts>,
        function: Arc<Function>,
        invocation: InvocationId,
        began: Duration,
    ) -> Self {
        Self { parts, function, invocation, began, asked: Mutex::new(Asked::default()) }
    }

    /// Takes out what was asked, to close the record.
    pub(crate) fn settle(&self) -> Asked {
        let asked = std::mem::take(&mut *self.asked.lock());
        if asked.log_dropped > 0 {
            let text = format!(
                "the log limit of {} bytes was reached: {} more lines were dropped",
                self.function.unit.limits.log_bytes, asked.log_dropped
            );
            self.platform_line(text);
        }
        asked
    }

    /// Writes a line of the platform's own to the function's log. Not charged to the guest.
    pub(crate) fn platform_line(&self, text: String) {
        self.write(Level::Platform, text, false, Labels::NONE);
    }

    fn write(&self, level: Level, text: String, cut: bool, labels: Labels) {
        let line = LogLine {
            invocation: self.invocation,
            function: Arc::clone(self.function.reference()),
            at: self.parts.clock.wall(),
            level,
            text,
            cut,
            labels,
        };
        if let Err(error) = self.parts.journal.append(Entry::Log(line)) {
            tracing::debug!(%error, "a log line was dropped");
        }
    }

    fn log(&self, level: Level, line: &[u8], cut: bool, labels: Labels) {
        let kept = line.get(..LINE_BYTES_MAX).unwrap_or(line);
        let cut = cut || kept.len() < line.len();
        let mut asked = self.asked.lock();
        let after = asked.log_bytes.saturating_add(kept.len() as u64 + 1);
        if after > self.function.unit.limits.log_bytes {
            asked.log_dropped = asked.log_dropped.saturating_add(1);
            return;
        }
        asked.log_bytes = after;
        asked.log_lines = asked.log_lines.saturating_add(1);
        drop(asked);
        self.write(level, String::from_utf8_lossy(kept).into_owned(), cut, labels);
    }

    fn deny_http(&self, method: &str, url: &str, labels: Labels) {
        let resource = format!("{method} {url}");
        let text = match self.function.policies.decide_http(method, url) {
            Ok(_) => format!(
                "E0203: outgoing {resource} was denied: it is granted, but this version has no way out yet"
            ),
            Err(denial) => {
                let hint =
                    denial.hint.map(|hint| format!("; to allow it: {hint}")).unwrap_or_default();
                format!("E0203: outgoing {resource} was denied: nothing grants it{hint}")
            }
        };
        let at_us = self.elapsed_us();
        let call = Call {
            at_us,
            operation: "http".to_owned(),
            digest: (self.parts.digest)(resource.as_bytes()),
            resource,
            decision: Decision::Denied,
            bytes: 0,
            duration_us: 0,
            labels,
        };
        self.note(call, text);
    }

    fn note(&self, call: Call, text: String) {
        let mut asked = self.asked.lock();
        if asked.calls.len() >= CALLS_MAX {
            asked.omitted = asked.omitted.saturating_add(1);
            return;
        }
        asked.calls.push(call);
        drop(asked);
        self.platform_line(text);
    }

    fn elapsed_us(&self) -> u64 {
        let elapsed = self.parts.clock.monotonic().saturating_sub(self.began);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Host for Broker {
    fn call(&self, call: Labelled<HostCall>) -> Result<Labelled<HostReply>, HostDenial> {
        let Labelled { value, labels } = call;
        match value {
            HostCall::Log { level, line, cut } => {
                self.log(level, &line, cut, labels);
                Ok(Labelled::plain(HostReply::Done))
            }
            HostCall::Http { method, url } => {
                self.deny_http(&method, &url, labels);
                Err(HostDenial)
            }
        }
    }
}
