//! The ledger's storage: leaves, tiles and checkpoints of a C2SP tlog-tiles log.
//!
//! The tree's mathematics is `audit`'s. A store that takes an act calls its [`Notary`] inside the
//! transaction, so that act, leaf, tiles and signed checkpoint are written together or not at all.

use crate::Future;

/// Hashes in a full tile (C2SP tlog-tiles).
pub const TILE_WIDTH: u64 = 256;

/// A tile: up to 256 hashes of 32 bytes, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// 0 for leaf hashes; each level above holds one hash per full tile below.
    pub level: u8,
    /// The tile's number at its level, from 0.
    pub index: u64,
    /// The hashes. Only the last tile of a level is shorter than 256 × 32 bytes.
    pub hashes: Vec<u8>,
}

/// What a notary needs to know of the log: its size and the partial tile at each level's end
/// (full or empty levels are left out).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    /// How many leaves there are.
    pub size: u64,
    /// The last tile of every level that is not full, lowest level first.
    pub partial: Vec<Tile>,
}

/// Where the last hashes of a log of `size` leaves stand: level, tile index and how many hashes
/// (1 to 255) that tile holds, for every level whose last tile is neither full nor empty.
#[must_use]
pub fn partial_tiles(size: u64) -> Vec<(u8, u64, usize)> {
    let mut tiles = Vec::new();
    let (mut level, mut hashes) = (0, size);
    while hashes > 0 {
        let width = usize::try_from(hashes % TILE_WIDTH).unwrap_or(0);
        if width > 0 {
            tiles.push((level, hashes / TILE_WIDTH, width));
        }
        hashes /= TILE_WIDTH;
        level += 1;
    }
    tiles
}

/// What to write for one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Tiles that are new or longer: replace what is stored.
    pub tiles: Vec<Tile>,
    /// The signed checkpoint over the new size, as a C2SP signed note.
    pub checkpoint: String,
}

/// Extends a log by one leaf.
pub trait Notary: Send + Sync {
    /// Computes tiles and checkpoint for `leaf` at the end of the log that `edge` describes.
    ///
    /// # Errors
    /// A text, if the edge contradicts itself.
    fn append(&self, edge: &Edge, leaf: &[u8]) -> Result<Appended, String>;
}

/// Why the ledger could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error("the ledger cannot be read: {0}")]
    Store(String),
}

/// Reads the log.
pub trait Ledger: Send + Sync {
    /// How many leaves there are.
    fn size(&self) -> Future<'_, Result<u64, Error>>;

    /// Leaves `from..from + count`, in order, as many as there are.
    fn leaves(&self, from: u64, count: u64) -> Future<'_, Result<Vec<Vec<u8>>, Error>>;

    /// A tile as it is stored; `None` if there is none.
    fn tile(&self, level: u8, index: u64) -> Future<'_, Result<Option<Tile>, Error>>;

    /// All tiles, by level and index.
    fn tiles(&self) -> Future<'_, Result<Vec<Tile>, Error>>;

    /// The checkpoint over exactly `size` leaves; `None` if there is none.
    fn checkpoint(&self, size: u64) -> Future<'_, Result<Option<String>, Error>>;

    /// All checkpoints, oldest first, with the sizes they were stored under.
    fn checkpoints(&self) -> Future<'_, Result<Vec<(u64, String)>, Error>>;
}
