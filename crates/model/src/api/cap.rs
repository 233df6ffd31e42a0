//! Caps as the admin API shows, lifts and proposes them.

use crate::cap::{CapMode, Meter, Per, Whose};
use crate::manifest::Cap;
use crate::{FunctionName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One cap and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapState {
    /// Whose use is added up.
    pub of: Whose,
    /// Of which function, application or tenant.
    pub name: String,
    /// Of which caller of the function: a caller as records write it, or `others` for all that have
    /// no credential or no place of their own. Empty where callers do not matter, or where the
    /// caller has not been seen since the node's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// How long it counts.
    pub per: Per,
    /// What is counted.
    pub meter: Meter,
    /// What it does.
    pub mode: CapMode,
    /// Who set it: `manifest` or `node`.
    pub by: String,
    /// How much it allows, in what is counted: see [`Meter`].
    pub most: u64,
    /// How much is used in this second, minute or day.
    pub used: u64,
    /// Invocations that were refused today because of any cap of this function, caller, application
    /// or tenant.
    pub refused: u64,
    /// Invocations that a cap in `observe` mode would have refused today.
    pub observed: u64,
    /// Whether the operator lifted it until the day ends.
    pub lifted: bool,
    /// When it begins anew.
    pub until_us: Timestamp,
}

/// Caps: `GET …/caps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caps {
    /// Those that are used most first.
    pub items: Vec<CapState>,
}

/// Lifts caps per day until the day ends: `POST …/caps/lift`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// Whose caps.
    pub of: Whose,
    /// Of which function (for callers: whose callers), application or tenant.
    pub name: String,
}

/// What was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lifted {
    /// The ledger entry.
    pub leaf: u64,
    /// Until when.
    pub until_us: Timestamp,
}

/// What caps might be, from what was used: `GET …/caps/proposals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposals {
    /// How the amounts were found.
    pub rule: String,
    /// One for each function that was called.
    pub items: Vec<Proposal>,
    /// Whether records that would have counted are gone from the journal.
    pub partial: bool,
}

/// What caps of one function might be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The function.
    pub function: FunctionName,
    /// How many invocations were looked at.
    pub invocations: u64,
    /// On how many days of UTC they ended.
    pub days: u32,
    /// The caps, as a manifest has them.
    pub caps: Vec<Cap>,
}
