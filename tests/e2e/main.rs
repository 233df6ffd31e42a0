//! The real binary, from outside: what users, strangers, attackers and power cuts do to it.
//!
//! Each test starts a node of its own on a home of its own. The guests are built by
//! `cargo xtask guests --foreign`; a test whose guest is missing fails and says so.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test says what it expects, and starts the binary by itself"
)]

mod aws;
mod beyond;
mod blobs;
mod called;
mod caps;
mod certificates;
mod checkout;
mod commands;
mod crash;
mod deploying;
mod detect;
mod docs;
mod drain;
mod erase;
mod events;
mod examples;
mod exits;
mod front_door;
mod gitops;
mod guests;
mod hints;
mod home;
mod images;
mod import;
mod install;
mod isolation;
mod issuers;
mod keeper;
mod ledger;
mod line;
mod native;
mod outbound;
mod outside;
mod packages;
#[path = "../../crates/tls/tests/it/pebble.rs"]
mod pebble;
mod project;
mod protect;
mod publish;
mod pulled;
mod queue;
mod quiet;
mod rig;
mod schedules;
mod secrets;
mod signing;
mod sites;
mod sources;
mod spin;
mod state;
mod strangers;
mod tcp;
mod tour;
mod uploads;
mod wasi03;
mod ways_in;
mod webhooks;
mod websockets;
mod wire;
