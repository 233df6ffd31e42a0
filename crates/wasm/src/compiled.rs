//! Compiled components on disk: written with a keyed hash, read back only if it fits.
//!
//! Invariant: bytes are hashed and mapped from the same sealed memory; the file on disk is read
//! once and never mapped.

pub(crate) mod code;
pub(crate) mod sealed;
mod shelf;

pub(crate) use sealed::SealedFile;
pub(crate) use shelf::{Shelf, ShelfError};
