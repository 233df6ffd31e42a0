//! The outbound door against real servers on loopback addresses.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod connect;
mod dns;
mod flow;
mod limits;
mod names;
mod pools;
mod replies;
mod requests;
mod rig;
mod tls;
