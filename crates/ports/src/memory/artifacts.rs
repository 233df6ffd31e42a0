//! Components by digest, in memory.
//!
//! Invariant: what is kept has the digest that it is kept under.

use crate::Future;
use crate::artifacts::Error;
use bytes::Bytes;
use model::plan::Sha256;
use model::{Digest, Timestamp};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The memory version of [`crate::Artifacts`].
pub struct Artifacts {
    sha256: Sha256,
    kept: Mutex<BTreeMap<Digest, Bytes>>,
    wanted: Mutex<BTreeMap<Digest, Timestamp>>,
}

impl Artifacts {
    /// An empty store that checks digests with `sha256`.
    #[must_use]
    pub fn new(sha256: Sha256) -> Self {
        Self { sha256, kept: Mutex::default(), wanted: Mutex::default() }
    }

    /// Replaces what is kept under `digest` without a check, as somebody with the disk could.
    pub fn swap(&self, digest: Digest, bytes: Bytes) {
        self.kept.lock().insert(digest, bytes);
    }

    fn check(&self, expected: Digest, bytes: &[u8]) -> Result<(), Error> {
        let found = (self.sha256)(bytes);
        if found == expected { Ok(()) } else { Err(Error::Digest { expected, found }) }
    }
}

impl crate::Artifacts for Artifacts {
    fn put(&self, expected: Digest, bytes: Bytes) -> Future<'_, Result<(), Error>> {
        let done = self.check(expected, &bytes).map(|()| {
            self.kept.lock().insert(expected, bytes);
        });
        Box::pin(std::future::ready(done))
    }

    fn read(&self, digest: Digest) -> Future<'_, Result<Bytes, Error>> {
        let kept = self.kept.lock().get(&digest).cloned();
        let found = kept
            .ok_or(Error::Missing(digest))
            .and_then(|bytes| self.check(digest, &bytes).map(|()| bytes));
        Box::pin(std::future::ready(found))
    }

    fn contains(&self, digest: Digest) -> Future<'_, Result<bool, Error>> {
        Box::pin(std::future::ready(Ok(self.kept.lock().contains_key(&digest))))
    }

    fn put_all(&self, all: Vec<(Digest, Bytes)>) -> Future<'_, Result<(), Error>> {
        let done = all.iter().try_for_each(|(digest, bytes)| self.check(*digest, bytes));
        Box::pin(std::future::ready(done.map(|()| self.kept.lock().extend(all))))
    }

    fn missing(&self, digests: Vec<Digest>) -> Future<'_, Result<Vec<Digest>, Error>> {
        let kept = self.kept.lock();
        let whole = |d: &Digest| kept.get(d).is_some_and(|bytes| self.check(*d, bytes).is_ok());
        let missing = digests.into_iter().filter(|digest| !whole(digest)).collect();
        Box::pin(std::future::ready(Ok(missing)))
    }

    fn list(&self) -> Future<'_, Result<Vec<Digest>, Error>> {
        Box::pin(std::future::ready(Ok(self.kept.lock().keys().copied().collect())))
    }

    fn want(&self, digests: Vec<Digest>, now: Timestamp) -> Future<'_, Result<(), Error>> {
        let kept = self.kept.lock();
        let there = digests.into_iter().filter(|digest| kept.contains_key(digest));
        self.wanted.lock().extend(there.map(|digest| (digest, now)));
        Box::pin(std::future::ready(Ok(())))
    }

    fn unwanted(&self, before: Timestamp) -> Future<'_, Result<Vec<Digest>, Error>> {
        let (kept, wanted) = (self.kept.lock(), self.wanted.lock());
        let old = |digest: &&Digest| wanted.get(digest).is_none_or(|at| *at < before);
        let unwanted = kept.keys().filter(old).copied().collect();
        Box::pin(std::future::ready(Ok(unwanted)))
    }

    fn remove(&self, digests: Vec<Digest>) -> Future<'_, Result<(), Error>> {
        let (mut kept, mut wanted) = (self.kept.lock(), self.wanted.lock());
        for digest in digests {
            kept.remove(&digest);
            wanted.remove(&digest);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
