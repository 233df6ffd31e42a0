//! What one function may use. Every limit always holds; a manifest changes its value only.

use crate::unit::{Duration, Size};
use serde::{Deserialize, Serialize};

/// The limits of one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest wall time from acceptance to the last byte; for streams, longest silence.
    pub wall_ms: u64,
    /// Longest silence of an answer whose head was sent.
    pub stream_idle_ms: u64,
    /// CPU time of the guest, by the clock of the thread that runs it.
    pub cpu_ms: u64,
    /// Bytes over all linear memories and tables of one instance.
    pub memory_bytes: u64,
    /// Bytes of a request's body.
    pub request_body_bytes: u64,
    /// Bytes of a reply's body.
    pub response_body_bytes: u64,
    /// Header fields in a request or a reply.
    pub headers: u32,
    /// Bytes of all header names and values together.
    pub header_bytes: u64,
    /// Bytes that one invocation may log.
    pub log_bytes: u64,
    /// Invocations of one function at a time.
    pub concurrency: u32,
    /// How long a request may wait for a slot.
    pub queue_wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: 10_000,
            stream_idle_ms: 10_000,
            cpu_ms: 5_000,
            memory_bytes: 128 << 20,
            request_body_bytes: 6 << 20,
            response_body_bytes: 32 << 20,
            headers: 100,
            header_bytes: 32 << 10,
            log_bytes: 256 << 10,
            concurrency: 100,
            queue_wait_ms: 1000,
        }
    }
}

/// The largest values that a manifest may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling {
    /// Wall time.
    pub wall: Duration,
    /// CPU time.
    pub cpu: Duration,
    /// Memory.
    pub memory: Size,
    /// Concurrent invocations.
    pub concurrency: u32,
    /// Request or reply body.
    pub body: Size,
}

impl Ceiling {
    /// What a node allows when its configuration says nothing else.
    pub const DEFAULT: Self = Self {
        wall: Duration::seconds(900),
        cpu: Duration::seconds(300),
        memory: Size::mib(1024),
        concurrency: 1000,
        body: Size::mib(1024),
    };
}
