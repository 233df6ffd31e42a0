//! Components, and the files of applications, by digest.

use crate::Future;
use model::{Digest, Timestamp};

/// Why an artifact could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none with this digest.
    #[error("no artifact {0}")]
    Missing(Digest),
    /// The bytes do not have the digest that was announced, or that they were stored under.
    #[error("artifact {expected} has the digest {found}")]
    Digest {
        /// What was announced.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// The disk has no room.
    #[error("no room for artifact {0}")]
    Full(Digest),
    /// The store failed.
    #[error("artifact {digest}")]
    Io {
        /// Which.
        digest: Digest,
        /// Why.
        source: std::io::Error,
    },
}

/// A content-addressed store. Keeping the same bytes twice is no error.
pub trait Artifacts: Send + Sync {
    /// Keeps `bytes`, durably, if they have the digest `expected`.
    fn put(&self, expected: Digest, bytes: bytes::Bytes) -> Future<'_, Result<(), Error>>;

    /// Reads an artifact and checks its digest.
    fn read(&self, digest: Digest) -> Future<'_, Result<bytes::Bytes, Error>>;

    /// Whether it is there.
    fn contains(&self, digest: Digest) -> Future<'_, Result<bool, Error>>;

    /// Keeps several, durably, and all of them only if each has its digest. What is there
    /// already is not written again.
    fn put_all(&self, all: Vec<(Digest, bytes::Bytes)>) -> Future<'_, Result<(), Error>>;

    /// Which of these are not there whole: missing or damaged.
    fn missing(&self, digests: Vec<Digest>) -> Future<'_, Result<Vec<Digest>, Error>>;

    /// All digests, in order.
    fn list(&self) -> Future<'_, Result<Vec<Digest>, Error>>;

    /// Notes that somebody wants these, now. Those that are not there are passed over.
    fn want(&self, digests: Vec<Digest>, now: Timestamp) -> Future<'_, Result<(), Error>>;

    /// Those that nobody has wanted since `before`, in order. One that was put and never wanted
    /// counts as wanted at any time.
    fn unwanted(&self, before: Timestamp) -> Future<'_, Result<Vec<Digest>, Error>>;

    /// Removes artifacts, in this order. One that is not there is no error.
    fn remove(&self, digests: Vec<Digest>) -> Future<'_, Result<(), Error>>;
}
