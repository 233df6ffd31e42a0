//! Says whether a log is what it claims to be, and if not, names what is wrong first.
//!
//! Trust comes from above: signatures first, then the root that the newest one signs, then every
//! tile against the tile above it, then every leaf against its tile. What disagrees with
//! something already trusted is what was changed, and so it is named, not what depends on it.
//! At the end the roots of all checkpoints are recomputed from the leaves alone.
//!
//! Invariant: `Ok` means that every byte given was checked.

use crate::checkpoint::{Checkpoint, Error as CheckpointError};
use crate::hash::{self, EMPTY_ROOT, HASH_BYTES, Hash, Peaks};
use crate::note::VerifierKey;
use crate::tile::{self, At};
use model::act::Leaf;
use model::{Code, Problem};
use ports::ledger::{TILE_WIDTH, Tile};
use std::collections::BTreeMap;

/// The schema of a leaf that this crate reads.
const LEAF_SCHEMA: u32 = 1;

/// A whole log as plain values, from a store, an export or an API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All leaves, in order.
    pub leaves: Vec<Vec<u8>>,
    /// All tiles, in any order.
    pub tiles: Vec<Tile>,
    /// The checkpoint of every size from 1 on, in order, with the size it was kept under.
    pub checkpoints: Vec<(u64, String)>,
}

/// What a log that is in order says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many leaves there are.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The newest checkpoint: the one to keep elsewhere. `None` for an empty log.
    pub checkpoint: Option<String>,
    /// The size of the kept checkpoint that the log continues, if one was given.
    pub since: Option<u64>,
}

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// A leaf's hash is not the one in its tile.
    #[error("entry {number} was changed: it does not hash to what its tile holds")]
    LeafAltered { number: u64 },
    /// A leaf that a checkpoint counts is not there.
    #[error("entry {number} is missing: {size} entries are signed for")]
    LeafMissing { number: u64, size: u64 },
    /// A leaf is there that no checkpoint and no tile counts.
    #[error("entry {number} was added: {size} entries are signed for")]
    LeafAdded { number: u64, size: u64 },
    /// A leaf fits its hash and cannot be read.
    #[error("entry {number} cannot be read as a ledger entry: {reason}")]
    LeafUnreadable { number: u64, reason: String },
    /// A leaf says that it is another one.
    #[error("entry {number} says that it is entry {seq}")]
    LeafMisplaced { number: u64, seq: u64 },
    /// A hash in a tile is wrong, or a tile has too many or too few of them.
    #[error("tile {level}/{index} was changed: {reason}")]
    TileAltered { level: u8, index: u64, reason: &'static str },
    /// A tile is not there.
    #[error("tile {level}/{index} is missing")]
    TileMissing { level: u8, index: u64 },
    /// A tile is there that a log of this size does not have, or one is there twice.
    #[error("tile {level}/{index} does not belong to a ledger of {size} entries")]
    TileAdded { level: u8, index: u64, size: u64 },
    /// A checkpoint's text, signature or size is wrong.
    #[error("the checkpoint over {size} entries is not valid")]
    CheckpointAltered { size: u64, source: CheckpointError },
    /// A checkpoint is signed and its root is not that of the leaves.
    #[error("the checkpoint over {size} entries has another root than these entries")]
    RootDiffers { size: u64 },
    /// The checkpoint of a size is not there.
    #[error("the checkpoint over {size} entries is missing")]
    CheckpointMissing { size: u64 },
    /// A checkpoint of a size is there twice, or out of order.
    #[error("a checkpoint over {size} entries is kept where none belongs")]
    CheckpointAdded { size: u64 },
    /// The kept checkpoint is not one of this log.
    #[error("the kept checkpoint is not one of this ledger")]
    KeptForeign { source: CheckpointError },
    /// The kept checkpoint counts more leaves than there are.
    #[error("the kept checkpoint is over {kept} entries, and the ledger has {size}")]
    CutOff { kept: u64, size: u64 },
    /// The kept checkpoint has another root than the log had at that size.
    #[error("the first {kept} entries are not those of the kept checkpoint")]
    Rewritten { kept: u64 },
}

impl Finding {
    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::LeafAltered { .. }
            | Self::LeafMissing { .. }
            | Self::LeafAdded { .. }
            | Self::LeafUnreadable { .. }
            | Self::LeafMisplaced { .. } => Code::LeafAltered,
            Self::TileAltered { .. } | Self::TileMissing { .. } | Self::TileAdded { .. } => {
                Code::TileAltered
            }
            Self::CheckpointAltered { .. }
            | Self::RootDiffers { .. }
            | Self::CheckpointMissing { .. }
            | Self::CheckpointAdded { .. } => Code::CheckpointInvalid,
            Self::KeptForeign { .. } | Self::CutOff { .. } | Self::Rewritten { .. } => {
                Code::NotAPrefix
            }
        }
    }

    /// What is said about it: it names the leaf, the tile or the checkpoint.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code());
        match self {
            Self::CheckpointAltered { source, .. } | Self::KeptForeign { source } => {
                problem.detail(format_args!("{self}: {source}"))
            }
            _ => problem.detail(self),
        }
    }
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        finding.problem()
    }
}

