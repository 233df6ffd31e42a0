//! A home with key-value stores, and somebody who changes its files.

use casemate_store_sqlite::{Stores, kv};
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
pub(super) struct Kept(pub(super) Mutex<HashMap<TenantName, u64>>);

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
    pub(super) anchors: Arc<Kept>,
}

impl Home {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("home"), anchors: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn open(&self) -> Stores {
        self.open_with(Arc::<Kept>::clone(&self.anchors))
    }

    /// Opens it with anchors that remember nothing, for what is found without them.
    pub(super) fn open_unanchored(&self) -> Stores {
        self.open_with(Arc::<Kept>::default())
    }

    pub(super) fn open_with(&self, anchors: Arc<dyn kv::Anchors>) -> Stores {
        open_at(self.path(), anchors)
    }

    /// The file of the tenant `default`.
    pub(super) fn file(&self) -> PathBuf {
        self.path().join("kv/default.db")
    }

    /// What somebody does to the file while no node runs.
    pub(super) fn tamper(&self, sql: &str) -> usize {
        let connection = Connection::open(self.file()).expect("open");
        let mut changed = 0;
        for sql in sql.split(';').filter(|sql| !sql.trim().is_empty()) {
            changed += connection.execute(sql, []).expect(sql);
        }
        changed
    }
}

pub(super) fn open_at(home: &Path, anchors: Arc<dyn kv::Anchors>) -> Stores {
    let ring = FileRing::from_root([7; 32]).expect("ring");
    Stores::open(home, Arc::new(ring), anchors).expect("open")
}
