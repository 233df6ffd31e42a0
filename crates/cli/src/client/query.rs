//! What is read: functions, revisions, records, logs.

use super::Client;
use super::transport::{Patience, query};
use crate::voice::Failure;
use model::api::{CostBy, Costs, EventTriggers, Function, Log, Page, Record, Revisions};
use model::wire::AskedFor;
use model::wire::v1::{Caller, Level, Outcome};
use model::{FunctionName, InvocationId, Timestamp};
use std::io::{BufRead, BufReader};

/// Most items that are asked for at once.
const PAGE_MAX: usize = 500;

/// Which records.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordFilter {
    /// Of this function.
    pub(crate) function: Option<FunctionName>,
    /// With this outcome.
    pub(crate) outcome: Option<Outcome>,
    /// That this caller caused.
    pub(crate) caller: Option<Caller>,
    /// Of this tree of calls.
    pub(crate) root: Option<InvocationId>,
    /// That asked the host for this.
    pub(crate) calls: Option<AskedFor>,
    /// That began then or later.
    pub(crate) since: Option<Timestamp>,
}

/// Which log lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFilter {
    /// Of this function.
    pub(crate) function: Option<FunctionName>,
    /// Of this invocation.
    pub(crate) invocation: Option<InvocationId>,
    /// At this level or louder.
    pub(crate) level: Option<Level>,
    /// From then on.
    pub(crate) since: Option<Timestamp>,
}

impl LogFilter {
    fn parts(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("function", self.function.as_ref().map(ToString::to_string)),
            ("invocation", self.invocation.as_ref().map(ToString::to_string)),
            ("level", self.level.map(|level| level.word().to_owned())),
            ("since_us", self.since.map(|time| time.0.to_string())),
        ]
    }
}

impl Client {
    /// Every function.
    pub(crate) fn functions(&self) -> Result<Page<Function>, Failure> {
        self.read(&self.scoped("functions"))
    }

    /// A function's revisions and its application's deployments.
    pub(crate) fn revisions(&self, function: &FunctionName) -> Result<Revisions, Failure> {
        self.read(&self.scoped(&format!("functions/{function}/revisions")))
    }

    /// The newest `count` records, newest first, over as many pages as it takes.
    pub(crate) fn records(
        &self,
        filter: &RecordFilter,
        count: usize,
    ) -> Result<Vec<Record>, Failure> {
        let mut items = Vec::new();
        let mut before = None;
        loop {
            let limit = (count - items.len()).min(PAGE_MAX);
            let parts = [
                ("function", filter.function.as_ref().map(ToString::to_string)),
                ("outcome", filter.outcome.map(|outcome| outcome.word().to_owned())),
                ("caller", filter.caller.as_ref().map(ToString::to_string)),
                ("root", filter.root.map(|root| root.to_string())),
                ("calls", filter.calls.as_ref().map(ToString::to_string)),
                ("since_us", filter.since.map(|time| time.0.to_string())),
                ("before", before),
                ("limit", Some(limit.to_string())),
            ];
            let page: Page<Record> =
                self.read(&self.scoped(&format!("records{}", query(&parts))))?;
            items.extend(page.items);
            items.truncate(count);
            before = page.next;
            if items.len() == count || before.is_none() {
                return Ok(items);
            }
        }
    }

    /// What invocations cost since then.
    pub(crate) fn costs(&self, by: CostBy, since: Timestamp) -> Result<Costs, Failure> {
        let parts = [("by", Some(by.word().to_owned())), ("since_us", Some(since.0.to_string()))];
        self.read(&self.scoped(&format!("costs{}", query(&parts))))
    }

    /// What calls functions with events, and how often it did since then.
    pub(crate) fn event_triggers(&self, since: Timestamp) -> Result<EventTriggers, Failure> {
        let parts = [("since_us", Some(since.0.to_string()))];
        self.read(&self.scoped(&format!("event-triggers{}", query(&parts))))
    }

    /// One record.
    pub(crate) fn record(&self, id: &InvocationId) -> Result<Record, Failure> {
        self.read(&self.scoped(&format!("records/{id}")))
    }

    /// The newest `count` log lines, oldest first.
    pub(crate) fn logs(&self, filter: &LogFilter, count: usize) -> Result<Page<Log>, Failure> {
        let mut parts = filter.parts();
        parts.push(("limit", Some(count.to_string())));
        self.read(&self.scoped(&format!("logs{}", query(&parts))))
    }

    /// Log lines as they come, from `after` on, until the node ends the stream.
    pub(crate) fn follow(
        &self,
        filter: &LogFilter,
        after: Option<String>,
    ) -> Result<impl Iterator<Item = anyhow::Result<Log>> + Send + use<>, Failure> {
        let mut parts = filter.parts();
        parts.push(("after", after));
        parts.push(("follow", Some("true".to_owned())));
        let builder = self.request("GET", &self.scoped(&format!("logs{}", query(&parts))));
        let answer = self.ask(builder, (), Patience::Endless)?;
        let lines = BufReader::new(answer.reader()).lines();
        // Blank lines only show that the connection lives.
        let lines = lines.filter(|line| !matches!(line, Ok(line) if line.trim().is_empty()));
        Ok(lines.map(|line| {
            let line = line.map_err(|error| {
                anyhow::Error::new(error).context("the node ended the stream of log lines")
            })?;
            Ok(serde_json::from_str(&line)?)
        }))
    }
}
