//! Certificates as clients meet them: real handshakes, files that change, and a real ACME server.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test says what it expects, measures its own patience, and starts Debian's pebble"
)]

mod acme;
mod acme_trouble;
mod clients;
mod doors;
mod files;
mod pebble;
mod rig;
