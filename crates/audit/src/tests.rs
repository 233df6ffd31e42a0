//! What the tests share: a signer, a store of one log, and logs of any small size.

mod findings;

use crate::note::VerifierKey;
use crate::verify::Snapshot;
use crate::{Notary, tile};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::act::{Leaf, LeafAct};
use model::{Scope, Timestamp};
use ports::keyring::Signer;
use ports::ledger::{Edge, Notary as _, Tile};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub(crate) const ORIGIN: &str = "node.example/ledger";
/// Sizes on both sides of where tiles fill up.
pub(crate) const EDGES: [u64; 9] = [1, 2, 255, 256, 257, 511, 512, 513, 600];

pub(crate) struct TestSigner(Ed25519KeyPair);

impl TestSigner {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }
}

impl Signer for TestSigner {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

pub(crate) fn notary() -> Notary {
    Notary::new(ORIGIN.to_owned(), Arc::new(TestSigner::new(1))).unwrap()
}

pub(crate) fn key() -> VerifierKey {
    VerifierKey::new(ORIGIN, TestSigner::new(1).public_key()).unwrap()
}

pub(crate) fn leaf(seq: u64) -> Vec<u8> {
    leaf_saying(seq, "0.1.0")
}

pub(crate) fn leaf_saying(seq: u64, version: &str) -> Vec<u8> {
    let leaf = Leaf {
        v: 1,
        seq,
        time_us: Timestamp(1_700_000_000_000_000 + seq as i64),
        scope: Scope::default(),
        actor: "operator".to_owned(),
        act: LeafAct::Genesis { version: version.to_owned() },
    };
    leaf.bytes()
}

/// A store of one log, as a database would keep it.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) tiles: BTreeMap<(u8, u64), Tile>,
    pub(crate) checkpoints: Vec<(u64, String)>,
}

impl Shelf {
    /// Appends a leaf and gives how many tiles were written.
    pub(crate) fn append(&mut self, notary: &Notary, leaf: Vec<u8>) -> usize {
        let size = self.leaves.len() as u64;
        let partial =
            tile::partial(size).map(|(at, _)| self.tiles[&(at.level, at.index)].clone()).collect();
        let appended = notary.append(&Edge { size, partial }, &leaf).unwrap();
        let written = appended.tiles.len();
        for tile in appended.tiles {
            self.tiles.insert((tile.level, tile.index), tile);
        }
        self.leaves.push(leaf);
        self.checkpoints.push((size + 1, appended.checkpoint));
        written
    }

    pub(crate) fn snapshot(self) -> Snapshot {
        Snapshot {
            leaves: self.leaves,
            tiles: self.tiles.into_values().collect(),
            checkpoints: self.checkpoints,
        }
    }
}

/// The log of these leaves.
pub(crate) fn log_of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Snapshot {
    let (mut shelf, notary) = (Shelf::default(), notary());
    for leaf in leaves {
        shelf.append(&notary, leaf);
    }
    shelf.snapshot()
}

/// The log of the first `size` of 600 leaves. Cut from one that was made once: a tile only ever
/// grows at its end.
pub(crate) fn log(size: u64) -> Snapshot {
    static WHOLE: OnceLock<Snapshot> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| log_of((0..600).map(leaf)));
    let cut = |(at, width): (tile::At, u64)| {
        let full = whole.tiles.iter().find(|tile| tile::At::from(*tile) == at).unwrap();
        let hashes = full.hashes[..width as usize * 32].to_vec();
        Tile { level: at.level, index: at.index, hashes }
    };
    Snapshot {
        leaves: whole.leaves[..size as usize].to_vec(),
        tiles: tile::all(size).map(cut).collect(),
        checkpoints: whole.checkpoints[..size as usize].to_vec(),
    }
}
