//! One store, as its writer knows it.

use super::keys::{Keys, Place, SetHash};
use super::leaves::Leaves;
use super::shown::Shown;
use super::span::Spans;
use super::stop::Stop;
use model::key::Epoch;
use ports::keyvalue::Size;
use rusqlite::Connection;
use std::sync::Arc;

/// One store.
pub(super) struct Held {
    pub(super) shown: Arc<Shown>,
    /// When its row was last written; 0 if not yet.
    pub(super) version: u64,
    /// Of the keys that its row is sealed with, and that its hash of leaves is made with.
    pub(super) epoch: Epoch,
    pub(super) size: Size,
    hash: SetHash,
    leaves: Option<Leaves>,
}

impl Held {
    /// Reads its row.
    pub(super) fn unseal(
        keys: &Keys,
        place: Place<'_>,
        sealed: &[u8],
        shown: Arc<Shown>,
    ) -> Option<Self> {
        let plain = keys.unseal(place, sealed).ok()?;
        let (count, rest) = plain.split_first_chunk::<8>()?;
        let (bytes, hash) = rest.split_first_chunk::<8>()?;
        let size = Size { keys: u64::from_be_bytes(*count), bytes: u64::from_be_bytes(*bytes) };
        let hash = SetHash::from_bytes(hash.try_into().ok()?);
        let (version, epoch) = (place.version, keys.epoch());
        Some(Self { shown, version, epoch, size, hash, leaves: None })
    }

    /// What its row seals.
    pub(super) fn plain(&self) -> Vec<u8> {
        let mut plain = self.size.keys.to_be_bytes().to_vec();
        plain.extend(self.size.bytes.to_be_bytes());
        plain.extend(self.hash.bytes());
        plain
    }

    /// One that is new and empty.
    pub(super) fn new(shown: Arc<Shown>, epoch: Epoch) -> Self {
        *shown.checked.write() = Spans::all();
        let leaves = Some(Leaves::new(shown.id, epoch));
        Self { shown, version: 0, epoch, size: Size::default(), hash: SetHash::default(), leaves }
    }

    /// Writes what changed in its leaves.
    pub(super) fn flush(
        &mut self,
        connection: &Connection,
        stamp: impl FnMut() -> u64,
    ) -> Result<(), Stop> {
        let Some(leaves) = &mut self.leaves else { return Ok(()) };
        let top = self.shown.keys.of(self.epoch)?;
        leaves.flush(connection, (&self.shown.keys, &top), &mut self.hash, stamp)
    }

    /// The leaves, read from disk the first time.
    pub(super) fn leaves(&mut self, connection: &Connection) -> Result<&mut Leaves, Stop> {
        let Self { shown, epoch, hash, leaves, .. } = self;
        if leaves.is_none() {
            let top = shown.keys.of(*epoch).map_err(Stop::unkept)?;
            let keys = (&shown.keys, &*top);
            let loaded = Leaves::load(connection, keys, shown.id, &shown.what, hash)?;
            *leaves = Some(loaded);
        }
        leaves.as_mut().ok_or_else(|| Stop::damaged(shown.what.clone()))
    }

    /// Has the store of an epoch that its leaves have already. Nothing was changed in it since the
    /// transaction began. Says whether it was done.
    pub(super) fn lift(&mut self, connection: &Connection, to: Epoch) -> Result<bool, Stop> {
        let top = self.shown.keys.of(to)?;
        let leaves = self.leaves(connection)?;
        let Some(hash) = leaves.hash(&top).filter(|_| leaves.older(&[], to).is_none()) else {
            return Ok(false);
        };
        (self.hash, self.epoch) = (hash, to);
        Ok(true)
    }

    /// Checks the leaf that begins at `start`, unless it was since the file was opened. Says where
    /// it ends.
    pub(super) fn check(
        &mut self,
        connection: &Connection,
        start: &[u8],
    ) -> Result<Option<Vec<u8>>, Stop> {
        let shown = Arc::clone(&self.shown);
        let leaves = self.leaves(connection)?;
        let end = leaves.end(start);
        if shown.checked.read().covers(start, end.as_deref()) {
            return Ok(end);
        }
        self.check_again(connection, start)
    }

    /// Checks the leaf that begins at `start`. Says where it ends.
    pub(super) fn check_again(
        &mut self,
        connection: &Connection,
        start: &[u8],
    ) -> Result<Option<Vec<u8>>, Stop> {
        let shown = Arc::clone(&self.shown);
        let leaves = self.leaves(connection)?;
        let end = leaves.end(start);
        if !leaves.is_whole(connection, &shown.keys, start)? {
            let digest = key_digest(start);
            let what = format!(
                "{}: of the keys from {digest} on, one was removed, added, or is from before",
                shown.what
            );
            return Err(Stop::damaged(what));
        }
        shown.checked.write().add(start, end.as_deref());
        Ok(end)
    }
}

/// What errors say in the place of a key: the beginning of its SHA-256.
pub(super) fn key_digest(key: &[u8]) -> String {
    let hex = crate::store::sha256(key).hex();
    format!("sha256:{}…", hex.get(..16).unwrap_or_default())
}
