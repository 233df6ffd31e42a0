//! The leaves of a store: runs of keys, each with a hash of the cells that are in it.
//!
//! A leaf is small, so that checking the one that a key is in costs little, and a store of
//! millions needs not be read before its first key can be trusted.
//!
//! A leaf has an epoch of the root key: it is sealed with it, and its hash is made with it.
//!
//! Invariant: leaves cover every key; the first begins with the empty one.
//! Invariant: no cell of a leaf is sealed with an older epoch than the leaf's.

use super::keys::{Family, Keys, Place, SetHash, Sort};
use super::stop::Stop;
use model::key::Epoch;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Most cells of a leaf. One that has more is cut.
pub(super) const CELLS_MAX: u64 = 256;
/// Cells of the leaves that one is cut into.
const CUT: usize = 128;

/// A cell's version, and its bytes as they are sealed.
type Cell = (u64, u64);

/// What is known of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leaf {
    /// When it was last written; 0 if not yet.
    version: u64,
    epoch: Epoch,
    cells: u64,
    hash: SetHash,
}

impl Leaf {
    fn empty(epoch: Epoch) -> Self {
        Self { version: 0, epoch, cells: 0, hash: SetHash::default() }
    }
}

/// All leaves of a store.
#[derive(Debug)]
pub(super) struct Leaves {
    store: u64,
    by_start: BTreeMap<Vec<u8>, Leaf>,
    /// Those that changed since they were written, and the version that is on disk; 0 for none.
    dirty: BTreeMap<Vec<u8>, u64>,
}

impl Leaves {
    /// Of a store that is new.
    pub(super) fn new(store: u64, epoch: Epoch) -> Self {
        let by_start = BTreeMap::from([(Vec::new(), Leaf::empty(epoch))]);
        Self { store, by_start, dirty: BTreeMap::new() }
    }

    /// Reads them, and holds them against what the store says that they are, with its keys. None is
    /// older than those.
    pub(super) fn load(
        connection: &Connection,
        (family, top): (&Family, &Keys),
        store: u64,
        what: &str,
        expected: &SetHash,
    ) -> Result<Self, Stop> {
        let mut leaves = Self { store, by_start: BTreeMap::new(), dirty: BTreeMap::new() };
        let mut found = SetHash::default();
        let mut statement = connection
            .prepare_cached("SELECT start, version, sealed, epoch FROM leaf WHERE store = ?1")?;
        let mut rows = statement.query([store.cast_signed()])?;
        while let Some(row) = rows.next()? {
            let start: Vec<u8> = row.get(0)?;
            let version = row.get::<_, i64>(1)?.cast_unsigned();
            let place = leaves.place(&start, version);
            let epoch = Epoch(row.get(3)?);
            if epoch < top.epoch() {
                return Err(damaged(what));
            }
            let keys = family.of(epoch).map_err(Stop::unkept)?;
            let leaf = open(&keys, place, row.get_ref(2)?.as_blob().unwrap_or_default());
            let leaf = leaf.ok_or_else(|| damaged(what))?;
            found.toggle(&top.element(place, 0));
            leaves.by_start.insert(start, leaf);
        }
        let whole = leaves.by_start.contains_key(&Vec::new()) && found == *expected;
        if whole { Ok(leaves) } else { Err(damaged(what)) }
    }

