//! Lists in leaves: shortened where they are long, with a digest of all.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// A list in a ledger entry. An entry has little room (64 KiB), so a long list is given by its
/// length, its digest and its beginning; the registry holds the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Listed<T> {
    /// How many there are.
    pub count: u64,
    /// SHA-256 of the whole list as JSON without white space.
    pub sha256: Digest,
    /// The first of them, up to [`LISTED_MAX`].
    pub first: Vec<T>,
}

/// Most items that a ledger entry spells out.
pub const LISTED_MAX: usize = 64;

impl<T: Serialize + Clone> Listed<T> {
    /// Lists `items`.
    #[must_use]
    pub fn of(items: &[T], sha256: fn(&[u8]) -> Digest) -> Self {
        // Plain data with string keys: serializing it cannot fail.
        let json = serde_json::to_vec(items).unwrap_or_default();
        let first = items.iter().take(LISTED_MAX).cloned().collect();
        Self { count: items.len() as u64, sha256: sha256(&json), first }
    }
}
