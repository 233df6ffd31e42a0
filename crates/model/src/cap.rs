//! Caps: how much may be used in so long, by a function, by its callers, by an application, by a
//! tenant.
//!
//! A developer writes [`crate::manifest::Cap`]s, an operator [`CapRule`]s. Both hold; where they
//! differ, the stricter does.

mod amounts;
mod memory_time;
mod money;

pub use amounts::Amounts;
pub use memory_time::MemoryTime;
pub use money::Money;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a cap counts before it begins anew. Windows begin with the second, the minute and the
/// day of UTC.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// A second: a rate.
    Second,
    /// A minute: a rate.
    Minute,
    /// A day of UTC.
    Day,
}

impl Per {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Day];

    /// Its length, in microseconds.
    #[must_use]
    pub const fn us(self) -> i64 {
        match self {
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Day => 86_400_000_000,
        }
    }

    /// The word that people write.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }
}

/// What is counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Invocations that were admitted.
    Invocations,
    /// CPU time of guests, in microseconds.
    Cpu,
    /// Memory held over wall time, in KiB times milliseconds.
    MemoryTime,
    /// Asks of the host.
    HostCalls,
    /// Bytes of replies, and bytes that asks of the host moved.
    Egress,
    /// Thousandths of a unit of cost.
    Units,
}

impl Meter {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Invocations,
        Self::Cpu,
        Self::MemoryTime,
        Self::HostCalls,
        Self::Egress,
        Self::Units,
    ];

    /// The key that people write.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invocations => "invocations",
            Self::Cpu => "cpu",
            Self::MemoryTime => "memory_time",
            Self::HostCalls => "host_calls",
            Self::Egress => "egress",
            Self::Units => "units",
        }
    }

    /// The greatest cap that means anything, in what is counted: above all that a machine can do in
    /// a day, and far from where sums of it overflow.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::Invocations | Self::HostCalls => 1_000_000_000_000,
            Self::Cpu | Self::Units => 1_000_000_000_000_000,
            Self::MemoryTime | Self::Egress => 1_000_000_000_000_000_000,
        }
    }
}

/// What a cap does when it is reached.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CapMode {
    /// Refuses what is new until its time is over.
    #[default]
    Enforce,
    /// Refuses nothing; says in records what it would have refused, and counts it.
    Observe,
}

impl CapMode {
    /// Whether it is the one that holds where nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whose use is added up.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// A function's, whoever calls.
    #[default]
    Function,
    /// One caller's of one function. Callers without a credential count as one.
    Caller,
    /// An application's.
    Application,
    /// A tenant's, over all of its environments.
    Tenant,
}

impl Whose {
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
}

/// A cap that the operator sets, for one of a kind or for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapRule {
    /// Whose use is added up.
    pub of: Whose,
    /// Only of the function (for callers: whose callers), application or tenant of this name, in
    /// every environment; of each, if not said.
    pub name: Option<String>,
    /// How long it counts.
    pub per: Per,
    /// What it does.
    pub mode: CapMode,
    /// How much.
    pub amounts: Amounts,
}

macro_rules! as_word {
    ($($type:ident),*) => {
        $(impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        })*
    };
}

as_word!(Per, Meter, Whose);
