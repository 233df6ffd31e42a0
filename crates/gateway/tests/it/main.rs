//! The gateway over real sockets, with a stage in the place of the engine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what serves tests is a test too")]

mod answers;
mod client;
mod differential;
mod leaving;
mod limits;
mod stage;
mod stopping;
mod streams;
mod strictness;
