//! What the operator may set about the public listener.

use crate::proxies::Proxies;
use std::time::Duration;

/// Limits of the public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a request's head may take from its first byte to its last, in milliseconds.
    /// Also how long a new connection may stay silent. Default: 10,000.
    pub head_timeout_ms: u64,
    /// How long a client may neither send the body that it announced nor take the answer that
    /// waits for it, in milliseconds. Default: 30,000.
    pub body_idle_ms: u64,
    /// How long a connection is kept open between two requests, in milliseconds. Default: 60,000.
    pub idle_ms: u64,
    /// Most header fields of one request; 1 to 1,000. Default: 100.
    pub headers_max: usize,
    /// Most bytes of one request's head, the request line included; 1 KiB to 1 MiB.
    /// Default: 32 KiB.
    pub header_bytes_max: usize,
    /// Most connections at a time. Each needs a file descriptor. Default: 10,000.
    pub connections_max: usize,
    /// Most connections of one address at a time; an IPv6 address counts with its whole /64.
    /// Default: 1,000, since a proxy before the node is one address.
    pub connections_per_address_max: usize,
    /// Worker threads; 0 for one per core. Default: 0.
    pub workers: usize,
    /// HTTP/2.
    pub http2: Http2,
    /// Proxies that are believed. Default: none.
    pub proxies: Proxies,
}

/// What one HTTP/2 connection may do. Beyond a limit, the stream is refused or the connection
/// ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2 {
    /// Most streams at a time. Default: 100.
    pub streams: u32,
    /// Bytes of one request's body that may wait for its function. Default: 256 KiB.
    pub stream_window: u32,
    /// Bytes of all bodies of a connection that may wait; at least 65,535. Default: 1 MiB.
    pub connection_window: u32,
    /// Most bytes in one frame; 16 KiB to 16 MiB. Default: 16 KiB.
    pub frame_bytes: u32,
    /// Most frames that continue one block of headers. Default: 8.
    pub continuations: u32,
    /// Streams that the client may reset in ten seconds. Default: 200.
    pub resets: u32,
    /// Streams that were reset before the node took them. Default: 20.
    pub pending_resets: usize,
    /// Streams that the node may have to reset because of the client's mistakes, for as long as
    /// the connection lasts. Default: 256.
    pub error_resets: usize,
    /// Frames that carry nothing of a request, of each sort in ten seconds, beside those that
    /// requests and answers call for. Default: 1,000.
    pub control_frames: u32,
    /// How often a silent connection is asked whether it still is one, in milliseconds; 0 for
    /// never. Default: 30,000.
    pub ping_ms: u64,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            streams: 100,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            frame_bytes: 16 * 1024,
            continuations: 8,
            resets: 200,
            pending_resets: 20,
            error_resets: 256,
            control_frames: 1_000,
            ping_ms: 30_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_timeout_ms: 10_000,
            body_idle_ms: 30_000,
            idle_ms: 60_000,
            headers_max: 100,
            header_bytes_max: 32 * 1024,
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            workers: 0,
            http2: Http2::default(),
            proxies: Proxies::default(),
        }
    }
}

impl Config {
    pub(crate) fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms)
    }

    pub(crate) fn head_limits(&self) -> crate::head::Limits {
        crate::head::Limits {
            headers_max: self.headers_max.clamp(1, 1_000),
            bytes_max: self.header_bytes_max.clamp(1024, 1024 * 1024),
        }
    }

    pub(crate) fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            count => count,
        }
    }
}
