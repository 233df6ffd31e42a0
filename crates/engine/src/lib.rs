//! The heart: the one way to deploy and to run a function.
//!
//! Doors hand in what arrived; the engine walks it through its stages (see [`invoke`]), runs the
//! function by way of `ports::Executor`, answers what the function asks of the world (see
//! `broker`), and closes the record. Nothing else in the house decides who may do what.
//!
//! Invariant: no invocation runs without a permit, a slot and an open record.
#![forbid(unsafe_code)]

mod assets;
mod backlog;
mod batch;
mod beside;
mod caps;
mod carried;
mod catalog;
mod config;
mod content;
mod crossing;
mod cut;
mod data;
mod deploy;
mod function;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guard;
mod host;
mod hosts;
mod invoke;
mod noted;
mod package;
mod presigned;
mod publish;
mod query;
mod rate;
mod readiness;
mod reply;
mod request;
mod rewrap;
mod router;
mod schedule;
mod secrets;
mod signer;
mod slots;
mod source;
mod spin;
mod stage;
mod sweep;
mod tokens;
mod upload;
mod urls;
mod webhook;
mod websocket;
mod wiring;
mod worker;

pub use audit::digest as sha256;
pub use config::{Config, HostLimits, QueueLimits};
pub use cut::Cut;
pub use data::DataDefaults;
pub use guard::FAILURES;
pub use identity::sigv4;
pub use invoke::{Inbound, Refusal, takes_events};
pub use model::manifest::Manifest;
pub use noted::{Met, Noted};
pub use ports::executor::{BodyError, RequestBody};
pub use ports::idempotency::Kept;
pub use ports::journal::{LogQuery, RecordQuery};
pub use ports::queue::{ListQuery, Purge};
pub use publish::Events;
pub use query::Health;
pub use reply::{ReplyBody, ReplyError};
pub use rewrap::Resealed;
pub use signer::{Signer, Unsigned};
pub use source::Source;
pub use sweep::Swept;
pub use websocket::{Message, Opening, Socket, SocketLimits, WebSockets};
pub use wiring::{Digester, Engine, Parts};

#[cfg(test)]
mod tests;
