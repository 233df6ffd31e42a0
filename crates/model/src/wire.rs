//! Forms that are written to disk, by version.
//!
//! A version never changes once released: a new field means a new version beside the old one.

pub mod v1;
