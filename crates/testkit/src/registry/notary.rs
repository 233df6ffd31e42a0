//! A notary without keys: tiles of the right shape, and a checkpoint that names its size.
//!
//! Invariant: deterministic, so equal histories give equal ledgers; and it refuses an edge that
//! does not hold together, as the real one does.

use crate::artifacts::sha256;
use ports::ledger::{Appended, Edge, Notary, TILE_WIDTH, Tile, partial_tiles};

/// Writes tiles whose hashes are SHA-256 of what lies below, without the tree's prefixes.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainNotary;

impl Notary for PlainNotary {
    fn append(&self, edge: &Edge, leaf: &[u8]) -> Result<Appended, String> {
        let shape: Vec<(u8, u64, usize)> = edge
            .partial
            .iter()
            .map(|tile| (tile.level, tile.index, tile.hashes.len() / 32))
            .collect();
        if shape != partial_tiles(edge.size) {
            return Err(format!("an edge of {} leaves has tiles {shape:?}", edge.size));
        }
        let mut tiles = Vec::new();
        let mut hash = sha256(leaf);
        let mut index = edge.size;
        for level in 0..8 {
            let position = index % TILE_WIDTH;
            let stored = edge.partial.iter().find(|tile| tile.level == level);
            let mut hashes = stored.map(|tile| tile.hashes.clone()).unwrap_or_default();
            hashes.extend_from_slice(&hash.0);
            hash = sha256(&hashes);
            tiles.push(Tile { level, index: index / TILE_WIDTH, hashes });
            if position + 1 < TILE_WIDTH {
                break;
            }
            index /= TILE_WIDTH;
        }
        Ok(Appended { tiles, checkpoint: format!("plain\n{}\n{hash}\n", edge.size + 1) })
    }
}
