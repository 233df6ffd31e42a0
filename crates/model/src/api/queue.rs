//! Asynchronous calls: those that wait, and those that were given up.

use crate::{FunctionName, InvocationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A call that waits in the queue, or was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// The invocation.
    pub invocation: InvocationId,
    /// The function.
    pub function: FunctionName,
    /// `queued`, `running` or `dead`.
    pub state: String,
    /// Attempts that were begun.
    pub attempts: u32,
    /// When it was accepted, RFC 3339.
    pub queued: String,
    /// When it is tried next, or its lease runs out, RFC 3339.
    pub due: String,
    /// Bytes that are kept of it.
    pub bytes: u64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Which dead letters to try again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// Those of a function; all of the environment if none is named.
    #[serde(default)]
    pub function: Option<FunctionName>,
}

/// How many dead letters are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redriven {
    /// How many.
    pub retried: u64,
}

/// What a call in the queue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peeked {
    /// The ledger entry that says that somebody looked.
    pub leaf: u64,
    /// The invocation.
    pub invocation: InvocationId,
    /// The function.
    pub function: FunctionName,
    /// Who called.
    pub caller: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Header fields. Credentials are covered.
    pub headers: BTreeMap<String, String>,
    /// Bytes of the body.
    pub bytes: u64,
    /// The body, if it is text, up to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in base64, if it is no text, up to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Why nothing that was sent is shown, if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<String>,
}

/// The answer to a call that runs later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The invocation.
    pub invocation: InvocationId,
}

/// What to remove of the dead letters: the ones of a function, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeRequest {
    /// One dead letter.
    #[serde(default)]
    pub invocation: Option<InvocationId>,
    /// Those of one function.
    #[serde(default)]
    pub function: Option<FunctionName>,
}

/// How many dead letters were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// How many.
    pub removed: u64,
}
