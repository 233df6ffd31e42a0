//! Extends a log by one leaf: the tiles that change, and the signed checkpoint over the new size.
//!
//! Invariant: an edge that is not exactly that of its size is refused; nothing is signed for it.

use crate::checkpoint::Checkpoint;
use crate::hash::{self, EMPTY_ROOT, HASH_BYTES, Peaks};
use crate::note::{self, VerifierKey};
use crate::tile::{self, At};
use ports::keyring::Signer;
use ports::ledger::{Appended, Edge, TILE_WIDTH, Tile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest leaf: an entry bundle gives each entry's length in 16 bits (C2SP tlog-tiles).
pub const LEAF_BYTES_MAX: usize = u16::MAX as usize;

/// Signs for one log.
pub struct Notary {
    key: VerifierKey,
    signer: Arc<dyn Signer>,
}

impl Notary {
    /// A notary of the log `origin`, which also names the key: something like
    /// `node.example/ledger`, without spaces and plus signs.
    ///
    /// # Errors
    /// [`note::Error::Name`], if the origin cannot name a key.
    #[expect(clippy::needless_pass_by_value, reason = "the notary is the origin's owner")]
    pub fn new(origin: String, signer: Arc<dyn Signer>) -> Result<Self, note::Error> {
        Ok(Self { key: VerifierKey::new(&origin, signer.public_key())?, signer })
    }

    /// What the log's checkpoints are checked with. To be kept apart from the log.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }
}

impl ports::ledger::Notary for Notary {
    fn append(&self, edge: &Edge, leaf: &[u8]) -> Result<Appended, String> {
        if leaf.len() > LEAF_BYTES_MAX {
            return Err(format!(
                "the entry has {} bytes, and a ledger's entry has at most {LEAF_BYTES_MAX}",
                leaf.len()
            ));
        }
        let size = edge.size.checked_add(1).ok_or("the ledger is full")?;
        let mut partial = partial_tiles(edge)?;
        let tiles = extend(&mut partial, edge.size, leaf);
        let root = tile::root(partial.values().map(Vec::as_slice)).unwrap_or(EMPTY_ROOT);
        let checkpoint = Checkpoint { origin: self.key.name().to_owned(), size, root };
        Ok(Appended { tiles, checkpoint: checkpoint.sign(&self.key, &*self.signer) })
    }
}

/// The edge's tiles by place, if they are the ones that its size calls for.
fn partial_tiles(edge: &Edge) -> Result<BTreeMap<At, Vec<u8>>, String> {
    let given: BTreeMap<At, Vec<u8>> =
        edge.partial.iter().map(|tile| (At::from(tile), tile.hashes.clone())).collect();
    let given_widths = given.iter().map(|(at, bytes)| (*at, bytes.len() as u64));
    let expected = tile::partial(edge.size).map(|(at, width)| (at, width * HASH_BYTES as u64));
    if given.len() != edge.partial.len() || !given_widths.eq(expected) {
        return Err(format!(
            "the tiles at the ledger's end are not those of {} entries",
            edge.size
        ));
    }
    Ok(given)
}

/// Adds the leaf's hash, and for each tile that this fills, its root one level up. Gives the tiles
/// that changed; those that are full leave `partial`.
fn extend(partial: &mut BTreeMap<At, Vec<u8>>, size: u64, leaf: &[u8]) -> Vec<Tile> {
    let mut changed = Vec::new();
    let (mut hash, mut level, mut count) = (hash::leaf(leaf), 0, size);
    loop {
        let at = At { level, index: count / TILE_WIDTH };
        let mut hashes = partial.remove(&at).unwrap_or_default();
        hashes.extend_from_slice(&hash);
        changed.push(Tile { level, index: at.index, hashes: hashes.clone() });
        if count % TILE_WIDTH != TILE_WIDTH - 1 {
            partial.insert(at, hashes);
            return changed;
        }
        hash = Peaks::over(tile::hashes(&hashes)).root(None).unwrap_or(EMPTY_ROOT);
        level += 1;
        count /= TILE_WIDTH;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ORIGIN, Shelf, TestSigner, leaf, notary};
    use ports::ledger::Notary as _;

    struct Hashes(Vec<tlog_tiles::Hash>);

    impl tlog_tiles::HashReader for Hashes {
        fn read_hashes(&self, at: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            Ok(at.iter().map(|at| self.0[*at as usize]).collect())
        }
    }

    #[test]
    fn every_root_equals_that_of_the_other_implementation() {
        let (mut shelf, notary) = (Shelf::default(), notary());
        let mut theirs = Hashes(Vec::new());
        for number in 0..1025 {
            let bytes = leaf(number);
            let hashes = tlog_tiles::stored_hashes(number, &bytes, &theirs).unwrap();
            theirs.0.extend(hashes);
            shelf.append(&notary, bytes);
            let (size, note) = shelf.checkpoints.last().unwrap();
            let checkpoint = Checkpoint::open(note, notary.verifier_key()).unwrap();
            assert_eq!((*size, checkpoint.size), (number + 1, number + 1));
            assert_eq!(checkpoint.root, tlog_tiles::tree_hash(number + 1, &theirs).unwrap().0);
        }
    }

    #[test]
    fn tiles_are_exactly_those_of_the_size() {
        let (mut shelf, notary) = (Shelf::default(), notary());
        for number in 0..600 {
            shelf.append(&notary, leaf(number));
            let widths: Vec<_> = shelf
                .tiles
                .values()
                .map(|tile| (At::from(tile), tile.hashes.len() as u64 / 32))
                .collect();
            assert_eq!(widths, tile::all(number + 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_the_tiles_that_change_are_written() {
        let (mut shelf, notary) = (Shelf::default(), notary());
        for number in 0..255 {
            assert_eq!(shelf.append(&notary, leaf(number)), 1, "{number}");
        }
        assert_eq!(shelf.append(&notary, leaf(255)), 2, "the full tile and the one above");
        assert_eq!(shelf.append(&notary, leaf(256)), 1);
    }

    /// Three levels, without making 65,536 leaves: the edge says all that a notary needs.
    #[test]
    fn a_leaf_can_fill_tiles_on_two_levels_at_once() {
        let tile = |level, index| Tile { level, index, hashes: vec![level; 255 * 32] };
        let edge = Edge { size: 65_535, partial: vec![tile(0, 255), tile(1, 0)] };
        let appended = notary().append(&edge, b"leaf").unwrap();
        let shape: Vec<_> =
            appended.tiles.iter().map(|t| (t.level, t.index, t.hashes.len() / 32)).collect();
        assert_eq!(shape, [(0, 255, 256), (1, 0, 256), (2, 0, 1)]);
        let root = Checkpoint::open(&appended.checkpoint, notary().verifier_key()).unwrap().root;
        assert_eq!(root, appended.tiles[2].hashes[..]);
    }

    #[test]
    fn an_edge_that_contradicts_itself_is_refused() {
        let tile = |level, index, width: usize| Tile { level, index, hashes: vec![1; width * 32] };
        let ragged = Tile { level: 0, index: 0, hashes: vec![1; 33] };
        for edge in [
            Edge { size: 0, partial: vec![tile(0, 0, 1)] },
            Edge { size: 1, partial: vec![] },
            Edge { size: 1, partial: vec![tile(0, 0, 2)] },
            Edge { size: 1, partial: vec![tile(0, 1, 1)] },
            Edge { size: 1, partial: vec![tile(1, 0, 1)] },
            Edge { size: 1, partial: vec![tile(0, 0, 1), tile(0, 0, 1)] },
            Edge { size: 1, partial: vec![tile(0, 0, 1), tile(1, 0, 1)] },
            Edge { size: 1, partial: vec![ragged] },
            Edge { size: 256, partial: vec![tile(0, 0, 256)] },
            Edge { size: u64::MAX, partial: vec![] },
        ] {
            assert!(notary().append(&edge, b"leaf").is_err(), "{edge:?}");
        }
        let good = Edge { size: 257, partial: vec![tile(0, 1, 1), tile(1, 0, 1)] };
        assert!(notary().append(&good, b"leaf").is_ok());
    }

    #[test]
    fn a_leaf_that_no_export_could_hold_is_refused() {
        let append = |bytes| notary().append(&Edge::default(), &vec![b' '; bytes]);
        assert!(append(LEAF_BYTES_MAX).is_ok());
        assert!(append(LEAF_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn an_origin_that_cannot_name_a_key_is_refused() {
        for origin in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
            assert!(Notary::new(origin.to_owned(), Arc::new(TestSigner::new(1))).is_err());
        }
        assert!(Notary::new(ORIGIN.to_owned(), Arc::new(TestSigner::new(1))).is_ok());
    }
}
