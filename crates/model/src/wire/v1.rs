//! Version 1 of what the journal holds.
//!
//! An entry is one [`Entry`] in postcard's encoding (<https://postcard.jamesmunns.com/wire-format>).
//! Variants and fields are written by position, so their order here is the format.
//! People never see these bytes: every command and API shows the same structs as JSON.

pub use super::socket::SocketEvent;

use crate::{BootId, Cost, Digest, FunctionRef, InvocationId, Labels, Timestamp, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    /// An invocation began.
    Start(Start),
    /// An invocation ended. Holds all that its start said.
    End(Box<Record>),
    /// A function wrote a line.
    Log(LogLine),
    /// A control-plane act, as its ledger leaf says it.
    Act(Vec<u8>),
    /// A node began to write; everything open before belongs to an earlier start.
    Boot {
        /// Which start.
        boot: BootId,
        /// When.
        at: Timestamp,
    },
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The guest answered.
    Ok,
    /// Refused before it ran.
    Denied,
    /// The guest reported an error or gave no usable answer.
    GuestError,
    /// The wall time passed.
    Timeout,
    /// The CPU time was used up.
    Cpu,
    /// The memory was used up.
    Memory,
    /// The root request's budget was used up.
    Budget,
    /// The guest crashed.
    Trapped,
    /// The node stopped, or the caller went away, before the end.
    Interrupted,
    /// The platform failed.
    Platform,
}

impl Outcome {
    /// All outcomes, in wire order.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Denied,
        Self::GuestError,
        Self::Timeout,
        Self::Cpu,
        Self::Memory,
        Self::Budget,
        Self::Trapped,
        Self::Interrupted,
        Self::Platform,
    ];

    /// The word that people see.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::GuestError => "guest_error",
            Self::Timeout => "timeout",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Budget => "budget",
            Self::Trapped => "trapped",
            Self::Interrupted => "interrupted",
            Self::Platform => "platform",
        }
    }

    /// Finds an outcome by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// Who caused an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Nobody that we know.
    Anonymous,
    /// The holder of a token.
    Token(crate::TokenName),
    /// The operator, through the admin API.
    Operator,
    /// Whom a token of an issuer names.
    Jwt {
        /// What the node's configuration calls the issuer.
        issuer: crate::IssuerName,
        /// Whom the token names.
        subject: crate::Subject,
    },
    /// The holder of a client certificate.
    Certificate(crate::Subject),
    /// A function of the same environment.
    Function(crate::FunctionName),
    /// A trigger of the function, such as a schedule.
    Trigger(crate::TriggerName),
}

/// What caused an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A request on the public listener.
    Http {
        /// The method.
        method: Cow<'static, str>,
        /// The pattern that matched; never the path itself, which may hold personal data.
        route: Arc<str>,
    },
    /// `casemate invoke`.
    Direct {
        /// The method.
        method: Cow<'static, str>,
    },
    /// Another function's call.
    Call {
        /// The method.
        method: Cow<'static, str>,
    },
    /// An event of a WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// What happened.
        event: SocketEvent,
        /// The pattern of the route that the WebSocket is of.
        route: Arc<str>,
    },
    /// A call that was accepted before and waited in the queue.
    Queue {
        /// The method.
        method: Cow<'static, str>,
        /// The pattern that matched; empty for `casemate invoke`.
        route: Arc<str>,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A time of a schedule came, or the operator had one run as if it had.
    Schedule {
        /// The schedule.
        name: crate::TriggerName,
        /// The time that it was planned for.
        planned: Timestamp,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An event was published that a trigger of the function wants.
    Event {
        /// The trigger.
        name: crate::TriggerName,
        /// Who published it.
        publisher: Caller,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Messages that waited in the queue, done in one call.
    Batch {
        /// The trigger that wants them; none for asynchronous calls.
        name: Option<crate::TriggerName>,
        /// The messages, in the order in which the function got them.
        messages: Vec<InvocationId>,
    },
    /// A message that was done in one call with others: the record of what became of it.
    Batched {
        /// The trigger that wants it; none for an asynchronous call.
        name: Option<crate::TriggerName>,
        /// Who published it, if it is an event.
        publisher: Option<Caller>,
        /// The invocation that did them.
        batch: InvocationId,
        /// Which attempt, from 1.
        attempt: u32,
    },
}

impl Trigger {
    /// The method that the function sees; none for what is no HTTP.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Http { method, .. }
            | Self::Direct { method }
            | Self::Call { method }
            | Self::Queue { method, .. } => Some(method),
            Self::Schedule { .. }
            | Self::Event { .. }
            | Self::Batch { .. }
            | Self::Batched { .. } => Some("POST"),
            Self::WebSocket { .. } => None,
        }
    }
}

