//! Sources, as lists show them.

use crate::{FunctionName, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Its name.
    pub name: TriggerName,
    /// What it is and where, without what is secret. None if the node's configuration does not name
    /// it.
    pub place: Option<String>,
    /// The function that it calls, if one names it.
    pub function: Option<FunctionName>,
    /// `running`, `full`, `connecting`, `down`, `not granted`, `not used`, or `not configured`.
    pub state: String,
    /// Messages that lie there and were not taken yet, where the source tells.
    pub lag: Option<u64>,
    /// Messages that were handed over since the node's start.
    pub taken: u64,
    /// Messages among them that had come before, and called nobody again.
    pub repeated: u64,
    /// Messages that became dead letters at once, since they do not fit.
    pub refused: u64,
    /// When the last one came, RFC 3339.
    pub last: Option<String>,
    /// The last error since the node's start.
    pub error: Option<String>,
    /// When that was, RFC 3339.
    pub error_at: Option<String>,
    /// The command that would let it call its function.
    pub grant: Option<String>,
}
