//! Schedules, as lists show them.

use crate::{FunctionName, InvocationId, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A schedule of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its name.
    pub name: TriggerName,
    /// The function that it calls.
    pub function: FunctionName,
    /// When: `0 2 * * * Europe/Berlin`, or `every 15m`.
    pub when: String,
    /// `waiting`, `paused`, or `not granted`.
    pub state: String,
    /// The next time, RFC 3339. None if it is paused, or if none comes.
    pub next: Option<String>,
    /// The last time that it ran for, RFC 3339.
    pub last: Option<String>,
    /// The invocation of then.
    pub invocation: Option<InvocationId>,
    /// How that stands: as `casemate record` says it.
    pub outcome: Option<String>,
    /// The command that would let it run.
    pub grant: Option<String>,
}
