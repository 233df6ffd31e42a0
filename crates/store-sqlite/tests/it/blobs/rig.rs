//! A home with blobs, and somebody who changes its files.

use casemate_store_sqlite::{Blobs, kv};
use keys::FileRing;
use model::TenantName;
use parking_lot::Mutex;
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Anchors in memory.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<TenantName, u64>>);

impl kv::Anchors for Kept {
    fn load(&self, tenant: &TenantName) -> Result<Option<u64>, casemate_store_sqlite::Error> {
        Ok(self.0.lock().get(tenant).copied())
    }

    fn raise(&self, tenant: &TenantName, counter: u64) -> Result<(), casemate_store_sqlite::Error> {
        let mut kept = self.0.lock();
        let held = kept.entry(tenant.clone()).or_default();
        *held = counter.max(*held);
        Ok(())
    }
}

/// A home.
pub(super) struct Home {
    dir: TempDir,
    anchors: Arc<Kept>,
}

impl Home {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("home"), anchors: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn open(&self) -> Blobs {
        open_at(self.path(), Arc::<Kept>::clone(&self.anchors))
    }

    /// Opens it with anchors that remember nothing, for what is found without them.
    pub(super) fn open_unanchored(&self) -> Blobs {
        open_at(self.path(), Arc::<Kept>::default())
    }

    /// The index of the tenant `default`.
    pub(super) fn index(&self) -> PathBuf {
        self.path().join("blobs/default.db")
    }

    /// What somebody does to the index while no node runs.
    pub(super) fn tamper(&self, sql: &str) {
        Connection::open(self.index()).expect("open").execute_batch(sql).expect(sql);
    }

    /// The files of objects, or of uploads, of all containers, the largest last.
    pub(super) fn files(&self, sort: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path().join("blobs")];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.expect("entry").path();
                let fits = path.iter().any(|part| part == sort);
                match path.is_dir() {
                    true => open.push(path),
                    false if fits => found.push(path),
                    false => {}
                }
            }
        }
        found.sort_by_key(|path| std::fs::metadata(path).expect("there").len());
        found
    }
}

pub(super) fn open_at(home: &Path, anchors: Arc<dyn kv::Anchors>) -> Blobs {
    let ring = FileRing::from_root([7; 32]).expect("ring");
    Blobs::open(home, Arc::new(ring), anchors).expect("open")
}
