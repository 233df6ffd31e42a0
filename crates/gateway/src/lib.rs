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
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod h2;
pub mod head;
pub mod proxy;

mod accept;
mod access;
mod alarm;
mod answer;
mod arrival;
mod berth;
mod body;
mod buffer;
mod census;
mod channel;
mod class;
mod config;
mod connection;
mod control;
mod desk;
mod door;
mod entry;
mod forwarded;
mod handle;
mod handshakes;
mod line;
mod linger;
mod local;
mod origin;
mod proxies;
mod remains;
mod reserved;
mod service;
mod stall;
mod strict;
mod target;
mod tls;
mod violation;
mod walk;
mod websocket;
mod worker;

pub use access::{AccessLog, Destination, WallClock};
pub use config::{Config, Http2};
pub use door::{BoxError, Inbound, Invoke, Opening, Refusal, Session, Told};
pub use entry::{Aids, Challenges, Door};
pub use handle::{Counts, Drained, Gateway, Handle};
pub use proxies::{Proxies, Says};
pub use reserved::is_reserved as is_reserved_header;
pub use violation::Violation;
pub use walk::{Message, messages};
