//! Answers to writes that may be sent twice, for tests in which none is.

use crate::Future;
use crate::idempotency::Kept;
use model::Timestamp;

/// Keeps no answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl crate::idempotency::Idempotency for Forgetful {
    fn recall<'a>(&'a self, _: &'a str, _: Timestamp) -> Future<'a, Result<Option<Kept>, String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn keep<'a>(&'a self, _: &'a str, _: Kept, _: Timestamp) -> Future<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
