//! Forms that are written to disk, by version.
//!
//! A version never changes once released: a new field means a new version beside the old one.

mod asked;
mod caller;
mod failed;
pub mod queued;
mod socket;
pub mod tallied;
pub mod upload;
pub mod v1;

pub use asked::{AskedFor, NotAsked};
pub use caller::NoCaller;
#[cfg(any(test, fuzzing))]
pub(crate) use failed::fuzz;
pub use failed::{Malformed, failed};
