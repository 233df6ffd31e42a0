//! The outbound door: dials addresses that guests and tenants chose, and nobody else does.
//!
//! [`Egress`] implements [`ports::Outbound`]. A request comes here permitted; what is decided here
//! is only where its name leads and whether that is a place that no function may reach.
//! `send.rs` is the way of a request: it is read (`target.rs`, `fields.rs`), counted (`slots.rs`),
//! given a connection of its function's own (`pool.rs`, `dial.rs`), and its reply is handed on as
//! it comes (`download.rs`).
//!
//! Invariant: an address is dialled only by `dial.rs`, and only after `address.rs` permitted it.
//! Invariant: what is connected to is the address that was checked; no name is looked up twice
//! for one connection.
//! Invariant: a connection serves one function.
//! Invariant: nothing is read from the environment, so no proxy of it is used.
#![forbid(unsafe_code)]

mod address;
mod checkout;
mod config;
mod connect;
mod dial;
mod door;
mod download;
mod fault;
mod fields;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod host;
mod link;
mod names;
mod pool;
mod send;
mod slots;
mod target;
mod task;
mod trust;
mod upload;

pub use config::{Config, Servers};
pub use door::Egress;
