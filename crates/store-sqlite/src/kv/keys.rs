//! Keys of a tenant and of a store: what rows are sealed and told apart with.
//!
//! Every row is sealed for its place: what sort of row, of which store, under which key, in which
//! version. A version is used for one row only, so a row fits nowhere else, and not at another
//! time. A row that is sealed anew, with a newer epoch of the root key, keeps its version: it says
//! the same.

use aws_lc_rs::hmac;
use model::key::{Epoch, KeyPurpose};
use parking_lot::RwLock;
use ports::KeyRing;
use ports::keyring::{Error, Sealer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What sort of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sort {
    Cell = 1,
    Leaf = 2,
    Store = 3,
    Head = 4,
    /// A cell whose value is known to contain something.
    Labelled = 5,
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) sort: Sort,
    /// The store's id; 0 for the head.
    pub(super) store: u64,
    pub(super) version: u64,
    pub(super) key: &'a [u8],
}

impl Place<'_> {
    /// All but the key has a fixed length, so two places never are the same bytes.
    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17 + self.key.len());
        bytes.push(self.sort as u8);
        bytes.extend(self.store.to_be_bytes());
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.key);
        bytes
    }
}

/// Stands for a set of rows: the exclusive or of a keyed hash of each, so that a row is put in and
/// taken out without looking at the others (the XOR scheme of Clarke et al., "Incremental multiset
/// hash functions", 2003). It is secret, and only ever written sealed: whoever knew sums of hashes
/// could add them up to another set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SetHash([u8; 32]);

impl SetHash {
    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Puts a row in that was not there, or takes one out that was.
    pub(super) fn toggle(&mut self, element: &Self) {
        for (own, other) in self.0.iter_mut().zip(element.0) {
            *own ^= other;
        }
    }
}

/// The keys of one store, or of the tenant's file, in one epoch.
pub(super) struct Keys {
    epoch: Epoch,
    sealer: Arc<dyn Sealer>,
    mac: hmac::Key,
    /// Bytes by which what is sealed is longer.
    over: usize,
}

impl Keys {
    /// Derives them, of a word for what the files are for, and names. No name of a tenant, an environment or a store can be taken for another
    /// part, as the ring puts a length before each.
    pub(super) fn derive(ring: &dyn KeyRing, epoch: Epoch, names: &[&str]) -> Result<Self, Error> {
        let sealer = ring.sealer(epoch, KeyPurpose::Value, names)?;
        let secret = ring.hash_key(epoch, KeyPurpose::Value, names)?;
        let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let mut empty = Vec::new();
        sealer.seal(&[], &mut empty, 0)?;
        Ok(Self { epoch, sealer, mac, over: empty.len() })
    }

    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut buffer = Vec::with_capacity(plain.len() + self.over);
        buffer.extend_from_slice(plain);
        self.sealer.seal(&place.bytes(), &mut buffer, 0)?;
        Ok(buffer)
    }

    pub(super) fn unseal(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.sealer.unseal(&place.bytes(), sealed)
    }

    /// Length of the plain bytes, from that of the sealed ones.
    pub(super) const fn plain_bytes(&self, sealed_bytes: u64) -> u64 {
        sealed_bytes.saturating_sub(self.over as u64)
    }

    /// Stands for a row in a [`SetHash`]. Its length is part of it, as sizes are counted from
    /// lengths, without opening anything.
    pub(super) fn element(&self, place: Place<'_>, sealed_bytes: u64) -> SetHash {
        let mut bytes = place.bytes();
        bytes.extend(sealed_bytes.to_be_bytes());
        let tag = hmac::sign(&self.mac, &bytes);
        let mut element = [0; 32];
        element.copy_from_slice(tag.as_ref());
        SetHash(element)
    }
}

/// The keys of one store, or of the tenant's file, in every epoch that something asks for. What was
/// derived is kept until the file is let go.
pub(super) struct Family {
    ring: Arc<dyn KeyRing>,
    names: Vec<String>,
    made: RwLock<BTreeMap<Epoch, Arc<Keys>>>,
}

impl Family {
    /// Of these names; see [`Keys::derive`].
    pub(super) fn new(ring: Arc<dyn KeyRing>, names: &[&str]) -> Self {
        let names = names.iter().map(ToString::to_string).collect();
        Self { ring, names, made: RwLock::default() }
    }

    /// Those of an epoch.
    pub(super) fn of(&self, epoch: Epoch) -> Result<Arc<Keys>, Error> {
        if let Some(keys) = self.made.read().get(&epoch) {
            return Ok(Arc::clone(keys));
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let keys = Arc::new(Keys::derive(&*self.ring, epoch, &names)?);
        self.made.write().insert(epoch, Arc::clone(&keys));
        Ok(keys)
    }

    /// Those that new rows are sealed with.
    pub(super) fn newest(&self) -> Result<Arc<Keys>, Error> {
        self.of(self.ring.epoch())
    }

    /// Opens a row that says nothing of its epoch but by the id of its key, with which it begins;
    /// that of another epoch costs a comparison. Nothing if it was not sealed for the place, or
    /// with an epoch below `floor`.
    pub(super) fn unseal(
        &self,
        floor: Epoch,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Option<(Epoch, Vec<u8>)> {
        let open = |epoch: Epoch| {
            let plain = self.of(epoch).ok()?.unseal(place, sealed).ok()?;
            Some((epoch, plain))
        };
        let newest = self.ring.epoch();
        let opened = Some(newest).filter(|newest| *newest >= floor).and_then(open);
        opened.or_else(|| {
            let mut older = self.ring.epochs();
            older.retain(|epoch| *epoch != newest && *epoch >= floor);
            older.into_iter().rev().find_map(open)
        })
    }
}
