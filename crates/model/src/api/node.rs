//! What a node says about itself.

use crate::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the node says about itself: `GET /v1/node`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// The version of the software.
    pub version: String,
    /// The public listener, as a URL.
    pub gateway: String,
    /// When it started.
    pub started: Timestamp,
    /// Isolation layers between a guest and the host, by name.
    pub layers: Vec<String>,
    /// Flags in force that weaken it.
    pub dangers: Vec<String>,
    /// TLS handshakes that came to nothing since the start, by what was in the way.
    #[serde(default)]
    pub handshakes_failed: BTreeMap<String, u64>,
}
