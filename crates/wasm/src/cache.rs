//! Loaded components by digest.
//!
//! Looking one up is a load of a pointer and a look into a map that is never changed in place.
//! Loading happens once, however many invocations wait for it.
//!
//! Invariant: loaded code beyond the bound is let go, least recently used first; invocations
//! that run it keep it until they end.

use crate::state::State;
use arc_swap::ArcSwap;
use model::Digest;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::OnceCell;
use wasmtime_wasi_http::{p2, p3};

/// A linked component, by the version of WASI that it is for.
pub(crate) enum Linked {
    /// Exports `wasi:http/incoming-handler@0.2`.
    V02(p2::bindings::ProxyPre<State>),
    /// Exports `wasi:http/handler@0.3`.
    V03(p3::bindings::ServicePre<State>),
}

/// A component that is ready to be instantiated.
pub(crate) struct Loaded {
    pub(crate) linked: Linked,
    bytes: u64,
    used: AtomicU64,
}

impl Loaded {
    /// `bytes` is what its code occupies.
    pub(crate) fn new(linked: Linked, bytes: u64) -> Self {
        Self { linked, bytes, used: AtomicU64::new(0) }
    }
}

type Map<T> = HashMap<Digest, T, BuildHasherDefault<ByDigest>>;

/// The cache.
pub(crate) struct Cache {
    bytes_max: u64,
    loaded: ArcSwap<Map<Arc<Loaded>>>,
    loading: Mutex<Map<Arc<OnceCell<Arc<Loaded>>>>>,
}

impl Cache {
    /// A cache that keeps at most `bytes_max` of code, but always the newest component.
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, loaded: ArcSwap::default(), loading: Mutex::default() }
    }

    /// Finds a component and marks it as used at `now`.
    pub(crate) fn find(&self, digest: &Digest, now: u64) -> Option<Arc<Loaded>> {
        let loaded = Arc::clone(self.loaded.load().get(digest)?);
        // Most calls fall into the same tick as the one before; then no cache line is dirtied.
        if loaded.used.load(Relaxed) != now {
            loaded.used.store(now, Relaxed);
        }
        Some(loaded)
    }

    /// Finds a component or loads it. Whoever comes while it is being loaded waits for that.
    ///
    /// # Errors
    /// What `load` returns; the next caller tries again.
    pub(crate) async fn find_or_load<E, F>(
        &self,
        digest: Digest,
        now: u64,
        load: impl FnOnce() -> F,
    ) -> Result<Arc<Loaded>, E>
    where
        F: Future<Output = Result<Loaded, E>>,
    {
        if let Some(loaded) = self.find(&digest, now) {
            return Ok(loaded);
        }
        let cell = Arc::clone(self.loading.lock().entry(digest).or_default());
        let loaded = cell
            .get_or_try_init(|| async {
                let loaded = load().await?;
                Ok(self.insert(digest, loaded, now))
            })
            .await;
        let mut loading = self.loading.lock();
        if loading.get(&digest).is_some_and(|current| Arc::ptr_eq(current, &cell)) {
            loading.remove(&digest);
        }
        loaded.cloned()
    }

    /// Adds a component, and lets others go if there is too much.
    pub(crate) fn insert(&self, digest: Digest, loaded: Loaded, now: u64) -> Arc<Loaded> {
        loaded.used.store(now, Relaxed);
        let loaded = Arc::new(loaded);
        self.loaded.rcu(|map| {
            let mut map = Map::clone(map);
            map.insert(digest, Arc::clone(&loaded));
            let mut total: u64 = map.values().map(|other| other.bytes).sum();
            while total > self.bytes_max {
                let oldest = map
                    .iter()
                    .filter(|(other, _)| **other != digest)
                    .min_by_key(|(_, other)| other.used.load(Relaxed));
                let Some(oldest) = oldest.map(|(other, _)| *other) else { break };
                total -= map.remove(&oldest).map_or(0, |gone| gone.bytes);
            }
            map
        });
        loaded
    }

    /// How many components are loaded, and the bytes of their code.
    pub(crate) fn size(&self) -> (usize, u64) {
        let map = self.loaded.load();
        (map.len(), map.values().map(|loaded| loaded.bytes).sum())
    }
}

/// SHA-256 digests are spread evenly already; their first bytes will do.
#[derive(Default)]
struct ByDigest(u64);

impl Hasher for ByDigest {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}