/// Checks all of `log` with `key`; with `since`, also that it continues a checkpoint that was
/// kept elsewhere, as the note that [`Verified::checkpoint`] once gave.
///
/// # Errors
/// The first [`Finding`].
pub fn verify(log: &Snapshot, key: &VerifierKey, since: Option<&str>) -> Result<Verified, Finding> {
    let signed = signed_roots(log, key)?;
    let size = signed.len() as u64;
    refuse_added_leaves(log, size)?;
    let tiles = Tiles::of(log, size)?;
    let newest = signed.last().copied().unwrap_or(EMPTY_ROOT);
    tiles.check_edge(&log.leaves, newest)?;
    tiles.check_inside()?;
    let hashes = check_leaves(&log.leaves, &tiles)?;
    let kept = since
        .map(|note| Checkpoint::open(note, key))
        .transpose()
        .map_err(|source| Finding::KeptForeign { source })?;
    check_roots(&hashes, &signed, kept.as_ref())?;
    let checkpoint = log.checkpoints.last().map(|(_, note)| note.clone());
    Ok(Verified { size, root: newest, checkpoint, since: kept.map(|kept| kept.size) })
}

/// The roots that are signed for, the first for one leaf: every size has its checkpoint, and
/// none has two.
fn signed_roots(log: &Snapshot, key: &VerifierKey) -> Result<Vec<Hash>, Finding> {
    let mut roots = Vec::with_capacity(log.checkpoints.len());
    for (size, note) in &log.checkpoints {
        let (size, expected) = (*size, roots.len() as u64 + 1);
        if size < expected {
            return Err(Finding::CheckpointAdded { size });
        }
        if size > expected {
            return Err(Finding::CheckpointMissing { size: expected });
        }
        let checkpoint = Checkpoint::open_own(note, key)
            .map_err(|source| Finding::CheckpointAltered { size, source })?;
        if checkpoint.size != size {
            let source = CheckpointError::Size { size: checkpoint.size };
            return Err(Finding::CheckpointAltered { size, source });
        }
        roots.push(checkpoint.root);
    }
    Ok(roots)
}

/// More leaves than signatures: either the tiles know the leaf too, and its checkpoint was taken
/// away, or they do not, and the leaf was put there.
fn refuse_added_leaves(log: &Snapshot, size: u64) -> Result<(), Finding> {
    if log.leaves.len() as u64 <= size {
        return Ok(());
    }
    let at = At { level: 0, index: size / TILE_WIDTH };
    let tile = log.tiles.iter().find(|tile| At::from(*tile) == at);
    let known = tile.is_some_and(|tile| tile::hash_at(&tile.hashes, size % TILE_WIDTH).is_some());
    match known {
        true => Err(Finding::CheckpointMissing { size: size + 1 }),
        false => Err(Finding::LeafAdded { number: size, size }),
    }
}

/// The tiles of a log of a known size: every one that belongs to it, each of the right width.
struct Tiles<'a> {
    size: u64,
    by_place: BTreeMap<At, &'a [u8]>,
}

impl<'a> Tiles<'a> {
    fn of(log: &'a Snapshot, size: u64) -> Result<Self, Finding> {
        let mut given = BTreeMap::new();
        for tile in &log.tiles {
            let At { level, index } = At::from(tile);
            if given.insert(At { level, index }, tile.hashes.as_slice()).is_some() {
                return Err(Finding::TileAdded { level, index, size });
            }
        }
        let mut by_place = BTreeMap::new();
        for (at @ At { level, index }, width) in tile::all(size) {
            let bytes = given.remove(&at).ok_or(Finding::TileMissing { level, index })?;
            if bytes.len() as u64 != width * HASH_BYTES as u64 {
                let reason = "it has another number of hashes than belongs there";
                return Err(Finding::TileAltered { level, index, reason });
            }
            by_place.insert(at, bytes);
        }
        match given.first_key_value() {
            Some((At { level, index }, _)) => {
                Err(Finding::TileAdded { level: *level, index: *index, size })
            }
            None => Ok(Self { size, by_place }),
        }
    }

