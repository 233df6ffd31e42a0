//! The public front door: HTTP/1.1 over TCP, read strictly, answered by the engine.
//!
//! A connection is accepted by one thread (`accept`) and then belongs to one worker thread
//! until it ends (`worker`). Its bytes pass a scanner of our own ([`head`], [`framing`],
//! `strict`) before hyper sees them, so that there is one opinion about where a message begins
//! and ends. Each request becomes an [`Inbound`], is run in the connection's own task, and is
//! answered by the guest's reply or by a problem document (`service`, `answer`).
//!
//! Invariant: hyper never sees a byte of a message that was refused.
//! Invariant: what a `Problem` keeps internal never leaves through this crate.
#![forbid(unsafe_code)]

pub mod framing;
pub mod head;

mod accept;
mod alarm;
mod answer;
mod body;
mod buffer;
mod census;
mod class;
mod config;
mod connection;
mod control;
mod door;
mod handle;
mod line;
mod linger;
mod reserved;
mod service;
mod strict;
mod target;
mod violation;
mod walk;
mod worker;

pub use config::Config;
pub use door::{BoxError, Inbound, Invoke, Refusal};
pub use handle::{Drained, Gateway, Handle};
pub use reserved::is_reserved as is_reserved_header;
pub use violation::Violation;
pub use walk::{Message, messages};
