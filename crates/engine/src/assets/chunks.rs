//! Chunks of files: read by digest, checked each time they are read, and kept in memory while they
//! are asked for.
//!
//! Invariant: what is handed out has the digest that it was asked by. The store checks it on every
//! read, and memory is not a disk.

use crate::readiness::chain;
use bytes::Bytes;
use model::{Code, Digest, Problem};
use parking_lot::RwLock;
use ports::Artifacts;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Chunks, on the disk and in memory.
pub(crate) struct Chunks {
    artifacts: Arc<dyn Artifacts>,
    kept: RwLock<Kept>,
    bytes_max: usize,
}

/// What is in memory, in a ring: what was used since the hand last passed stays for a round more.
#[derive(Default)]
struct Kept {
    chunks: HashMap<Digest, Slot>,
    ring: VecDeque<Digest>,
    bytes: usize,
}

struct Slot {
    bytes: Bytes,
    used: AtomicBool,
}

impl Chunks {
    /// Keeps up to `bytes_max` bytes in memory.
    pub(crate) fn new(artifacts: Arc<dyn Artifacts>, bytes_max: usize) -> Self {
        Self { artifacts, kept: RwLock::default(), bytes_max }
    }

    /// A chunk that is in memory.
    pub(super) fn at_hand(&self, digest: &Digest) -> Option<Bytes> {
        let kept = self.kept.read();
        let slot = kept.chunks.get(digest)?;
        slot.used.store(true, Ordering::Relaxed);
        Some(slot.bytes.clone())
    }

    /// A chunk of `length` bytes, from memory or the disk; `keep` says whether it is worth memory.
    ///
    /// # Errors
    /// E0502 if it is missing or damaged, E0506 if the store failed.
    pub(crate) async fn read(
        &self,
        digest: Digest,
        length: u64,
        keep: bool,
    ) -> Result<Bytes, Problem> {
        if let Some(bytes) = self.at_hand(&digest) {
            return Ok(bytes);
        }
        let read = self.artifacts.read(digest).await;
        let bytes = read.map_err(|error| damaged(&error))?;
        if bytes.len() as u64 != length {
            let why = format!("{digest} has {} bytes, the list says {length}", bytes.len());
            return Err(Problem::new(Code::StoreCorrupt).internal(why));
        }
        if keep {
            self.kept.write().keep(digest, bytes.clone(), self.bytes_max);
        }
        Ok(bytes)
    }
}

impl Kept {
    fn keep(&mut self, digest: Digest, bytes: Bytes, most: usize) {
        if bytes.len() > most || self.chunks.contains_key(&digest) {
            return;
        }
        while self.bytes + bytes.len() > most {
            let Some(oldest) = self.ring.pop_front() else { break };
            let used = self
                .chunks
                .get(&oldest)
                .is_some_and(|slot| slot.used.swap(false, Ordering::Relaxed));
            if used {
                self.ring.push_back(oldest);
            } else if let Some(gone) = self.chunks.remove(&oldest) {
                self.bytes -= gone.bytes.len();
            }
        }
        self.bytes += bytes.len();
        self.ring.push_back(digest);
        self.chunks.insert(digest, Slot { bytes, used: AtomicBool::new(false) });
    }
}

/// Why a deployed file cannot be read is the operator's affair: the caller sent nothing wrong.
fn damaged(error: &ports::artifacts::Error) -> Problem {
    use ports::artifacts::Error;
    let code = match error {
        Error::Missing(_) | Error::Digest { .. } => Code::StoreCorrupt,
        _ => Code::StoreFailed,
    };
    Problem::new(code).internal(chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(bytes_max: usize) -> (Chunks, Arc<ports::memory::Artifacts>) {
        let store = Arc::new(ports::memory::Artifacts::new(audit::digest));
        (Chunks::new(Arc::clone(&store) as _, bytes_max), store)
    }

    async fn put(store: &dyn Artifacts, text: &'static str) -> Digest {
        let digest = audit::digest(text.as_bytes());
        store.put(digest, Bytes::from_static(text.as_bytes())).await.expect("kept");
        digest
    }

    #[tokio::test]
    async fn what_is_used_stays_and_the_rest_makes_room() {
        let (chunks, store) = chunks(10);
        let a = put(&*store, "aaaa").await;
        let b = put(&*store, "bbbb").await;
        let c = put(&*store, "cccc").await;
        chunks.read(a, 4, true).await.expect("a");
        chunks.read(b, 4, true).await.expect("b");
        assert!(chunks.at_hand(&a).is_some(), "used");
        chunks.read(c, 4, true).await.expect("c");
        assert!(chunks.at_hand(&a).is_some() && chunks.at_hand(&c).is_some());
        assert!(chunks.at_hand(&b).is_none(), "made room");
        assert_eq!(chunks.kept.read().bytes, 8);
        let large = put(&*store, "more than ten bytes").await;
        chunks.read(large, 19, true).await.expect("read");
        chunks.read(b, 4, false).await.expect("read");
        assert!(chunks.at_hand(&large).is_none() && chunks.at_hand(&b).is_none());
    }

    #[tokio::test]
    async fn bytes_that_are_not_what_they_were_are_not_handed_out() {
        let (chunks, store) = chunks(100);
        let digest = put(&*store, "whole").await;
        store.swap(digest, Bytes::from_static(b"other"));
        assert_eq!(
            chunks.read(digest, 5, true).await.expect_err("swapped").code,
            Code::StoreCorrupt
        );
        let gone = audit::digest(b"never");
        assert_eq!(chunks.read(gone, 5, true).await.expect_err("missing").code, Code::StoreCorrupt);
        let short = put(&*store, "shorter").await;
        assert_eq!(chunks.read(short, 9, true).await.expect_err("lied").code, Code::StoreCorrupt);
    }
}
