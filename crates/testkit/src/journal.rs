//! What every version of the journal must do, and entries to do it with.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

use model::wire::v1::{
    Call, Caller, Decision, Entry, Level, LogLine, Outcome, Record, Start, Trigger,
};
use model::{
    Cost, Digest, FunctionRef, InvocationId, Label, Labels, Scope, Timestamp, TokenName, Usage,
};
use std::sync::Arc;

pub use suite::conforms;

mod suite;

/// When the fixtures' time begins, in microseconds.
pub const EPOCH_US: i64 = 1_700_000_000_000_000;

/// A function of a scope.
///
/// # Panics
/// If the name is none.
#[must_use]
#[expect(clippy::panic, reason = "a test that misspells a name must not go on")]
pub fn function(scope: &Scope, name: &str) -> Arc<FunctionRef> {
    let name = name.parse().unwrap_or_else(|error| panic!("{error}"));
    Arc::new(FunctionRef { scope: scope.clone(), name })
}

/// A scope of another tenant.
///
/// # Panics
/// If the name is none.
#[must_use]
#[expect(clippy::panic, reason = "a test that misspells a name must not go on")]
pub fn tenant(name: &str) -> Scope {
    let tenant = name.parse().unwrap_or_else(|error| panic!("{error}"));
    Scope { tenant, ..Scope::default() }
}

/// The start of invocation `number`, that many milliseconds after [`EPOCH_US`].
#[must_use]
pub fn start(scope: &Scope, name: &str, number: u64) -> Start {
    let start_us = EPOCH_US.saturating_add_unsigned(number * 1000);
    let id = InvocationId::from_parts(start_us, number.to_be_bytes());
    Start {
        id,
        root: id,
        parent: None,
        depth: 0,
        function: function(scope, name),
        revision: 1,
        digest: Digest([7; 32]),
        caller: TokenName::parse("shop").map_or(Caller::Anonymous, Caller::Token),
        trigger: Trigger::Http { method: "GET".into(), route: format!("/{name}/{{*rest}}").into() },
        start_us: Timestamp(start_us),
        traceparent: None,
    }
}

/// The record of invocation `number`, which took half a millisecond.
#[must_use]
pub fn record(scope: &Scope, name: &str, number: u64) -> Record {
    let start = start(scope, name, number);
    Record {
        policy: 1,
        end_us: start.start_us.plus_us(500),
        start,
        outcome: Outcome::Ok,
        status: 200,
        code: None,
        reason: None,
        usage: Usage { cpu_us: 100, memory_peak_bytes: 1 << 20, bytes_in: 10, bytes_out: 20 },
        calls: Vec::new(),
        calls_omitted: 0,
        log_lines: 0,
        log_dropped: 0,
        labels: Labels::NONE,
        cost: Cost { formula: 1, milliunits: 100 },
    }
}

/// A record with everything in it.
#[must_use]
pub fn full_record(scope: &Scope, name: &str, number: u64) -> Record {
    let mut record = record(scope, name, number);
    record.start.traceparent =
        model::trace::TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    record.start.parent = Some(record.start.id);
    record.labels = Labels::of([Label::new("pan"), Label::new("email.token")]);
    record.code = Some(203);
    record.reason = Some("därum".into());
    record.calls.push(Call {
        at_us: 5,
        operation: "http".into(),
        resource: "GET https://api.example.com".into(),
        decision: Decision::Denied,
        digest: [8; 16],
        bytes: u64::MAX,
        duration_us: 7,
        labels: record.labels.clone(),
    });
    record
}

/// A record as an entry.
#[must_use]
pub fn end(record: Record) -> Entry {
    Entry::End(Box::new(record))
}

/// A line of invocation `number`.
#[must_use]
pub fn line(scope: &Scope, name: &str, number: u64, text: &str) -> LogLine {
    let start = start(scope, name, number);
    LogLine {
        invocation: start.id,
        function: start.function,
        at: start.start_us.plus_us(100),
        level: Level::Info,
        text: text.to_owned(),
        cut: false,
        labels: Labels::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> anyhow::Result<()> {
        conforms(&ports::memory::Journal::default()).await
    }

    #[tokio::test]
    async fn the_memory_version_refuses_and_fails_when_it_is_told() {
        use ports::journal::{Error, Journal as _, State};
        let journal = ports::memory::Journal::default();
        let scope = Scope::default();
        journal.refuse(Some(Error::Full));
        assert_eq!(journal.append(Entry::Start(start(&scope, "a", 1))), Err(Error::Full));
        assert_eq!(journal.health().state, State::Refusing);
        assert_eq!(journal.health().dropped, 1);
        journal.refuse(None);
        let mark = journal.append(Entry::Start(start(&scope, "a", 1))).expect("taken");
        assert_eq!(journal.open().len(), 1);
        journal.fail(Some(Error::Full));
        assert_eq!(journal.durable(mark).await, Err(Error::Full));
    }
}
