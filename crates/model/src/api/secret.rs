//! Secrets, without their values.

use crate::{FunctionName, SecretName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret, as lists show it: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretInfo {
    /// Its name.
    pub name: SecretName,
    /// Counts up with every value. 0 for one that is kept elsewhere.
    pub version: u32,
    /// When this version was set.
    pub set: Timestamp,
    /// Whether it is too short or too plain to be masked in what comes back.
    pub weak: bool,
    /// Active functions whose manifests ask for it.
    pub used_by: Vec<FunctionName>,
    /// Where the value is kept, if the node's configuration says that it is kept elsewhere: `file`,
    /// `environment` or `vault`. Nothing else is known of it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The answer to `PUT …/secrets/{name}`, `POST …/secrets/{name}/rotate` and
/// `DELETE …/secrets/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretWritten {
    /// The secret, as it is now, or as it was before it was removed.
    #[serde(flatten)]
    pub secret: SecretInfo,
    /// The ledger entry.
    pub leaf: u64,
}