    const fn place<'a>(&self, start: &'a [u8], version: u64) -> Place<'a> {
        Place { sort: Sort::Leaf, store: self.store, version, key: start }
    }

    /// Where the leaf begins that a key is in.
    pub(super) fn start(&self, key: &[u8]) -> Vec<u8> {
        let mut before = self.by_start.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        before.next_back().map(|(start, _)| start.clone()).unwrap_or_default()
    }

    /// Where the leaf ends that begins here; `None` for the last.
    pub(super) fn end(&self, start: &[u8]) -> Option<Vec<u8>> {
        let mut after = self.by_start.range::<[u8], _>((Bound::Excluded(start), Bound::Unbounded));
        after.next().map(|(start, _)| start.clone())
    }

    /// Cells of the leaf that begins here.
    pub(super) fn cells(&self, start: &[u8]) -> u64 {
        self.by_start.get(start).map_or(0, |leaf| leaf.cells)
    }

    /// The epoch of the leaf that begins here.
    pub(super) fn epoch(&self, start: &[u8]) -> Option<Epoch> {
        self.by_start.get(start).map(|leaf| leaf.epoch)
    }

    /// The first leaf from `from` on whose epoch is below `to`.
    pub(super) fn older(&self, from: &[u8], to: Epoch) -> Option<Vec<u8>> {
        let mut from = self.by_start.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
        from.find(|(_, leaf)| leaf.epoch < to).map(|(start, _)| start.clone())
    }

    /// Stands for all of them in their store, made with these keys. None has changed since it was
    /// written.
    pub(super) fn hash(&self, top: &Keys) -> Option<SetHash> {
        let mut hash = SetHash::default();
        for (start, leaf) in &self.by_start {
            hash.toggle(&top.element(self.place(start, leaf.version), 0));
        }
        self.dirty.is_empty().then_some(hash)
    }

    /// Has a leaf of an epoch that its cells have already. It was checked just before.
    pub(super) fn lift(
        &mut self,
        connection: &Connection,
        to: &Keys,
        start: &[u8],
    ) -> Result<(), Stop> {
        let end = self.end(start);
        let (mut cells, mut hash) = (0, SetHash::default());
        each_cell(connection, self.store, start, end.as_deref(), |key, version, bytes| {
            let place = Place { sort: Sort::Cell, store: self.store, version, key };
            hash.toggle(&to.element(place, bytes));
            cells += 1;
        })?;
        if let Some(leaf) = self.by_start.get_mut(start) {
            self.dirty.entry(start.to_vec()).or_insert(leaf.version);
            (leaf.epoch, leaf.cells, leaf.hash) = (to.epoch(), cells, hash);
        }
        Ok(())
    }

    /// Whether the cells on disk are those of the leaf that begins here.
    pub(super) fn is_whole(
        &self,
        connection: &Connection,
        family: &Family,
        start: &[u8],
    ) -> Result<bool, Stop> {
        let Some(leaf) = self.by_start.get(start) else { return Ok(false) };
        let keys = family.of(leaf.epoch)?;
        let (mut cells, mut hash, mut seen) = (0, SetHash::default(), Vec::new());
        let end = self.end(start);
        each_cell(connection, self.store, start, end.as_deref(), |key, version, bytes| {
            let place = Place { sort: Sort::Cell, store: self.store, version, key };
            hash.toggle(&keys.element(place, bytes));
            cells += 1;
            if cells <= leaf.cells {
                seen.push((key.to_vec(), version));
            }
        })?;
        let same = leaf.cells == cells && leaf.hash == hash;
        Ok(same && each_is_found(connection, self.store, &seen)?)
    }

    /// Takes a cell out of its leaf, puts one in, or both.
    pub(super) fn change(
        &mut self,
        family: &Family,
        key: &[u8],
        (old, new): (Option<Cell>, Option<Cell>),
    ) -> Result<(), Stop> {
        let start = self.start(key);
        let Some(leaf) = self.by_start.get_mut(&start) else { return Ok(()) };
        let keys = family.of(leaf.epoch)?;
        for (version, bytes) in old.into_iter().chain(new) {
            let place = Place { sort: Sort::Cell, store: self.store, version, key };
            leaf.hash.toggle(&keys.element(place, bytes));
        }
        leaf.cells = leaf.cells + u64::from(new.is_some()) - u64::from(old.is_some());
        self.dirty.entry(start).or_insert(leaf.version);
        Ok(())
    }

    /// Writes what changed, cuts leaves that became too large, and keeps `hash`, which is made with
    /// the keys `top`, what it should be.
    pub(super) fn flush(
        &mut self,
        connection: &Connection,
        (family, top): (&Family, &Keys),
        hash: &mut SetHash,
        mut stamp: impl FnMut() -> u64,
    ) -> Result<(), Stop> {
        let large = |start: &&Vec<u8>| self.cells(start) > CELLS_MAX;
        let large: Vec<Vec<u8>> = self.dirty.keys().filter(large).cloned().collect();
        for start in large {
            self.cut(connection, family, &start)?;
        }
        for (start, old) in std::mem::take(&mut self.dirty) {
            if old > 0 {
                hash.toggle(&top.element(self.place(&start, old), 0));
            }
            // An empty leaf goes, and the one before it covers its keys; but the first stays.
            if self.cells(&start) == 0 && !start.is_empty() {
                self.by_start.remove(&start);
                connection
                    .prepare_cached("DELETE FROM leaf WHERE store = ?1 AND start = ?2")?
                    .execute(params![self.store.cast_signed(), start])?;
                continue;
            }
            let version = stamp();
            let place = self.place(&start, version);
            hash.toggle(&top.element(place, 0));
            let Some(leaf) = self.by_start.get_mut(&start) else { continue };
            leaf.version = version;
            let sealed = seal(&*family.of(leaf.epoch)?, place, leaf)?;
            connection
                .prepare_cached(
                    "INSERT INTO leaf (store, start, version, sealed, epoch)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET version = excluded.version,
                     sealed = excluded.sealed, epoch = excluded.epoch",
                )?
                .execute(params![
                    self.store.cast_signed(),
                    start,
                    version.cast_signed(),
                    sealed,
                    leaf.epoch.0
                ])?;
        }
        Ok(())
    }

    /// The parts have the epoch of the whole, since cells of it may.
    fn cut(&mut self, connection: &Connection, family: &Family, start: &[u8]) -> Result<(), Stop> {
        let Some(epoch) = self.epoch(start) else { return Ok(()) };
        let keys = family.of(epoch)?;
        let end = self.end(start);
        let mut parts: Vec<(Vec<u8>, Leaf)> = Vec::new();
        each_cell(connection, self.store, start, end.as_deref(), |key, version, bytes| {
            let place = Place { sort: Sort::Cell, store: self.store, version, key };
            if parts.last().is_none_or(|(_, leaf)| leaf.cells >= CUT as u64) {
                let start = if parts.is_empty() { start.to_vec() } else { key.to_vec() };
                parts.push((start, Leaf::empty(epoch)));
            }
            if let Some((_, leaf)) = parts.last_mut() {
                leaf.cells += 1;
                leaf.hash.toggle(&keys.element(place, bytes));
            }
        })?;
        for (start, leaf) in parts {
            let old = self.by_start.insert(start.clone(), leaf);
            self.dirty.entry(start).or_insert_with(|| old.map_or(0, |old| old.version));
        }
        Ok(())
    }
}

