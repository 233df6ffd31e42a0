//! Hashes of a Merkle tree, as RFC 6962, section 2.1 defines them, with SHA-256.
//!
//! Invariant: a leaf's hash and a node's hash begin with different bytes, so that neither can be
//! taken for the other.

use aws_lc_rs::digest::{Context, SHA256};

/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;

/// The hash of a leaf, a node or a whole tree.
pub type Hash = [u8; HASH_BYTES];

/// The root of a tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// SHA-256 of these pieces, one after the other.
pub(crate) fn sha256(pieces: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for piece in pieces {
        context.update(piece);
    }
    let mut hash = [0; HASH_BYTES];
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

/// SHA-256 of some bytes, as the rest of the house writes it.
#[must_use]
pub fn digest(bytes: &[u8]) -> model::Digest {
    model::Digest(sha256(&[bytes]))
}

/// SHA-256 of bytes that come piece by piece.
#[derive(Clone)]
pub struct Hasher(Context);

impl Hasher {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> model::Digest {
        let mut digest = model::Digest([0; HASH_BYTES]);
        for (to, from) in digest.0.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of a leaf.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// The hash of a node over its two children.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// A Merkle tree that grows by one hash at a time and keeps only the roots of its perfect parts:
/// one for every bit that is set in its size, the largest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peaks {
    size: u64,
    roots: Vec<Hash>,
}

impl Peaks {
    /// The peaks over these hashes.
    pub(crate) fn over(hashes: impl IntoIterator<Item = Hash>) -> Self {
        let mut peaks = Self::default();
        for hash in hashes {
            peaks.push(hash);
        }
        peaks
    }

    /// Adds a hash at the end. Each bit that the count carries over joins two perfect parts.
    pub(crate) fn push(&mut self, hash: Hash) {
        let mut joined = hash;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                joined = node(&left, &joined);
            }
        }
        self.roots.push(joined);
        self.size += 1;
    }

    /// The root over all hashes and, to their right, a smaller tree that is already hashed.
    /// `None` if there is nothing at all.
    pub(crate) fn root(&self, right: Option<Hash>) -> Option<Hash> {
        self.roots.iter().rev().fold(right, |right, left| match right {
            Some(right) => Some(node(left, &right)),
            None => Some(*left),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_other_implementation() {
        let (left, right) = (leaf(b"left"), leaf(b""));
        assert_eq!(left, tlog_tiles::record_hash(b"left").0);
        let expected = tlog_tiles::node_hash(tlog_tiles::Hash(left), tlog_tiles::Hash(right));
        assert_eq!(node(&left, &right), expected.0);
        assert_eq!(EMPTY_ROOT, tlog_tiles::EMPTY_HASH.0);
        assert_eq!(EMPTY_ROOT, sha256(&[]));
    }

    /// The second value is that of FIPS 180-2, appendix B.1.
    #[test]
    fn digests_are_plain_sha_256() {
        assert_eq!(digest(b"").0, EMPTY_ROOT);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc").hex(), abc);
    }

    /// The tree that RFC 6962, section 2.1.3 draws: seven leaves.
    #[test]
    fn seven_leaves_make_the_tree_of_the_rfc() {
        let leaves: Vec<Hash> = (0..7u8).map(|number| leaf(&[number])).collect();
        let pair = |at: usize| node(&leaves[at], &leaves[at + 1]);
        let expected = node(&node(&pair(0), &pair(2)), &node(&pair(4), &leaves[6]));
        assert_eq!(Peaks::over(leaves.clone()).root(None), Some(expected));
        // A tree to the right of a perfect part is the same tree.
        let right = Peaks::over(leaves[4..].to_vec()).root(None);
        assert_eq!(Peaks::over(leaves[..4].to_vec()).root(right), Some(expected));
    }

    #[test]
    fn nothing_has_no_root() {
        assert_eq!(Peaks::default().root(None), None);
        assert_eq!(Peaks::default().root(Some([1; 32])), Some([1; 32]));
    }
}