/// What is known when an invocation begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The invocation.
    pub id: InvocationId,
    /// The first invocation of its tree; itself, if nothing caused it.
    pub root: InvocationId,
    /// The invocation that caused it.
    pub parent: Option<InvocationId>,
    /// How deep in the tree.
    pub depth: u16,
    /// The function.
    pub function: Arc<FunctionRef>,
    /// Its revision.
    pub revision: u32,
    /// The revision's digest.
    pub digest: Digest,
    /// Who.
    pub caller: Caller,
    /// What.
    pub trigger: Trigger,
    /// When it was accepted.
    pub start_us: Timestamp,
    /// The caller's trace.
    pub traceparent: Option<crate::trace::TraceParent>,
}

/// The flight record of one invocation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was known at the start.
    pub start: Start,
    /// The version of the policies that decided.
    pub policy: u64,
    /// When it ended.
    pub end_us: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that the caller saw, 0 if none.
    pub status: u16,
    /// The error code, if there was one, as its four digits.
    pub code: Option<u16>,
    /// Why, for those who may view the function. May quote the guest.
    pub reason: Option<String>,
    /// What was measured.
    pub usage: Usage,
    /// Each ask of the host, up to [`CALLS_MAX`].
    pub calls: Vec<Call>,
    /// Asks that were made and are not listed.
    pub calls_omitted: u32,
    /// Lines that were logged.
    pub log_lines: u32,
    /// Lines that were dropped because the log limit was reached.
    pub log_dropped: u32,
    /// What the invocation's data is known to contain.
    pub labels: Labels,
    /// What it cost.
    pub cost: Cost,
}

/// Most host calls that one record lists.
pub const CALLS_MAX: usize = 256;

/// One ask of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Microseconds after the invocation's start.
    pub at_us: u64,
    /// What was asked, such as `http`.
    pub operation: String,
    /// Of what, such as `GET https://api.example.com`.
    pub resource: String,
    /// What was decided.
    pub decision: Decision,
    /// Keyed digest of the arguments.
    pub digest: [u8; 16],
    /// Bytes moved.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// What the call's data is known to contain.
    pub labels: Labels,
}

/// What was decided about a host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Done.
    Allowed,
    /// Refused by policy.
    Denied,
    /// Allowed, and it did not work.
    Failed,
    /// Refused because a limit or a budget was used up.
    Limited,
}

/// Where a log line came from, and how loud it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The guest's standard output.
    Info,
    /// The guest's standard error.
    Error,
    /// The platform, about the invocation.
    Platform,
}

impl Level {
    /// The word that people see.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Error => "error",
            Self::Platform => "platform",
        }
    }

    /// Finds a level by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Info, Self::Error, Self::Platform].into_iter().find(|level| level.word() == word)
    }
}

/// One line that a function wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// The invocation.
    pub invocation: InvocationId,
    /// The function.
    pub function: Arc<FunctionRef>,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub level: Level,
    /// The line, without its end. Valid UTF-8; other bytes were replaced.
    pub text: String,
    /// Whether the line was longer and was cut.
    pub cut: bool,
    /// What it is known to contain.
    pub labels: Labels,
}

#[cfg(test)]
mod tests;
