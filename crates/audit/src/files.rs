//! A log as files, as <https://c2sp.org/tlog-tiles> lays them out: `checkpoint`, `tile/L/N`,
//! `tile/entries/N`, each `.p/W` if it is partial.
//!
//! Beside them lie all earlier checkpoints as `checkpoints/N`, N being the size. Other readers
//! leave them aside; with them, an export holds all that the ledger holds.
//!
//! Invariant: importing what was exported gives the same log.

use crate::checkpoint::Checkpoint;
use crate::hash::HASH_BYTES;
use crate::tile::{self, At};
use crate::verify::Snapshot;
use model::{Code, Problem};
use ports::ledger::{TILE_WIDTH, Tile};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const NEWEST: &str = "checkpoint";
const CHECKPOINTS: &str = "checkpoints";
const ENTRIES: &str = "tile/entries";
const TILES: &str = "tile";
/// Highest level of a tile (C2SP tlog-tiles).
const LEVEL_MAX: u8 = 63;

/// Why a log cannot be exported, or files are not a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An entry is too long for an entry bundle.
    #[error("entry {number} is longer than an export can hold")]
    LeafTooLong { number: u64 },
    /// A tile is no whole number of hashes from 1 to 256, or its level is too high.
    #[error("tile {level}/{index} does not have the size of a tile")]
    TileShape { level: u8, index: u64 },
    /// Something is in the log twice.
    #[error("{path} would be written twice")]
    Twice { path: String },
    /// A file's name is not that of any part of a log.
    #[error("{path} is not the name of a ledger's file")]
    Name { path: String },
    /// A file's content is not what its name says.
    #[error("{path} does not hold what its name says")]
    Content { path: String },
    /// A file is not there, and a later one is.
    #[error("{path} is missing")]
    Missing { path: String },
    /// Two files say different things about the same part.
    #[error("{path} contradicts another file")]
    Contradiction { path: String },
}

impl Error {
    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::LeafTooLong { .. } => Code::LeafAltered,
            Self::TileShape { .. } => Code::TileAltered,
            Self::Twice { path }
            | Self::Name { path }
            | Self::Content { path }
            | Self::Missing { path }
            | Self::Contradiction { path } => {
                if path.starts_with(ENTRIES) {
                    Code::LeafAltered
                } else if path.starts_with(TILES) {
                    Code::TileAltered
                } else {
                    Code::CheckpointInvalid
                }
            }
        }
    }

    /// What is said about it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem::new(self.code()).detail(self)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        error.problem()
    }
}

/// The files of a log, sorted by path: relative paths with `/` and what goes there. A log that is
/// not in order is exported as it is, as far as files can say it.
///
/// # Errors
/// [`Error`], if the log holds what no file can.
pub fn export(log: &Snapshot) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = BTreeMap::new();
    if let Some((_, note)) = log.checkpoints.iter().max_by_key(|(size, _)| *size) {
        put(&mut files, NEWEST.to_owned(), note.clone().into_bytes())?;
    }
    for (size, note) in &log.checkpoints {
        let path = tile::path(CHECKPOINTS, *size, TILE_WIDTH);
        put(&mut files, path, note.clone().into_bytes())?;
    }
    for tile in &log.tiles {
        let path = tile_path(tile)?;
        put(&mut files, path, tile.hashes.clone())?;
    }
    for (index, leaves) in (0u64..).zip(log.leaves.chunks(TILE_WIDTH as usize)) {
        let path = tile::path(ENTRIES, index, leaves.len() as u64);
        put(&mut files, path, bundle(index, leaves)?)?;
    }
    Ok(files.into_iter().collect())
}

fn put(files: &mut BTreeMap<String, Vec<u8>>, path: String, bytes: Vec<u8>) -> Result<(), Error> {
    match files.entry(path) {
        Entry::Occupied(taken) => Err(Error::Twice { path: taken.key().clone() }),
        Entry::Vacant(free) => {
            free.insert(bytes);
            Ok(())
        }
    }
}

fn tile_path(tile: &Tile) -> Result<String, Error> {
    let Tile { level, index, hashes } = tile;
    let width = (hashes.len() / HASH_BYTES) as u64;
    let whole = hashes.len().is_multiple_of(HASH_BYTES);
    if !whole || width == 0 || width > TILE_WIDTH || *level > LEVEL_MAX {
        return Err(Error::TileShape { level: *level, index: *index });
    }
    Ok(tile::path(&format!("{TILES}/{level}"), *index, width))
}

