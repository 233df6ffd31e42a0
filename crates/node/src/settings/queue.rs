//! `[queue]`: asynchronous calls.

use super::pick::Pick;
use engine::QueueLimits;
use model::unit::Size;
use serde::Deserialize;

/// `[queue]`
#[derive(Debug, Clone)]
pub struct Queue {
    /// Calls that are worked on at a time. With 0 they are taken and wait.
    pub workers: usize,
    /// Calls that may wait for one function, those among them that were given up.
    pub messages: u64,
    /// Bytes of them.
    pub size: Size,
    /// How often a call is tried before it is given up.
    pub attempts: u32,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    workers: Option<usize>,
    messages: Option<u64>,
    size: Option<Size>,
    attempts: Option<u32>,
}

impl Queue {
    pub(super) fn pick(pick: &mut Pick, file: &File) -> Self {
        let QueueLimits { quota, attempts, .. } = QueueLimits::default();
        Self {
            workers: pick.of("queue.workers", 32, file.workers),
            messages: pick.of("queue.messages", quota.messages, file.messages),
            size: pick.of("queue.size", Size { bytes: quota.bytes }, file.size),
            attempts: pick.of("queue.attempts", attempts, file.attempts),
        }
    }

    /// The same as the engine wants it.
    pub(crate) fn limits(&self) -> QueueLimits {
        let mut limits = QueueLimits::default();
        limits.quota.messages = self.messages;
        limits.quota.bytes = self.size.bytes;
        limits.attempts = self.attempts;
        limits
    }
}
