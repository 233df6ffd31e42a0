//! Fixtures and conformance suites, for tests only.
//!
//! One suite per port, run by every version of it, so that what holds in memory holds on a disk.
//!
//! Invariant: a dev-dependency; no program is built with it.
#![forbid(unsafe_code)]

pub mod artifacts;
pub mod blobs;
pub mod clock;
pub mod executor;
pub mod journal;
pub mod keyvalue;
pub mod outbound;
pub mod queue;
pub mod registry;
pub mod salts;
