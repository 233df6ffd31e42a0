//! What AWS knows of a function and we do not: kept beside it, under one name of its configuration
//! that no environment variable can have.

use model::Timestamp;
use model::manifest::FunctionSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name in the function's configuration.
const KEY: &str = "aws.lambda";

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// The role that its maker named. Nothing follows from it here.
    pub(super) role: String,
    pub(super) description: String,
    /// The runtime, in AWS's word.
    pub(super) runtime: String,
    /// Bytes of the zip.
    pub(super) code_size: u64,
    /// SHA-256 of the zip, in base 64.
    pub(super) code_sha256: String,
    pub(super) modified: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// Event-source mappings, by the names of their queues.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) mappings: BTreeMap<String, Mapping>,
}

/// An event-source mapping of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Mapping {
    /// Whether the function has its trigger.
    pub(super) enabled: bool,
    pub(super) batch: u16,
    pub(super) window_s: u64,
    /// Filters, as they were written.
    pub(super) patterns: Vec<String>,
    /// Whether its maker asked for reports of failures. They are believed anyway.
    pub(super) report: bool,
    pub(super) modified: Timestamp,
}

impl Facts {
    /// Those of a function that was made here.
    pub(super) fn of(spec: &FunctionSpec) -> Option<Self> {
        serde_json::from_str(spec.config.get(KEY)?).ok()
    }

    /// A function with these beside it.
    pub(super) fn beside(&self, mut spec: FunctionSpec) -> FunctionSpec {
        // Plain texts and numbers: they can always be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        let others = spec.config.iter().filter(|(key, _)| *key != KEY);
        let others = others.map(|(key, value)| (key.clone(), value.clone()));
        spec.config = others.chain([(KEY.to_owned(), text)]).collect();
        spec
    }
}
