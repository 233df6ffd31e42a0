//! The admin API: `/v1` on a listener of its own, for the operator only.
//!
//! Every operation is one engine call; nothing is decided here. The table in [`openapi`] is the
//! list of all operations, and a test holds it against the router.
//!
//! Invariant: everything but `/healthz`, `/readyz` and the API's own description takes the
//! operator's token.
#![forbid(unsafe_code)]

mod answer;
mod applications;
mod auth;
mod caps;
mod data;
mod functions;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod grants;
mod idempotency;
mod invoke;
mod keys;
mod ledger;
mod node;
pub mod openapi;
mod place;
mod queue;
mod records;
mod schedules;
mod secrets;
mod serve;
mod sources;
mod tokens;

pub use node::{Operations, Pending, Pieces, With};
pub use serve::{Control, Service};

/// The version that both sides tell each other.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
