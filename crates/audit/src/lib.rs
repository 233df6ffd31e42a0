//! The ledger's mathematics: a C2SP tlog-tiles log with signed checkpoints.
//!
//! [`Notary`] extends a log by one leaf, [`verify`] says whether a log is what it claims to be,
//! and [`export`] and [`import`] carry it to and from the files that any tlog-tiles client reads.
//!
//! A log that the owner of the signing key rewrote from its beginning is consistent in itself.
//! What tells is a checkpoint that was kept elsewhere: hand it to [`verify`].
//!
//! Invariant: pure. No file, no network, no clock; leaves, tiles and checkpoints are given.
#![forbid(unsafe_code)]

#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod note;

mod checkpoint;
mod files;
mod hash;
mod notary;
mod tile;
mod verify;

pub use checkpoint::{Checkpoint, Error as CheckpointError};
pub use files::{Error as FilesError, export, import};
pub use hash::{EMPTY_ROOT, Hash, Hasher, digest, leaf as leaf_hash};
pub use notary::{LEAF_BYTES_MAX, Notary};
pub use note::VerifierKey;
pub use verify::{Finding, Snapshot, Verified, verify};

#[cfg(test)]
mod tests;
