//! What interprets native functions on a node's machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An interpreter of native functions, as `casemate runtimes` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interpreter {
    /// What a manifest calls it, such as `python3.11`.
    pub name: String,
    /// Other names of it, such as `python3`, which mean the newest of its kind.
    pub aliases: Vec<String>,
    /// Its version, as it says itself; none if it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its program on this machine.
    pub path: String,
    /// The last day, YYYY-MM-DD, on which its makers mend it, as far as this release knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
    /// The newest version of its line that this release knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}
