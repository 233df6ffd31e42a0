//! The host interface: everything that a function can ask of the world.
//!
//! Executors know the world through this trait alone. Calls are plain data, so that an executor
//! can live in another process. `engine` implements it; nobody else decides anything.
//!
//! Only what works is here: lines to the log, and outgoing HTTP, which is always refused in this
//! version. Each later capability adds a variant.

use model::Labelled;
use model::wire::v1::Level;

/// One ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostCall {
    /// Write a line to the function's log. `cut` says that it was longer.
    Log {
        /// Standard output or standard error.
        level: Level,
        /// The bytes, without the line's end. May be anything.
        line: Vec<u8>,
        /// Whether the line was longer than the executor passes on.
        cut: bool,
    },
    /// Send an HTTP request.
    Http {
        /// The method.
        method: String,
        /// Scheme, host, port and path; no query, which may hold personal data.
        url: String,
    },
}

/// What the host did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostReply {
    /// It is done, and there is nothing to give back.
    Done,
}

/// The host refused. An ordinary error for the guest, never a trap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("denied")]
pub struct HostDenial;

/// Answers the asks of one invocation.
pub trait Host: Send + Sync {
    /// Decides, does and records one ask. What the call carries, and what the reply brings, is
    /// labelled.
    ///
    /// # Errors
    /// [`HostDenial`]; why is for the record and the log, not for the guest.
    fn call(&self, call: Labelled<HostCall>) -> Result<Labelled<HostReply>, HostDenial>;
}
