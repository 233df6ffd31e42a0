//! Moves a tenant's file to the newest epoch of the root key, a step at a time.
//!
//! From below: cells of a leaf, in batches; then the leaf, when all of its cells are moved; a store,
//! when all of its leaves are; the head, when all stores are. Each step is one transaction, and what
//! was moved is known by its own epoch, so one that a crash cut off is done again or never was.
//! Between two steps others have their turn.
//!
//! Invariant: a leaf is moved only if its cells were checked against it in the same transaction, so
//! what was changed on the disk is found, and never sealed anew.
//! Invariant: a leaf is moved only after a walk from its beginning to its end that began with the
//! same leaf, towards the same epoch.

use super::cell::{self, Resealed};
use super::file::File;
use super::held::Held;
use super::keys::{Keys, Place, Sort};
use super::shown::Name;
use super::state::State;
use super::stop::Stop;
use model::key::Epoch;
use rusqlite::{Connection, params};
use std::ops::Bound;

/// Cells that a step looks at, at most.
const STEP_CELLS: usize = 256;
/// A step that has read as many bytes reads no further cell.
const STEP_BYTES: usize = 4 << 20;

/// Where a walk through a file is.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The store; nothing before the first.
    store: Option<Name>,
    /// Whether the store itself is behind it.
    past: bool,
    /// Where to go on in it.
    at: Vec<u8>,
    /// The leaf that is being moved, and towards which epoch.
    leaf: Option<(Vec<u8>, Epoch)>,
}

/// What a step did.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Where the next goes on; nothing at the end of the file.
    pub next: Option<Walk>,
    /// Cells that were sealed anew.
    pub moved: u64,
    /// Leaves that are damaged and stay as they are.
    pub damaged: u64,
    /// At the end: whether nothing older is left in the file.
    pub whole: bool,
}

/// Does a step, within a transaction.
pub(super) fn step(file: &mut File, walk: Walk) -> Result<Step, Stop> {
    let File { connection, state } = file;
    let to = state.newest();
    let Some(name) = next_store(state, &walk) else {
        let whole = state.is_of(to) || state.lift(connection, to)?;
        return Ok(Step { whole, ..Step::default() });
    };
    let walk = match &walk.store {
        Some(held) if *held == name => walk,
        _ => Walk { store: Some(name.clone()), ..Walk::default() },
    };
    let past = Walk { store: Some(name.clone()), past: true, ..Walk::default() };
    let Some(held) = state.stores.get_mut(&name) else {
        return Ok(Step { next: Some(past), ..Step::default() });
    };
    let start = held.leaves(connection).map(|leaves| {
        // A leaf may have been cut, or have gone, since the last step.
        let same = walk.leaf.as_ref().map(|(start, _)| start);
        let same = same.filter(|start| leaves.epoch(start).is_some_and(|epoch| epoch < to));
        same.cloned().or_else(|| leaves.older(&leaves.start(&walk.at), to))
    });
    match start {
        // The list of its leaves does not fit: nobody can read the store.
        Err(Stop::Refused(_)) => Ok(Step { next: Some(past), damaged: 1, ..Step::default() }),
        Err(fatal) => Err(fatal),
        Ok(Some(start)) => {
            let (step, done) = leaf(connection, held, (walk, start), to)?;
            if done {
                state.touched.insert(name);
            }
            Ok(step)
        }
        Ok(None) => {
            if held.lift(connection, to)? {
                state.touched.insert(name);
            }
            Ok(Step { next: Some(past), ..Step::default() })
        }
    }
}

/// The first store from where the walk is that something older may be in.
fn next_store(state: &State, walk: &Walk) -> Option<Name> {
    let to = state.newest();
    let from = match &walk.store {
        None => Bound::Unbounded,
        Some(name) if walk.past => Bound::Excluded(name),
        Some(name) => Bound::Included(name),
    };
    let after = |name: &Name| match from {
        Bound::Unbounded => true,
        Bound::Excluded(held) => name > held,
        Bound::Included(held) => name >= held,
    };
    let older = state.stores.iter().filter(|(name, held)| held.epoch < to && after(name));
    older.map(|(name, _)| name).min().cloned()
}

