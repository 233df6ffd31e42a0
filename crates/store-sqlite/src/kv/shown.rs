//! What readers see of a tenant's stores without asking its writer.

use super::keys::Family;
use super::span::Spans;
use model::key::Epoch;
use model::{EnvironmentName, StoreName};
use parking_lot::{Mutex, RwLock};
use ports::keyvalue::Size;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// A store within its tenant.
pub(super) type Name = (EnvironmentName, StoreName);

/// One store.
pub(super) struct Shown {
    pub(super) id: u64,
    pub(super) keys: Family,
    /// No value of it is sealed with an older epoch, as of the last commit.
    pub(super) floor: AtomicU32,
    /// For errors: the store and where it is.
    pub(super) what: String,
    /// As of the last commit.
    pub(super) size: Mutex<Size>,
    /// What was checked since the file was first opened. From then on only this process writes.
    pub(super) checked: RwLock<Spans>,
}

impl Shown {
    /// The oldest epoch that a value may be sealed with. Whoever reads asks before the moment of the
    /// file that it then reads: it only grows, after what it says is on disk.
    pub(super) fn floor(&self) -> Epoch {
        Epoch(self.floor.load(Ordering::Acquire))
    }
}

/// One tenant.
#[derive(Default)]
pub(super) struct Board {
    /// Whether the file was opened and its stores are those below.
    pub(super) opened: AtomicBool,
    /// The counter of the last commit.
    pub(super) counter: AtomicU64,
    pub(super) stores: RwLock<HashMap<Name, Arc<Shown>>>,
}

impl Board {
    pub(super) fn store(&self, name: &Name) -> Option<Arc<Shown>> {
        self.stores.read().get(name).cloned()
    }
}
