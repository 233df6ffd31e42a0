//! Answers that are kept, so that a write that is sent twice is done once.

use crate::Future;
use model::{Digest, Timestamp};

/// An answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// SHA-256 over the request: method, path and body.
    pub request: Digest,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Keeps answers by key for at least a day.
pub trait Idempotency: Send + Sync {
    /// The answer that was kept under `key`.
    fn recall<'a>(
        &'a self,
        key: &'a str,
        now: Timestamp,
    ) -> Future<'a, Result<Option<Kept>, String>>;

    /// Keeps an answer; the first one stays.
    fn keep<'a>(
        &'a self,
        key: &'a str,
        answer: Kept,
        now: Timestamp,
    ) -> Future<'a, Result<(), String>>;
}