/// Moves some cells of the leaf that begins at `start`, and the leaf with the last of them. Says
/// whether that was done.
fn leaf(
    connection: &Connection,
    held: &mut Held,
    (walk, start): (Walk, Vec<u8>),
    to: Epoch,
) -> Result<(Step, bool), Stop> {
    let end = match held.check_again(connection, &start) {
        Ok(end) => end,
        Err(Stop::Refused(_)) => return Ok((skip(held, connection, walk, &start)?, false)),
        Err(fatal) => return Err(fatal),
    };
    // Another leaf, or another epoch, and the walk begins at the beginning.
    let same = walk.leaf.as_ref().is_some_and(|(own, epoch)| *own == start && *epoch == to);
    let from = if same { walk.at.clone() } else { start.clone() };
    let keys = held.shown.keys.of(to)?;
    let Some(batch) = read(connection, held, &keys, (&from, end.as_deref()))? else {
        return Ok((skip(held, connection, walk, &start)?, false));
    };
    let mut put =
        connection.prepare_cached("UPDATE cell SET sealed = ?3 WHERE store = ?1 AND key = ?2")?;
    for (key, sealed) in &batch.anew {
        put.execute(params![held.shown.id.cast_signed(), key, sealed])?;
    }
    let step = Step { moved: batch.anew.len() as u64, ..Step::default() };
    if let Some(at) = batch.next {
        let next = Walk { at, leaf: Some((start, to)), ..walk };
        return Ok((Step { next: Some(next), ..step }, false));
    }
    held.leaves(connection)?.lift(connection, &keys, &start)?;
    let next = Walk { at: end.unwrap_or(start), leaf: None, ..walk };
    Ok((Step { next: Some(next), ..step }, true))
}

/// Leaves a leaf behind that is damaged.
fn skip(held: &mut Held, connection: &Connection, walk: Walk, start: &[u8]) -> Result<Step, Stop> {
    tracing::error!(store = %held.shown.what, "E0335: damaged values were not moved to the newest epoch");
    let next = match held.leaves(connection)?.end(start) {
        Some(at) => Walk { at, leaf: None, ..walk },
        None => Walk { past: true, at: Vec::new(), leaf: None, ..walk },
    };
    Ok(Step { next: Some(next), damaged: 1, ..Step::default() })
}

/// Cells to write, and where to go on in their leaf, if that was not all of it.
#[derive(Default)]
struct Batch {
    anew: Vec<(Vec<u8>, Vec<u8>)>,
    next: Option<Vec<u8>>,
}

/// Reads cells and seals them anew. Nothing if one of them was changed.
fn read(
    connection: &Connection,
    held: &Held,
    to: &Keys,
    (from, end): (&[u8], Option<&[u8]>),
) -> Result<Option<Batch>, Stop> {
    let shown = &held.shown;
    // A condition that may be none would have SQLite read on to the end of the store.
    let mut statement = connection.prepare_cached(match end {
        Some(_) => {
            "SELECT key, version, sealed FROM cell
             WHERE store = ?1 AND key >= ?2 AND key < ?3 ORDER BY key"
        }
        None => {
            "SELECT key, version, sealed FROM cell
             WHERE store = ?1 AND key >= ?2 AND ?3 IS NULL ORDER BY key"
        }
    })?;
    let mut rows = statement.query(params![shown.id.cast_signed(), from, end])?;
    let (mut batch, mut cells, mut bytes) = (Batch::default(), 0, 0);
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_blob().unwrap_or_default();
        if cells >= STEP_CELLS || bytes >= STEP_BYTES {
            batch.next = Some(key.to_vec());
            break;
        }
        let version = row.get::<_, i64>(1)?.cast_unsigned();
        let sealed = row.get_ref(2)?.as_blob().unwrap_or_default();
        let place = Place { sort: Sort::Cell, store: shown.id, version, key };
        (cells, bytes) = (cells + 1, bytes + sealed.len());
        match cell::reseal(&shown.keys, (shown.floor(), to), place, sealed)? {
            Resealed::There => {}
            Resealed::Anew(sealed) => batch.anew.push((key.to_vec(), sealed)),
            Resealed::Changed => return Ok(None),
        }
    }
    Ok(Some(batch))
}