/// Entries one after the other, each behind its length in 16 bits, big end first.
fn bundle(index: u64, leaves: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for (number, leaf) in (index * TILE_WIDTH..).zip(leaves) {
        let length = u16::try_from(leaf.len()).map_err(|_| Error::LeafTooLong { number })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Ok(bytes)
}

fn unbundle(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut leaves = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (leaf, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        leaves.push(leaf.to_vec());
        bytes = rest;
    }
    Some(leaves)
}

/// Reads a log from files, given as relative paths with `/` and contents, in any order. Files
/// that a log does not have are left aside unless they stand where its own do. Nothing is
/// believed yet: hand the log to [`crate::verify()`].
///
/// # Errors
/// [`Error`] names the file that cannot be used.
pub fn import(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Snapshot, Error> {
    let mut parts = Parts::default();
    for (path, bytes) in files {
        parts.add(path, bytes)?;
    }
    Ok(Snapshot {
        leaves: leaves(parts.bundles)?,
        checkpoints: checkpoints(parts.checkpoints, parts.newest)?,
        tiles: parts
            .tiles
            .into_iter()
            .map(|(At { level, index }, hashes)| Tile { level, index, hashes })
            .collect(),
    })
}

#[derive(Default)]
struct Parts {
    newest: Option<String>,
    checkpoints: BTreeMap<u64, String>,
    tiles: BTreeMap<At, Vec<u8>>,
    bundles: BTreeMap<u64, Vec<Vec<u8>>>,
}

impl Parts {
    fn add(&mut self, path: String, bytes: Vec<u8>) -> Result<(), Error> {
        if path == NEWEST {
            self.newest = Some(text(path, bytes)?);
        } else if let Some(number) = below(&path, CHECKPOINTS) {
            match tile::parse_path(CHECKPOINTS, number) {
                Some((size, TILE_WIDTH)) => {
                    self.checkpoints.insert(size, text(path, bytes)?);
                }
                _ => return Err(Error::Name { path }),
            }
        } else if let Some(number) = below(&path, ENTRIES) {
            let Some((index, width)) = tile::parse_path(ENTRIES, number) else {
                return Err(Error::Name { path });
            };
            let leaves = unbundle(&bytes).filter(|leaves| leaves.len() as u64 == width);
            let leaves = leaves.ok_or_else(|| Error::Content { path: path.clone() })?;
            merge(self.bundles.entry(index).or_default(), leaves, path)?;
        } else if let Some(rest) = below(&path, TILES) {
            let Some((at, width)) = parse_tile_path(rest) else {
                return Err(Error::Name { path });
            };
            if bytes.len() as u64 != width * HASH_BYTES as u64 {
                return Err(Error::Content { path });
            }
            merge(self.tiles.entry(at).or_default(), bytes, path)?;
        }
        Ok(())
    }
}

/// The path below a directory.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

fn text(path: String, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Content { path })
}

fn parse_tile_path(path: &str) -> Option<(At, u64)> {
    let (digits, number) = path.split_once('/')?;
    let level: u8 = digits.parse().ok()?;
    let (index, width) = tile::parse_path(&format!("{TILES}/{digits}"), number)?;
    (level <= LEVEL_MAX && level.to_string() == digits).then_some((At { level, index }, width))
}

/// Other writers leave the partial forms of a tile beside the full one. The longest counts, and
/// all others must be its beginnings.
fn merge<T: PartialEq>(kept: &mut Vec<T>, new: Vec<T>, path: String) -> Result<(), Error> {
    if new.starts_with(kept) {
        *kept = new;
        Ok(())
    } else if kept.starts_with(&new) {
        Ok(())
    } else {
        Err(Error::Contradiction { path })
    }
}

/// All entries in order. Only the last bundle may be partial.
fn leaves(bundles: BTreeMap<u64, Vec<Vec<u8>>>) -> Result<Vec<Vec<u8>>, Error> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (index, bundle) in bundles {
        let count = all.len() as u64;
        if index.checked_mul(TILE_WIDTH) != Some(count) {
            let path = tile::path(ENTRIES, count / TILE_WIDTH, TILE_WIDTH);
            return Err(Error::Missing { path });
        }
        all.extend(bundle);
    }
    Ok(all)
}

/// All checkpoints by size. `checkpoint` itself is the newest of them, and may be the only one.
fn checkpoints(
    mut by_size: BTreeMap<u64, String>,
    newest: Option<String>,
) -> Result<Vec<(u64, String)>, Error> {
    let path = NEWEST.to_owned();
    match (newest, by_size.last_entry()) {
        (None, None) => {}
        (None, Some(_)) => return Err(Error::Missing { path }),
        (Some(note), Some(last)) => {
            if *last.get() != note {
                return Err(Error::Contradiction { path });
            }
        }
        (Some(note), None) => match Checkpoint::stated_size(&note) {
            Some(size) => {
                by_size.insert(size, note);
            }
            None => return Err(Error::Content { path }),
        },
    }
    Ok(by_size.into_iter().collect())
}

#[cfg(test)]
mod tests;
