//! Event triggers and webhooks, as lists show them.

use crate::{ApplicationName, FunctionName, InvocationId, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What calls functions with events: `GET …/event-triggers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventTriggers {
    /// Event triggers and webhooks, by name.
    pub items: Vec<EventTriggerInfo>,
    /// Whether records that would have counted are gone from the journal: the oldest that is left
    /// began after the asked time.
    pub partial: bool,
}

/// An event trigger or a webhook of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventTriggerInfo {
    /// Its name.
    pub name: TriggerName,
    /// `event`, of events that are published to the application, or `webhook`.
    pub kind: String,
    /// The application whose events they are.
    pub application: ApplicationName,
    /// The function that it calls.
    pub function: FunctionName,
    /// Which events it wants, in words; of a webhook, who sends.
    pub wants: String,
    /// `granted` or `not granted`.
    pub state: String,
    /// Calls of the function by it, as the records have them. Attempts after the first count as
    /// none, unless the operator had a call tried anew.
    pub came: u64,
    /// When it was called last, RFC 3339.
    pub last: Option<String>,
    /// The invocation of then.
    pub invocation: Option<InvocationId>,
    /// How that ended: as `casemate record` says it.
    pub outcome: Option<String>,
    /// The command that would let it call.
    pub grant: Option<String>,
}