    fn bytes(&self, at: At) -> Option<&'a [u8]> {
        self.by_place.get(&at).copied()
    }

    /// Checks the tiles that have none above them against the signed root. If they do not fit,
    /// the one that disagrees with what lies below it is the one that was changed. If none does,
    /// the log agrees with itself and not with its signature, which `check_roots` will name.
    fn check_edge(&self, leaves: &[Vec<u8>], signed: Hash) -> Result<(), Finding> {
        let edge: Vec<(At, &[u8])> = tile::partial(self.size)
            .filter_map(|(at, _)| self.bytes(at).map(|bytes| (at, bytes)))
            .collect();
        let root = tile::root(edge.iter().map(|(_, bytes)| *bytes)).unwrap_or(EMPTY_ROOT);
        if root == signed {
            return Ok(());
        }
        for (At { level, index }, bytes) in edge.into_iter().rev() {
            for (number, hash) in (index * TILE_WIDTH..).zip(tile::hashes(bytes)) {
                if self.hash_below(leaves, level, number).is_some_and(|below| below != hash) {
                    let reason = "a hash in it does not follow from what lies below";
                    return Err(Finding::TileAltered { level, index, reason });
                }
            }
        }
        Ok(())
    }

    /// What the hash of this number at this level must be, going by what lies below.
    fn hash_below(&self, leaves: &[Vec<u8>], level: u8, number: u64) -> Option<Hash> {
        match level.checked_sub(1) {
            None => leaves.get(usize::try_from(number).ok()?).map(|bytes| hash::leaf(bytes)),
            Some(level) => {
                Peaks::over(tile::hashes(self.bytes(At { level, index: number })?)).root(None)
            }
        }
    }

    /// Checks every full tile against the hash above it, from the top down, so that the hash
    /// above was checked before.
    fn check_inside(&self) -> Result<(), Finding> {
        let mut levels: Vec<(u8, u64)> = tile::hashes_by_level(self.size).collect();
        levels.reverse();
        for (level, count) in levels {
            for index in 0..count / TILE_WIDTH {
                let own = self.hash_below(&[], level + 1, index);
                let above = At { level: level + 1, index: index / TILE_WIDTH };
                let above = self.bytes(above).and_then(|it| tile::hash_at(it, index % TILE_WIDTH));
                if own.is_none() || own != above {
                    let reason = "it does not hash to what the tile above holds";
                    return Err(Finding::TileAltered { level, index, reason });
                }
            }
        }
        Ok(())
    }
}

/// Checks every leaf against its tile, reads it, and gives all hashes.
fn check_leaves(leaves: &[Vec<u8>], tiles: &Tiles<'_>) -> Result<Vec<Hash>, Finding> {
    let mut hashes = Vec::with_capacity(leaves.len());
    let mut leaves = leaves.iter();
    for number in 0..tiles.size {
        let missing = Finding::LeafMissing { number, size: tiles.size };
        let bytes = leaves.next().ok_or(missing)?;
        let at = At { level: 0, index: number / TILE_WIDTH };
        let hash = hash::leaf(bytes);
        let held = tiles.bytes(at).and_then(|tile| tile::hash_at(tile, number % TILE_WIDTH));
        if held != Some(hash) {
            return Err(Finding::LeafAltered { number });
        }
        read_leaf(bytes, number)?;
        hashes.push(hash);
    }
    Ok(hashes)
}

fn read_leaf(bytes: &[u8], number: u64) -> Result<(), Finding> {
    let unreadable = |reason: String| Finding::LeafUnreadable { number, reason };
    let leaf: Leaf =
        serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
    if leaf.v != LEAF_SCHEMA {
        return Err(unreadable(format!("its schema is {}, not {LEAF_SCHEMA}", leaf.v)));
    }
    match leaf.seq == number {
        true => Ok(()),
        false => Err(Finding::LeafMisplaced { number, seq: leaf.seq }),
    }
}

/// Recomputes the root of every size from the leaves' hashes, and compares it with what is signed
/// for that size and with what was kept.
fn check_roots(hashes: &[Hash], signed: &[Hash], kept: Option<&Checkpoint>) -> Result<(), Finding> {
    let mut peaks = Peaks::default();
    let mut root_when_kept = Some(EMPTY_ROOT).filter(|_| kept.is_some_and(|kept| kept.size == 0));
    for (size, (hash, signed)) in (1u64..).zip(hashes.iter().zip(signed)) {
        peaks.push(*hash);
        let root = peaks.root(None);
        if root != Some(*signed) {
            return Err(Finding::RootDiffers { size });
        }
        if kept.is_some_and(|kept| kept.size == size) {
            root_when_kept = root;
        }
    }
    match (kept, root_when_kept) {
        (None, _) => Ok(()),
        (Some(kept), Some(root)) if root == kept.root => Ok(()),
        (Some(kept), Some(_)) => Err(Finding::Rewritten { kept: kept.size }),
        (Some(kept), None) => Err(Finding::CutOff { kept: kept.size, size: hashes.len() as u64 }),
    }
}