fn damaged(what: &str) -> Stop {
    Stop::damaged(format!("{what}: the list of its keys was changed or is from before"))
}

fn each_cell(
    connection: &Connection,
    store: u64,
    start: &[u8],
    end: Option<&[u8]>,
    mut each: impl FnMut(&[u8], u64, u64),
) -> Result<(), Stop> {
    let mut statement = connection.prepare_cached(match end {
        Some(_) => {
            "SELECT key, version, length(sealed) FROM cell
             WHERE store = ?1 AND key >= ?2 AND key < ?3 ORDER BY key"
        }
        None => {
            "SELECT key, version, length(sealed) FROM cell
             WHERE store = ?1 AND key >= ?2 AND ?3 IS NULL ORDER BY key"
        }
    })?;
    let mut rows = statement.query(params![store.cast_signed(), start, end])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_blob().unwrap_or_default();
        each(key, row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?.cast_unsigned());
    }
    Ok(())
}

/// Whether each key is found where it is looked for. Who looks up one key compares it with others on
/// the way, of other leaves and stores too; if one of those was changed, the way can end beside a
/// key that everybody who lists keys still comes by.
fn each_is_found(
    connection: &Connection,
    store: u64,
    cells: &[(Vec<u8>, u64)],
) -> Result<bool, Stop> {
    let mut statement =
        connection.prepare_cached("SELECT version FROM cell WHERE store = ?1 AND key = ?2")?;
    for (key, version) in cells {
        let mut rows = statement.query(params![store.cast_signed(), key])?;
        let found = rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()?;
        if found != Some(version.cast_signed()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn seal(keys: &Keys, place: Place<'_>, leaf: &Leaf) -> Result<Vec<u8>, Stop> {
    let mut plain = leaf.cells.to_be_bytes().to_vec();
    plain.extend(leaf.hash.bytes());
    Ok(keys.seal(place, &plain)?)
}

fn open(keys: &Keys, place: Place<'_>, sealed: &[u8]) -> Option<Leaf> {
    let plain = keys.unseal(place, sealed).ok()?;
    let (cells, hash) = plain.split_first_chunk::<8>()?;
    let hash = SetHash::from_bytes(hash.try_into().ok()?);
    let (version, epoch) = (place.version, keys.epoch());
    Some(Leaf { version, epoch, cells: u64::from_be_bytes(*cells), hash })
}
