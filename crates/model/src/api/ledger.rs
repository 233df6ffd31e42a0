//! The ledger as the admin API shows it.

use crate::act::Leaf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/ledger`: the state of the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerHead {
    /// Its name, as it stands in checkpoints.
    pub origin: String,
    /// The key that signs checkpoints, in signed-note form.
    pub verifier_key: String,
    /// How many entries it has.
    pub size: u64,
    /// The newest checkpoint.
    pub checkpoint: String,
}

/// One entry of the ledger with its number.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// What it says.
    #[serde(flatten)]
    pub leaf: Leaf,
    /// The leaf hash, hexadecimal.
    pub hash: String,
}
