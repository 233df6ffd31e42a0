//! What invocations cost, added up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By what costs are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CostBy {
    /// The function that ran.
    Function,
    /// Who called.
    Caller,
    /// The application that the function belongs to now.
    Application,
    /// The tenant, over all of its environments.
    Tenant,
}

impl CostBy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Function, Self::Caller, Self::Application, Self::Tenant];

    /// The word that people write.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Caller => "caller",
            Self::Application => "application",
            Self::Tenant => "tenant",
        }
    }

    /// Finds one by its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }
}

/// What one of them cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// Whose.
    pub name: String,
    /// Invocations, refused ones too.
    pub invocations: u64,
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// Bytes of replies.
    pub bytes_out: u64,
    /// Asks of the host.
    pub host_calls: u64,
    /// Thousandths of a unit, each record by the formula that it was written with.
    pub milliunits: u64,
}

/// Costs: `GET …/costs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Costs {
    /// By what they are added up.
    pub by: CostBy,
    /// The most expensive first.
    pub items: Vec<CostRow>,
    /// What one unit costs, as the node's configuration says; none unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Whether records that would have counted are gone from the journal: the oldest that is left
    /// began after the asked time.
    pub partial: bool,
}

/// What one unit costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// Of the currency, for one unit.
    pub unit: f64,
    /// The currency, as the operator wrote it.
    pub currency: String,
}
